# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""The pieces of an SVG picture: elements as text, and the colours that can be read on light and on dark pages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

# What XML does not allow, however it is escaped.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")
# The mean width of a character, as a part of the size of the font.
CHARACTER = 0.56
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
# Class: the fill on a light and on a dark page.
COLOURS = {
    "card": ("#ffffff", "#0d1117"),
    "text": ("#1f2328", "#e6edf3"),
    "muted": ("#59636e", "#9198a1"),
    "on-dark": ("#ffffff", "#ffffff"),
    "on-light": ("#1f2328", "#0d1117"),
    "drain": ("#e3b341", "#d29922"),
    "wait": ("#d0d7de", "#6e7681"),
    "restart": ("#8250df", "#8957e5"),
    "check": ("#c297ff", "#bc8cff"),
    "ready": ("#4ac26b", "#3fb950"),
    "back": ("#bc4c00", "#bd561d"),
    "stuck": ("#a40e26", "#da3633"),
    "good": ("#1a7f37", "#238636"),
    "warn": ("#9a6700", "#9e6a03"),
    "fail": ("#cf222e", "#ff6a63"),
    "version0": ("#8996a5", "#7d8590"),
    "version1": ("#218bff", "#388bfd"),
    "version2": ("#1b9aa0", "#39c5cf"),
    "version3": ("#bf8700", "#bb8009"),
    "nothing": ("#afb8c1", "#484f58"),
}
CARD = COLOURS["card"]
# On which colours a light text stands.
DARK = ("restart", "back", "stuck")
GRID = ("#d8dee4", "#30363d")


def style() -> str:
    """Return the style of the picture: every colour, light and dark."""
    light = "".join(f".{name}{{fill:{colours[0]}}}" for name, colours in COLOURS.items())
    dark = "".join(f".{name}{{fill:{colours[1]}}}" for name, colours in COLOURS.items())
    return (
        f"<style>text{{font-family:{FONT};font-size:12px}}"
        ".title{font-size:18px;font-weight:600}.small{font-size:11px}.strong{font-weight:600}"
        f".end{{text-anchor:end}}.middle{{text-anchor:middle}}{light}"
        f".grid{{stroke:{GRID[0]};stroke-width:1}}.border{{fill:none;stroke:{GRID[0]}}}"
        f".halo{{stroke:{CARD[0]};stroke-width:1.5}}"
        f"@media (prefers-color-scheme:dark){{{dark}.grid,.border{{stroke:{GRID[1]}}}"
        f".halo{{stroke:{CARD[1]}}}}}</style>"
    )


def escape(text: object) -> str:
    """Return a text as it may stand in XML."""
    return html.escape(_FORBIDDEN.sub("\ufffd", str(text)), quote=True)


def number(value: float) -> str:
    """Return a coordinate, to a tenth."""
    told = f"{value:.1f}".removesuffix(".0")
    return "0" if told == "-0" else told


def text(x: float, y: float, content: object, classes: str = "text") -> str:
    """Return a text; y is its baseline."""
    return f'<text x="{number(x)}" y="{number(y)}" class="{classes}">{escape(content)}</text>'


def _told(title: str) -> str:
    return f"<title>{escape(title)}</title>" if title else ""


def box(x: float, y: float, width: float, height: float, classes: str, title: str = "", radius: float = 0) -> str:
    """Return a rectangle."""
    round_corners = f' rx="{number(radius)}"' if radius else ""
    place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"{round_corners}'
    told = _told(title)
    return f'<rect {place} class="{classes}">{told}</rect>' if told else f'<rect {place} class="{classes}"/>'


def line(x1: float, y1: float, x2: float, y2: float, classes: str = "grid") -> str:
    """Return a line."""
    ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
    return f'<line {ends} class="{classes}"/>'


def path(data: str, classes: str, title: str = "", opacity: float = 1.0) -> str:
    """Return a filled path."""
    through = f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
    return f'<path d="{data}" class="{classes}"{through}>{_told(title)}</path>'


def mark(x: float, y: float, classes: str, title: str) -> str:
    """Return a small triangle that points down to y."""
    top = number(y - 9)
    return path(f"M{number(x - 5)} {top}H{number(x + 5)}L{number(x)} {number(y)}Z", classes, title)


def cross(x: float, y: float, classes: str, title: str) -> str:
    """Return a cross."""
    data = f"M{number(x - 6)} {number(y - 4)}l2-2l4 4l4-4l2 2l-4 4l4 4l-2 2l-4-4l-4 4l-2-2l4-4Z"
    return path(data, classes, title)


def width_of(content: str, size: float = 12) -> float:
    """Return about how wide a text is."""
    return len(content) * size * CHARACTER


def document(width: float, height: float, title: str, description: str, body: Iterable[str]) -> str:
    """Return the whole picture, on a card of its own so that no page shines through."""
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    begin = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">'
    about = f'<title id="title">{escape(title)}</title>\n<desc id="description">{escape(description)}</desc>'
    cards = [box(0.5, 0.5, width - 1, height - 1, kind, radius=8) for kind in ("card", "border")]
    return "\n".join([begin, about, style(), *cards, *body, "</svg>", ""])

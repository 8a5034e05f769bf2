# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The comment behind a server's line: what a human wrote there, and the notes of ours.

For example: # backend1 [held by="deploy 7f3a" since=2026-11-28T01:30:00Z reason="disk swap"] [alone max_fails=3]
"""

from __future__ import annotations

import json
import re

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold

_TEXT = r'"(?:[^"\\]|\\.)*"'
_PAIR = rf"(?:by|since|until|reason)=(?:{_TEXT}|[\w.:/@+-]+)"
_NOTE = re.compile(rf"\[held((?: {_PAIR})+)\]|\[alone(?: max_fails=([0-9]+))?\]")
_PAIRS = re.compile(rf"(\w+)=({_TEXT}|[\w.:/@+-]+)")
_PLAIN = re.compile(r"[\w.:/@+-]+", re.ASCII)


def read(comment: str) -> tuple[str, tuple[Hold, ...], str | None]:
    """Return what a human wrote, the holds, and the max_fails that the last server in rotation had ("": none)."""
    holds: dict[str, Hold] = {}
    alone: str | None = None
    found = looks_like_note(comment)
    # Two pieces of text may make a note once that between them is gone.
    while found:
        found = False
        pieces = []
        end = 0
        for match in _NOTE.finditer(comment):
            hold = _hold(match[1]) if match[1] else None
            if match[1] and hold is None:
                continue
            found = True
            pieces.append(comment[end : match.start()])
            end = match.end()
            if hold:
                holds[hold.owner] = hold
            else:
                alone = match[2] or ""
        pieces.append(comment[end:])
        comment = " ".join(piece.strip() for piece in pieces if piece.strip())
    return comment.strip(), tuple(holds[owner] for owner in sorted(holds)), alone


def write(comment: str, holds: tuple[Hold, ...], alone: str | None) -> str:
    """Return the text behind the #; empty: nothing needs to be said."""
    parts = [comment] if comment else []
    parts += [_held(hold) for hold in holds]
    if alone is not None:
        parts.append(f"[alone max_fails={alone}]" if alone else "[alone]")
    return " ".join(parts)


def looks_like_note(comment: str) -> bool:
    """Whether a text holds something that could be read as a note of ours, or as the beginning of one."""
    return "[held " in comment or "[alone" in comment


def _held(hold: Hold) -> str:
    fields = (("by", hold.owner), ("since", hold.since), ("until", hold.until), ("reason", hold.reason))
    pairs = (f"{name}={_value(value)}" for name, value in fields if value or name == "by")
    return f"[held {' '.join(pairs)}]"


def _value(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _hold(pairs: str) -> Hold | None:
    """Return the hold that a note tells of, None where it names no owner or cannot be read."""
    found: dict[str, str] = {}
    for name, value in _PAIRS.findall(pairs):
        try:
            found[name] = str(json.loads(value)) if value.startswith('"') else value
        except ValueError:
            return None
    if "by" not in found:
        return None
    return Hold(found["by"], found.get("reason", ""), found.get("since", ""), found.get("until", ""))

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""The requests per second of a picture: stacked by version and host, failures in red on top."""

from __future__ import annotations

import dataclasses
import math
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import drawing, words

# Seconds between marks, and of one step of the curve.
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
# The most steps of the curve, and the most hosts that are told apart in it.
BINS, HOSTS = 190, 12
# How strong the colour of a version is for one host after the other.
SHADES = (1.0, 0.78, 0.58)
# So high is a failure at least: one in a million must be seen.
LEAST = 3.0
Key = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Frame:
    """Where the picture of a span of time stands: x and y in pixels, start and end in epoch seconds."""

    left: float
    right: float
    start: float
    end: float

    def x(self, at: float) -> float:
        """Return where a moment is; what is outside stands at the edge."""
        share = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return self.left + share * (self.right - self.left)


def step(span: float, most: int) -> int:
    """Return seconds that divide a span into at most so many parts."""
    return next((seconds for seconds in STEPS if span / seconds <= most), math.ceil(span / most / 86400) * 86400)


def round_up(value: float) -> float:
    """Return the next number that people like to read: 1, 1.5, 2, 3, 5, 7.5, 10, 15 and so on."""
    if value <= 1:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 1.5, 2, 3, 5, 7.5, 10) if value <= factor * power * 1.0001)


class Chart:
    """The curve of the requests.

    :param rows: the series of the summary
    :param versions: the class of each version
    """

    def __init__(self, rows: Sequence[Mapping[str, t.Any]], versions: Mapping[str, str], frame: Frame) -> None:
        self._frame = frame
        self._versions = versions
        self._seconds = step(frame.end - frame.start, BINS)
        self._bins = max(math.ceil((frame.end - frame.start) / self._seconds), 1)
        self._hosts = sorted({str(row["host"] or row["address"]) for row in rows})
        self._good: dict[Key, list[float]] = {}
        self._failed = [0.0] * self._bins
        for row in rows:
            self._count(row)

    def _count(self, row: Mapping[str, t.Any]) -> None:
        place = int((row["at"] - self._frame.start) // self._seconds)
        # What was logged a little outside belongs to the edge: nothing gets lost.
        place = min(max(place, 0), self._bins - 1)
        host = str(row["host"] or row["address"]) if len(self._hosts) <= HOSTS else ""
        counts = self._good.setdefault((row["version"], host), [0.0] * self._bins)
        counts[place] += row["requests"] - row["failed"]
        self._failed[place] += row["failed"]

    def _length(self, place: int) -> float:
        """Return the seconds of a step; the last one may be shorter."""
        left = self._frame.end - self._frame.start - place * self._seconds
        return max(min(self._seconds, left), min(self._seconds, 1.0))

    def draw(self, top: float, bottom: float) -> Iterator[str]:
        """Return the elements of the curve."""
        totals = [
            (sum(counts[place] for counts in self._good.values()) + self._failed[place]) / self._length(place)
            for place in range(self._bins)
        ]
        highest = round_up(max(totals))
        yield from self._scale(top, bottom, highest)
        pixels = (bottom - top) / highest
        below = [bottom] * self._bins
        order = {version: number for number, version in enumerate(self._versions)}
        for version, host in sorted(self._good, key=lambda key: (order.get(key[0], len(order)), key)):
            counts = self._good[version, host]
            above = [low - counts[place] / self._length(place) * pixels for place, low in enumerate(below)]
            shade = SHADES[self._hosts.index(host) % len(SHADES)] if host in self._hosts else 1.0
            where = f"{version or 'no version'}{f' on {host}' if host else ''}"
            told = f"{where}: {words.count(round(sum(counts)), 'request')} without failure"
            yield from self._area(above, below, self._versions.get(version, "nothing"), told, shade)
            below = above
        heights = [count / self._length(place) * pixels for place, count in enumerate(self._failed)]
        above = [low - max(height, LEAST) if height else low for low, height in zip(below, heights, strict=True)]
        told = f"{words.count(round(sum(self._failed)), 'request')} failed"
        yield from self._area(above, below, "fail", told, 1.0)

    def _scale(self, top: float, bottom: float, highest: float) -> Iterator[str]:
        for share in (0.0, 0.5, 1.0):
            y = bottom - (bottom - top) * share
            yield drawing.line(self._frame.left, y, self._frame.right, y)
            yield drawing.text(self._frame.left - 8, y + 4, f"{highest * share:,g}", "muted small end")

    def _area(
        self, above: Sequence[float], below: Sequence[float], name: str, told: str, shade: float
    ) -> Iterator[str]:
        """Return the area between two curves, as steps; nothing where there is none."""
        data = "".join(self._outline(run, above, below) for run in _runs(above, below))
        if data:
            yield drawing.path(data, name, told, shade)

    def _outline(self, run: Sequence[int], above: Sequence[float], below: Sequence[float]) -> str:
        text, number = "", drawing.number
        edges = [self._frame.x(self._frame.start + place * self._seconds) for place in (*run, run[-1] + 1)]
        for place, right in zip(run, edges[1:], strict=True):
            text += f"V{number(above[place])}H{number(right)}"
        for place, left in zip(reversed(run), reversed(edges[:-1]), strict=True):
            text += f"V{number(below[place])}H{number(left)}"
        return f"M{number(edges[0])} {number(below[run[0]])}{text}Z"


def _runs(above: Iterable[float], below: Iterable[float]) -> Iterator[list[int]]:
    """Return the places that follow each other and where there is something between two curves."""
    run: list[int] = []
    for place, (high, low) in enumerate(zip(above, below, strict=True)):
        if high < low:
            run.append(place)
        elif run:
            yield run
            run = []
    if run:
        yield run

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""A rollout as a picture: a row for each host, the reloads, and the requests per second under it."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import drawing, words
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.chart import Chart, Frame, step
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.table import must_be_summary

WIDTH, EDGE, LEFT = 960.0, 24.0, 168.0
CHART = 130.0
# The most rows that have a second line under their name.
ROOMY = 12
# The most marks of the axis.
MARKS = 9
KINDS = {
    "drain": "held, draining",
    "wait": "drained, untouched",
    "restart": "stopped, starting",
    "check": "proving its health",
    "ready": "healthy, still held",
    "back": "going back",
    "stuck": "stays out",
}
PILLS = {"succeeded": "good", "canary": "good", "nothing_to_do": "good", "paused": "warn", "rolled_back": "warn"}
Summary = Mapping[str, t.Any]


def svg(summary: Summary) -> str:
    """Return the picture of a rollout as the text of an SVG file.

    :raises ConfigError: it is not the summary of a rollout
    """
    must_be_summary(summary)
    picture = _Picture(summary)
    body = list(picture.draw())
    title = f"{summary['name']}: {words.subject(summary)}, {summary['outcome'].replace('_', ' ')}"
    return drawing.document(WIDTH, picture.y + EDGE - 6, title, _description(summary), body)


def _description(summary: Summary) -> str:
    """Return the picture in words, for those who cannot see it."""
    told = [summary["message"].rstrip(".") + "."]
    for name, host in summary["hosts"].items():
        spent = [f"{KINDS[kind]} {words.duration(host['seconds'][kind])}" for kind in KINDS if host["seconds"][kind]]
        told.append(f"{name} ({host['outcome'].replace('_', ' ')}): {', '.join(spent) or 'never held'}.")
    return " ".join(told)


def _versions(summary: Summary) -> dict[str, str]:
    """Return the class of the colour of each version: the old ones first, then the new one."""
    found: dict[str, None] = {}
    for key in ("from", "to"):
        found.update(dict.fromkeys(host[key] for host in summary["hosts"].values()))
    found.update(dict.fromkeys(row["version"] for row in summary["requests"]["by_version"]))
    names = [version for version in found if version]
    new = [version for version in names if version == summary["version"]]
    ordered = [version for version in names if version not in new] + new
    # The new one is always blue, also when there is nothing older.
    start = 1 if len(ordered) == len(new) else 0
    classes = {version: f"version{(number + start) % 4}" for number, version in enumerate(ordered)}
    if new and len(ordered) > 2:
        classes |= {ordered[1]: classes[new[0]], new[0]: "version1"}
    return classes


class _Picture:
    """Draws from top to bottom; C(y) is where it has come to."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._versions = _versions(summary)
        start = summary["started"]
        self._frame = Frame(LEFT, WIDTH - EDGE, start, max(summary["finished"], start + 1))
        self._kinds: set[str] = set()
        self.y = 0.0

    def draw(self) -> Iterator[str]:
        """Return the elements of the picture."""
        yield from self._head()
        if not self._summary["hosts"]:
            return
        top = self.y
        rows = [*self._rows(), *self._reloads()]
        rows += list(self._chart())
        # The marks of the time lie under everything else.
        yield from self._axis(top, self.y)
        yield from rows
        yield from self._legend()

    def _head(self) -> Iterator[str]:
        summary = self._summary
        outcome = summary["outcome"].replace("_", " ")
        title = words.cut(f"{summary['name']}: {words.subject(summary)}", 70)
        yield drawing.text(EDGE, 36, title, "text title")
        width = drawing.width_of(outcome) + 22
        yield drawing.box(WIDTH - EDGE - width, 20, width, 23, PILLS.get(summary["outcome"], "stuck"), radius=11.5)
        yield drawing.text(WIDTH - EDGE - width / 2, 36, outcome, "on-dark strong middle")
        self.y = 58.0
        yield from self._line(self._figures(), "muted")
        if summary["outcome"] not in ("succeeded", "canary"):
            yield from self._line(summary["message"].removeprefix(f"{summary['name']}: "), "text")
        self.y += 8

    def _line(self, content: str, classes: str) -> Iterator[str]:
        yield drawing.text(EDGE, self.y, words.cut(content, 136), classes)
        self.y += 19

    def _figures(self) -> str:
        summary, seen = self._summary, self._summary["requests"]
        told = [
            f"{words.count(seen['seen'], 'request')}, {words.number(seen['failed'])} failed, "
            f"{words.number(seen['retried'])} retried",
            words.duration(summary["seconds"]),
            f"{words.clock(summary['started'], '%Y-%m-%d %H:%M:%S')} UTC",
        ]
        if summary["reloads"]:
            told.append(
                f"{words.count(len(summary['reloads']), 'reload')}, "
                f"{words.count(summary['idle_clients'], 'idle client connection')} at them"
            )
        return " \u00b7 ".join(told)

    def _rows(self) -> Iterator[str]:
        roomy = len(self._summary["hosts"]) <= ROOMY
        height = 38.0 if roomy else 20.0
        for name, host in self._summary["hosts"].items():
            middle = self.y + height / 2
            yield drawing.text(EDGE, middle - 2 if roomy else middle + 4, words.cut(name, 20), "text strong")
            if roomy:
                yield drawing.text(EDGE, middle + 12, words.cut(_change(host), 24), "muted small")
            yield from self._row(name, host, middle, 20.0 if roomy else 12.0)
            self.y += height
        self.y += 6

    def _row(self, name: str, host: Mapping[str, t.Any], middle: float, height: float) -> Iterator[str]:
        frame = self._frame
        for part in host["serving"]:
            left, right = frame.x(part["start"]), frame.x(part["end"])
            told = f"{name}: in rotation with {part['version'] or 'an unknown version'}"
            kind = self._versions.get(part["version"], "nothing")
            yield drawing.box(left, middle - 3, right - left, 6, kind, told)
        for part in host["segments"]:
            left, right = frame.x(part["start"]), frame.x(part["end"])
            width, kind = max(right - left, 1.0), part["kind"]
            self._kinds.add(kind)
            seconds = words.duration(part["end"] - part["start"])
            yield drawing.box(left, middle - height / 2, width, height, kind, f"{name}: {KINDS[kind]}, {seconds}")
            label = next((text for text in (seconds, seconds.removesuffix(" s")) if _fits(text, width)), "")
            if label and height >= 12:
                shade = "on-dark" if kind in drawing.DARK else "on-light"
                yield drawing.text(left + width / 2, middle + 4, label, f"{shade} small middle")
        for event in self._summary["events"]:
            if event["event"] == "failed" and event["host"] == name:
                self._kinds.add("failed")
                told = f"{name}: {words.first_line(event['text']) or 'a step failed'}"
                yield drawing.cross(frame.x(event["at"]), middle - height / 2, "fail halo", told)

    def _reloads(self) -> Iterator[str]:
        reloads = self._summary["reloads"]
        for lb in sorted({reload["lb"] for reload in reloads}):
            yield drawing.text(EDGE, self.y + 12, words.cut(f"{lb} reloads", 20), "muted small")
            for reload in (reload for reload in reloads if reload["lb"] == lb):
                told = (
                    f"{lb} reloaded, announced for {reload['window']:g} s: "
                    f"{words.count(reload['idle_clients'], 'idle client connection')}"
                )
                yield drawing.mark(self._frame.x(reload["at"]), self.y + 13, "muted", told)
            self.y += 18
        self.y += 14

    def _chart(self) -> Iterator[str]:
        rows = self._summary["series"]
        yield drawing.text(EDGE, self.y + 10, "requests/s", "text strong")
        yield drawing.text(EDGE, self.y + 25, "by version and host", "muted small")
        bottom = self.y + CHART
        if rows:
            yield from Chart(rows, self._versions, self._frame).draw(self.y + 6, bottom)
        else:
            yield drawing.text((LEFT + WIDTH - EDGE) / 2, bottom - CHART / 2, "no requests were logged", "muted middle")
        self.y = bottom

    def _axis(self, top: float, bottom: float) -> Iterator[str]:
        frame = self._frame
        every = step(frame.end - frame.start, MARKS)
        for number in range(int((frame.end - frame.start) // every) + 1):
            x = frame.x(frame.start + number * every)
            yield drawing.line(x, top, x, bottom + 4)
            yield drawing.text(x, bottom + 18, words.stopwatch(number * every), "muted small middle")
        yield drawing.text(EDGE, bottom + 18, "minutes:seconds", "muted small")
        self.y = bottom + 42

    def _legend(self) -> Iterator[str]:
        x = EDGE
        for kind, told in self._legends():
            width = 18 + drawing.width_of(told, 11.5) + 14
            if x + width > WIDTH - EDGE and x > EDGE:
                x = EDGE
                self.y += 20
            if kind == "cross":
                yield drawing.cross(x + 6, self.y - 4, "fail", "")
            elif kind == "mark":
                yield drawing.mark(x + 6, self.y + 1, "muted", "")
            else:
                yield drawing.box(x, self.y - 10, 12, 12, kind, radius=2)
            yield drawing.text(x + 18, self.y, told, "muted small")
            x += width

    def _legends(self) -> Iterable[tuple[str, str]]:
        yield from ((kind, told) for kind, told in KINDS.items() if kind in self._kinds)
        yield from ((kind, f"{version} serves") for version, kind in self._versions.items())
        yield "fail", "failed requests"
        if "failed" in self._kinds:
            yield "cross", "a step failed"
        if self._summary["reloads"]:
            yield "mark", "reload"


def _fits(label: str, width: float) -> bool:
    return drawing.width_of(label, 11) + 4 <= width


def _change(host: Mapping[str, t.Any]) -> str:
    """Return what became of the version of a host."""
    before, now = host["from"] or "nothing", host["now"] or "?"
    if host["outcome"] == "reverted":
        return f"{before} \u2192 {host['to']} \u2192 {now}"
    return now if before == now else f"{before} \u2192 {now}"

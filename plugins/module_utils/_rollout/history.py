# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""What happened to one host: when it was held, drained, switched, healthy and released, and how long each took."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.journal import Event

# The order of life: two events of one moment are read in this order.
ORDER = (
    *("planned", "locked", "lock_broken", "staged", "migrated", "released", "held", "drained", "cut", "switched"),
    *("started", "healthy", "watched", "failed", "reverted", "stuck", "skipped", "paused", "finished", "unlocked"),
)
# What a held host does after an event. wait: drained, and not touched yet. back: a step failed, it returns.
AFTER = {
    "held": "drain",
    "drained": "wait",
    "cut": "wait",
    "switched": "restart",
    "started": "check",
    "healthy": "ready",
    "failed": "back",
    "reverted": "ready",
    "stuck": "stuck",
}
KINDS = ("drain", "wait", "restart", "check", "ready", "back", "stuck")
# What ends the way back.
ARRIVED = ("healthy", "reverted", "stuck", "failed")
# What tells of a process that is a new one: without a switch before it, it was restarted since the drain.
RESTARTED = ("started", "healthy", "failed", "reverted", "stuck")
TIMES = ("held", "drained", "switched", "started", "healthy", "released")
Segment = dict[str, t.Any]


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return events by their time, and those of one moment in the order of life."""
    places = {name: place for place, name in enumerate(ORDER)}
    return sorted(events, key=lambda event: (event["at"], places.get(event["event"], len(ORDER))))


@dataclasses.dataclass
class _Host:
    """A host as far as its events have been read."""

    kind: str = ""
    since: float = 0.0
    turn: int = 0
    segments: list[Segment] = dataclasses.field(default_factory=list)

    def become(self, kind: str, at: float) -> None:
        """End what it does, and begin something else; empty: it is in rotation."""
        if kind == self.kind:
            return
        if self.kind:
            self.segments.append(
                {"kind": self.kind, "start": self.since, "end": max(at, self.since), "turn": self.turn}
            )
        elif kind:
            self.turn += 1
        self.kind, self.since = kind, at

    def read(self, name: str, at: float, later: Iterable[str]) -> None:
        """Read one event.

        :param later: the names of the events after it
        """
        if name == "released":
            self.become("", at)
        elif self.kind == "back":
            # On the way back it is switched and started again, and it is still on its way.
            self.become(AFTER[name] if name in ARRIVED else "back", at)
        elif name in AFTER and (self.kind or name not in ("failed", "reverted")):
            kind = AFTER[name]
            self.become("restart" if kind == "wait" and not _untouched(later) else kind, at)


def _untouched(later: Iterable[str]) -> bool:
    """Whether a drained host waits: a way back is not told where it begins, and then all of it is the restart."""
    ends = ("switched", "held", "released", *RESTARTED)
    return next((name for name in later if name in ends), "") not in RESTARTED


def history(events: Iterable[Event], started: float, finished: float, held_before: bool) -> dict[str, t.Any]:
    """Return C(times) (epoch or None), C(seconds) (of each kind, and C(held) in all) and C(segments) of one host.

    :param events: its events, by the controller's clock
    :param started: when the run began, epoch in seconds
    :param finished: when it ended; what still goes on is counted until then
    :param held_before: an earlier run has left it out of rotation
    """
    known = in_order(events)
    names = [event["event"] for event in known]
    host = _Host()
    if held_before:
        host.kind, host.since, host.turn = "wait", started, 1
    for number, event in enumerate(known, 1):
        host.read(event["event"], event["at"], names[number:])
    goes_on = bool(host.kind)
    host.become("", max(finished, host.since))
    return {
        "times": {name: _time(known, name, goes_on) for name in TIMES},
        "seconds": _seconds(host.segments),
        "segments": host.segments,
        "still_held": goes_on,
    }


def _time(events: Iterable[Event], name: str, goes_on: bool) -> float | None:
    """Return when it was held for the first time and so on, and released for the last time."""
    wanted = ("drained", "cut") if name == "drained" else (name,)
    found = [event["at"] for event in events if event["event"] in wanted]
    if name == "released":
        return found[-1] if found and not goes_on else None
    return found[0] if found else None


def _seconds(segments: Iterable[Segment]) -> dict[str, float]:
    sums = dict.fromkeys((*KINDS, "held"), 0.0)
    for segment in segments:
        for key in (segment["kind"], "held"):
            sums[key] += segment["end"] - segment["start"]
    return {key: round(value, 3) for key, value in sums.items()}


def serving(
    segments: Iterable[Segment], versions: Mapping[str, str], started: float, finished: float
) -> list[dict[str, t.Any]]:
    """Return when a host was in rotation, and with which version: C(version), C(start), C(end).

    :param versions: C(from), C(to), C(back) and C(now); an empty C(now) is unknown
    """
    found: list[dict[str, t.Any]] = []
    turns: dict[int, list[Segment]] = {}
    for segment in segments:
        turns.setdefault(segment["turn"], []).append(segment)
    version, at = versions.get("from", ""), started
    for turn, parts in sorted(turns.items()):
        found.append({"version": version, "start": at, "end": parts[0]["start"]})
        kinds = {part["kind"] for part in parts}
        # The second time it is held, it is to go back.
        forward = turn == 1 and "ready" in kinds and "back" not in kinds
        version, at = versions.get("to" if forward else "back", ""), parts[-1]["end"]
    if turns and versions.get("now"):
        version = versions["now"]
    found.append({"version": version, "start": at, "end": finished})
    return [part for part in found if part["end"] > part["start"]]

"""Waiting, without waiting."""

from __future__ import annotations

import dataclasses
import datetime

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.wait import poll


@dataclasses.dataclass
class Clock:
    """Time that passes only by sleeping."""

    time: float = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def wall(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.time, datetime.timezone.utc)


def test_it_returns_what_was_found() -> None:
    clock = Clock()
    assert poll(clock, 10, 1, lambda: "found" if clock.time >= 3 else None) == "found"
    assert clock.time == 3


def test_it_gives_up_at_the_deadline_and_not_later() -> None:
    clock = Clock()
    assert poll(clock, 2.5, 1, lambda: None) is None
    assert clock.time == 2.5


def test_it_looks_once_though_it_is_too_late() -> None:
    assert poll(Clock(9), 0, 1, lambda: 0) == 0


def test_it_looks_once_more_at_the_deadline() -> None:
    clock = Clock()
    assert poll(clock, 2.5, 1, lambda: True if clock.time >= 2.5 else None) is True

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Waiting for something to become true, with a clock that a test can replace."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Callable

Found = t.TypeVar("Found")


class Clock(t.Protocol):
    """Time, and the passing of it."""

    def now(self) -> float:
        """Return seconds that only ever grow."""

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""

    def wall(self) -> datetime.datetime:
        """Return the date and time in UTC."""


def poll(clock: Clock, deadline: float, interval: float, look: Callable[[], Found | None]) -> Found | None:
    """Look until there is something to return; None when the deadline passed without. It looks at least once."""
    while True:
        found = look()
        if found is not None:
            return found
        left = deadline - clock.now()
        if left <= 0:
            return None
        clock.sleep(min(interval, left))

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What is wrong with the options of a rollout, all at once, by the names that the user knows."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.batches import share

Check = Callable[[t.Any], bool]


def findings(options: Mapping[str, t.Any]) -> list[str]:
    """Return a sentence for each option that cannot be used: its name, its value, and what is allowed."""
    flat = {
        **{name: value for name, value in options.items() if not isinstance(value, Mapping)},
        **{f"{name}.{key}": value for name in NESTED for key, value in options.get(name, {}).items()},
    }
    unknown = [name for name in flat if "." in name and name not in CHECKS]
    wrong = [name for name, (check, _allowed) in CHECKS.items() if name in flat and not _passes(check, flat[name])]
    return [
        *(f"rollout_{name}: {flat[name]!r} is {CHECKS[name][1]}" for name in wrong),
        *(f"rollout_{name} does not exist; there are {_siblings(name)}" for name in unknown),
    ]


def _passes(check: Check, value: t.Any) -> bool:
    try:
        return check(value)
    except (TypeError, ValueError):
        return False


def _siblings(name: str) -> str:
    prefix = name.split(".")[0] + "."
    return ", ".join(known.removeprefix(prefix) for known in CHECKS if known.startswith(prefix))


def _at_least(lowest: float) -> Check:
    return lambda value: not isinstance(value, bool) and float(value) >= lowest


def _whole(lowest: int) -> Check:
    return lambda value: not isinstance(value, bool) and int(value) == float(value) and int(value) >= lowest


def _serial(value: t.Any) -> bool:
    values = value if isinstance(value, (list, tuple)) else [value]
    return bool(values) and all(share(one, 100) >= 1 for one in values)


def _statuses(value: t.Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(100 <= int(one) <= 599 for one in value)


NESTED = ("health_check", "monitor")
SECONDS, WHOLE = "not a number of seconds", "not a whole number"
CHECKS: dict[str, tuple[Check, str]] = {
    "serial": (_serial, "not a whole number from 1 on, a share from 1% to 100%, or a list of these"),
    "min_healthy": (lambda value: share(value, 100) >= 0, "not a whole number from 0 on, or a share from 0% to 100%"),
    "failure_action": (lambda value: value in ("pause", "rollback"), "neither pause nor rollback"),
    "on_timeout": (lambda value: value in ("proceed", "fail"), "neither proceed nor fail"),
    "drain_timeout": (_at_least(0.1), f"{SECONDS} from 0.1 on"),
    "close_window": (_at_least(0), f"{SECONDS} from 0 on"),
    "stop_timeout": (_at_least(0), f"{SECONDS} from 0 on"),
    "healthy_deadline": (_at_least(1), f"{SECONDS} from 1 on"),
    "min_healthy_time": (_at_least(0), f"{SECONDS} from 0 on"),
    "monitor.seconds": (_at_least(0), f"{SECONDS} from 0 on"),
    "monitor.max_error_ratio": (lambda value: 0 <= float(value) <= 1, "not a number from 0 to 1"),
    "monitor.min_requests": (_whole(1), f"{WHOLE} from 1 on"),
    "health_check.path": (lambda value: str(value).startswith("/"), "not a path that starts with /"),
    "health_check.port": (lambda value: 0 <= int(value) <= 65535, "not a port; 0 is the server's own"),
    "health_check.host": (lambda value: isinstance(value, str), "not a name for the Host header"),
    "health_check.scheme": (lambda value: value in ("http", "https"), "neither http nor https"),
    "health_check.interval": (_at_least(0.05), f"{SECONDS} from 0.05 on"),
    "health_check.timeout": (_at_least(0.1), f"{SECONDS} from 0.1 on"),
    "health_check.passes": (_whole(1), f"{WHOLE} from 1 on"),
    "health_check.status": (_statuses, "not a list of status codes"),
}

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What is wrong with the options of a rollout, all at once, by the names that the user knows."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import values
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.batches import share
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.health import PATH

Check = Callable[[t.Any], bool]


def findings(options: Mapping[str, t.Any]) -> list[str]:
    """Return a sentence for each option that cannot be used: its name, its value, and what is allowed."""
    inner = {name: options[name] for name in NESTED if isinstance(options.get(name), Mapping)}
    flat = {
        **{name: value for name, value in options.items() if name not in inner},
        **{f"{name}.{key}": value for name, inside in inner.items() for key, value in inside.items()},
    }
    wrong = [name for name, (check, _allowed) in CHECKS.items() if name in flat and not _passes(check, flat[name])]
    return [
        *(f"rollout_{name}: {flat[name]!r} is {CHECKS[name][1]}" for name in wrong),
        *(f"rollout_{name}: {flat[name]!r} is not a dictionary" for name in NESTED if name in flat),
        *(f"rollout_{name} does not exist; there are {_siblings(name)}" for name in _unknown(flat)),
        *(f"rollout_{name} is missing; it is needed" for name in _missing(flat)),
        *(_too_short(flat) if not wrong else ()),
    ]


def flag(value: t.Any) -> bool:
    """Return a flag, which is a text when it comes from the command line.

    :raises ValueError: it is none
    """
    return values.flag(value)


def _unknown(flat: Mapping[str, t.Any]) -> list[str]:
    return [name for name in flat if "." in name and name not in CHECKS]


def _missing(flat: Mapping[str, t.Any]) -> list[str]:
    return [name for name in CHECKS if name not in flat and name not in OPTIONAL and name.split(".")[0] not in flat]


def _too_short(flat: Mapping[str, t.Any]) -> list[str]:
    """Return that no host can be healthy in time, which would only be seen when one is held and stopped."""
    names = ("healthy_deadline", "min_healthy_time", "health_check.passes", "health_check.interval")
    if not all(name in flat for name in names):
        return []
    deadline, stays, passes, interval = (float(flat[name]) for name in names)
    needed = (passes - 1) * interval + stays
    if deadline > needed:
        return []
    return [
        f"rollout_healthy_deadline: {flat['healthy_deadline']!r} is not more than {needed:g}: rollout_min_healthy_time "
        f"({stays:g} s) and {passes:g} passes every {interval:g} s cannot be met before"
    ]


def _passes(check: Check, value: t.Any) -> bool:
    try:
        return check(value)
    except (TypeError, ValueError, OverflowError):
        return False


def _siblings(name: str) -> str:
    prefix = name.split(".")[0] + "."
    return ", ".join(known.removeprefix(prefix) for known in CHECKS if known.startswith(prefix))


def _at_least(lowest: float) -> Check:
    return lambda value: not isinstance(value, bool) and lowest <= float(value) < math.inf


def _whole(lowest: int) -> Check:
    return lambda value: not isinstance(value, bool) and int(value) == float(value) and int(value) >= lowest


def _serial(value: t.Any) -> bool:
    sizes = value if isinstance(value, (list, tuple)) else [value]
    return bool(sizes) and all(share(one, 100) >= 1 for one in sizes)


def _flag(value: t.Any) -> bool:
    flag(value)
    return True


def _absolute(value: t.Any) -> bool:
    return isinstance(value, str) and value.startswith("/")


def _path(value: t.Any) -> bool:
    return bool(PATH.fullmatch(str(value)))


def _statuses(value: t.Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(100 <= int(one) <= 599 for one in value)


NESTED = ("health_check", "monitor", "hooks")
HOOKS = ("hooks.before", "hooks.before_batch", "hooks.after_batch", "hooks.after")
# What a plan can be made without.
OPTIONAL = (
    *HOOKS,
    "health_check.path",
    "health_check.port",
    "health_check.host",
    "health_check.scheme",
    "health_check.interval",
    "health_check.timeout",
    "health_check.passes",
    "health_check.status",
)
SECONDS, WHOLE = "not a number of seconds", "not a whole number"
A_PATH = "which starts with / and holds no space; other characters than those of ASCII are written as %C3%A4"
CHECKS: dict[str, tuple[Check, str]] = {
    "serial": (_serial, "not a whole number from 1 on, a share from 1% to 100%, or a list of these"),
    "min_healthy": (lambda value: share(value, 100) >= 0, "not a whole number from 0 on, or a share from 0% to 100%"),
    "canary": (_flag, "neither true nor false"),
    "failure_action": (lambda value: value in ("pause", "rollback"), "neither pause nor rollback"),
    "on_timeout": (lambda value: value in ("proceed", "fail"), "neither proceed nor fail"),
    "drain_timeout": (_at_least(0.1), f"{SECONDS} from 0.1 on"),
    "close_window": (_at_least(0), f"{SECONDS} from 0 on"),
    "stop_timeout": (_at_least(0), f"{SECONDS} from 0 on"),
    "healthy_deadline": (_at_least(1), f"{SECONDS} from 1 on"),
    "min_healthy_time": (_at_least(0), f"{SECONDS} from 0 on"),
    "monitor.seconds": (_at_least(0), f"{SECONDS} from 0 on"),
    "monitor.max_error_ratio": (
        lambda value: not isinstance(value, bool) and 0 <= float(value) <= 1,
        "not a number from 0 to 1",
    ),
    "monitor.min_requests": (_whole(1), f"{WHOLE} from 1 on"),
    "keep": (_whole(1), f"{WHOLE} from 1 on"),
    "warm_up": (
        lambda value: isinstance(value, (list, tuple)) and all(map(_path, value)),
        f"not a list of paths, {A_PATH}",
    ),
    "health_check.path": (_path, f"not a path, {A_PATH}"),
    "health_check.port": (lambda value: _whole(0)(value) and int(value) <= 65535, "not a port; 0 is the server's own"),
    "health_check.host": (lambda value: isinstance(value, str), "not a name for the Host header"),
    "health_check.scheme": (lambda value: value in ("http", "https"), "neither http nor https"),
    "health_check.interval": (_at_least(0.05), f"{SECONDS} from 0.05 on"),
    "health_check.timeout": (_at_least(0.1), f"{SECONDS} from 0.1 on"),
    "health_check.passes": (_whole(1), f"{WHOLE} from 1 on"),
    "health_check.status": (_statuses, "not a list of status codes"),
    **dict.fromkeys(HOOKS, (_absolute, "not an absolute path of a file of tasks")),
}

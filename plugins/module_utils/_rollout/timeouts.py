# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Timeouts that must fit together, from the client through nginx to systemd (evidence: nginx and gunicorn sources)."""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Mapping

# nginx' own units of time (ngx_parse_time in src/core/ngx_parse.c).
UNITS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "": 1.0}
# Each at most once, the largest first; what has no unit is seconds and comes last.
TIME = re.compile("".join(rf"(?:([0-9]+){unit} *)?" for unit in UNITS))


def seconds(value: t.Any) -> float:
    """Return seconds from a number or a time of nginx such as V(30s), V(1m) or V(1h 30m).

    :raises ValueError: it is neither
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    text = str(value).strip()
    if re.fullmatch(r"[0-9]+\.[0-9]+", text):
        return float(text)
    found = TIME.fullmatch(text)
    if not text or not found:
        raise ValueError(f"{value!r} is no time; allowed are seconds, or a time such as 30s or 1m")
    return sum(int(number or 0) * scale for number, scale in zip(found.groups(), UNITS.values(), strict=True))


# The first must not be longer than the second (strictly shorter where it says so), or this happens.
CHAIN = (
    ("longest_request", "drain_timeout", False, "the drain ends before the request"),
    ("longest_request", "backend_timeout", False, "the server kills the worker before the request ends"),
    ("longest_request", "proxy_read_timeout", False, "nginx gives up before the answer comes"),
    ("client_body_timeout", "drain_timeout", True, "behind HTTP/2 an upload that stalls outlasts the drain"),
    ("backend_timeout", "backend_graceful_timeout", False, "a stop cuts requests that the server still allows"),
    ("backend_graceful_timeout", "backend_stop_timeout", True, "systemd kills what the server still finishes"),
    (
        "proxy_keepalive_timeout",
        "backend_keepalive",
        True,
        "the application closes a connection that nginx just reuses",
    ),
)
# What spares the idle connections of clients at a reload: nginx' own time from 1.27.4 on, or the announcement.
IDLE, SPARED_BY = "client_keepalive_timeout", ("keepalive_min_timeout", "close_window")
SHUTDOWN = "worker_shutdown_timeout"
NAMES = tuple(
    dict.fromkeys(
        (
            *(name for shorter, longer, _strictly, _otherwise in CHAIN for name in (shorter, longer)),
            IDLE,
            *SPARED_BY,
            SHUTDOWN,
        )
    )
)


def findings(values: Mapping[str, t.Any]) -> list[str]:
    """Return a sentence for each pair that does not fit: both names, both values, and the value to set.

    :param values: by the names of C(NAMES), a list where hosts differ; what is missing, empty or None is not checked
    """
    given = {name: value for name, value in values.items() if value not in ("", None)}
    found = [f"{name} is no timeout of the chain; there are {', '.join(NAMES)}" for name in given if name not in NAMES]
    if SHUTDOWN in given:
        found.append(f"{SHUTDOWN} is {given[SHUTDOWN]}; leave it unset, or each reload cuts requests and WebSockets")
    known = {}
    for name, value in given.items():
        if name == SHUTDOWN or name not in NAMES:
            continue
        try:
            known[name] = [seconds(one) for one in (value if isinstance(value, list) else [value])]
        except ValueError as error:
            found.append(f"{name}: {error}")
    # Of several values the worst one counts.
    longest = {name: max(times) for name, times in known.items() if times}
    shortest = {name: min(times) for name, times in known.items() if times}
    for shorter, longer, strictly, otherwise in CHAIN:
        found += _pair(longest, shortest, shorter, longer, strictly, otherwise)
    return found + _idle(longest, shortest)


def _pair(
    longest: Mapping[str, float],
    shortest: Mapping[str, float],
    shorter: str,
    longer: str,
    strictly: bool,
    otherwise: str,
) -> list[str]:
    if shorter not in longest or longer not in shortest:
        return []
    low, high = longest[shorter], shortest[longer]
    if low < high or (low == high and not strictly):
        return []
    wanted = f"{'more than' if strictly else 'at least'} {low:g}"
    return [f"{shorter} is {low:g} s and {longer} {high:g} s: {otherwise}; set {longer} to {wanted}"]


def _idle(longest: Mapping[str, float], shortest: Mapping[str, float]) -> list[str]:
    """Return that clients may be idle for longer than a reload spares them: one of the two is enough, 0 spares nobody.

    Where both are 0 nobody is to be spared, as with C(nginx_close_window=0), so there is nothing to find.
    """
    spared = [name for name in SPARED_BY if shortest.get(name, 0.0) > 0]
    if not spared or longest.get(IDLE, 0.0) <= max(shortest[name] for name in spared):
        return []
    otherwise = "a reload breaks connections of clients that are idle longer"
    return _pair(longest, shortest, IDLE, spared[0], False, otherwise)

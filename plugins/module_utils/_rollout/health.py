# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Healthy: the right answer n times in a row, and for a while after that."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import Ask, Prober, Reply

SHOWN_HEADERS = ("x-app-version", "x-served-by")
SHOWN_BODY = 200
REDIRECTS = (301, 302, 303, 307, 308)
ADDRESS = re.compile(r"([0-9A-Za-z_.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
PATH = re.compile(r"/[!-~]*")
MINIMA = {"interval": 0.0, "deadline": 0.0, "min_healthy_time": 0.0, "timeout": 0.0, "passes": 1, "max_attempts": 0}
POSITIVE = ("timeout", "deadline")


@dataclasses.dataclass(frozen=True)
class Check:
    """What healthy means. Times are seconds."""

    scheme: str = "http"
    path: str = "/health"
    # The Host header; empty: the address.
    host: str = ""
    # From the start of one request to the start of the next.
    interval: float = 1.0
    # For one answer.
    timeout: float = 2.0
    # In a row.
    passes: int = 3
    status: Sequence[int] = (200,)
    # Headers that the answer must have.
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    # For all targets together.
    deadline: float = 120.0
    # How long it must stay healthy after the passes.
    min_healthy_time: float = 0.0
    # Paths that are asked once after the passes, whatever they answer.
    warm_up: Sequence[str] = ()
    # Requests for each target; 0: until the deadline.
    max_attempts: int = 0

    def url(self, address: str, path: str | None = None) -> str:
        return f"{self.scheme}://{address}{self.path if path is None else path}"

    def wrong(self, reply: Reply) -> str:
        """Return why an answer is not healthy; empty: it is."""
        if reply.error:
            return reply.error
        if reply.status not in self.status:
            return f"status {reply.status}, expected {' or '.join(map(str, self.status))}{_redirect(reply)}"
        for name, value in self.headers.items():
            seen = reply.headers.get(name.lower())
            if seen != value:
                told = "no such header" if seen is None else repr(seen)
                return f"header {name}: {told}, expected {value!r}"
        return ""


@dataclasses.dataclass
class _Watched:
    """What is known of a target so far."""

    started: float
    passes: int = 0
    attempts: int = 0
    # Since when it has been healthy.
    since: float | None = None
    reply: Reply = dataclasses.field(default_factory=Reply)
    error: str = "it was not asked"


def run(params: Mapping[str, t.Any], prober: Prober, check_mode: bool) -> dict[str, t.Any]:
    """Ask all targets until each is healthy or the time is over.

    :param check_mode: makes no difference, as nothing is ever changed
    :raises ConfigError: options that cannot be used
    :raises TaskError: a target is not healthy and C(fail_on_unhealthy) is set
    """
    found = list(findings(params))
    if found:
        raise ConfigError(found)
    check = Check(**{field.name: params[field.name] for field in dataclasses.fields(Check)})
    deadline = prober.now() + check.deadline
    targets = prober.each(lambda target: watch(target, check, prober, deadline), list(params["targets"]))
    unhealthy = [target["name"] for target in targets if not target["healthy"]]
    result = {
        "changed": False,
        "targets": targets,
        "healthy": [target["name"] for target in targets if target["healthy"]],
        "unhealthy": unhealthy,
    }
    if unhealthy and params["fail_on_unhealthy"]:
        raise TaskError(complaint(targets, check), **result)
    return result


def watch(target: Mapping[str, t.Any], check: Check, prober: Prober, deadline: float) -> dict[str, t.Any]:
    """Ask one target until it is healthy or the time is over, and return what was seen.

    :param deadline: by the clock that only grows
    """
    seen = _Watched(prober.now())
    healthy = False
    while not healthy:
        begun = prober.now()
        _look(target["address"], check, prober, deadline, seen)
        healthy = seen.since is not None and prober.now() - seen.since >= check.min_healthy_time
        pause = _pause(check, seen, begun, prober.now())
        if not healthy and (_last(check, seen) or prober.now() + pause >= deadline):
            break
        prober.sleep(0.0 if healthy else pause)
    return _told(target, check, seen, healthy, prober.now())


def _look(address: str, check: Check, prober: Prober, deadline: float, seen: _Watched) -> None:
    timeout = max(min(check.timeout, deadline - prober.now()), 0.001)
    seen.attempts += 1
    seen.reply = prober.ask(Ask(check.url(address), check.host, timeout))
    wrong = check.wrong(seen.reply)
    if wrong:
        seen.passes, seen.since, seen.error = 0, None, wrong
        return
    seen.passes += 1
    seen.error = ""
    if seen.passes == check.passes:
        _warm_up(address, check, prober, deadline)
        seen.since = prober.now()


def _warm_up(address: str, check: Check, prober: Prober, deadline: float) -> None:
    for path in check.warm_up:
        left = deadline - prober.now()
        if left > 0:
            prober.ask(Ask(check.url(address, path), check.host, min(check.timeout, left)))


def _pause(check: Check, seen: _Watched, begun: float, now: float) -> float:
    """Return the seconds until the next request."""
    pause = max(begun + check.interval - now, 0.0)
    if seen.since is None:
        return pause
    return min(pause, max(seen.since + check.min_healthy_time - now, 0.0))


def _last(check: Check, seen: _Watched) -> bool:
    return 0 < check.max_attempts <= seen.attempts


def _told(target: Mapping[str, t.Any], check: Check, seen: _Watched, healthy: bool, now: float) -> dict[str, t.Any]:
    shown = (*SHOWN_HEADERS, *(name.lower() for name in check.headers))
    return {
        "name": target["name"],
        "address": target["address"],
        "healthy": healthy,
        "passes": seen.passes,
        "attempts": seen.attempts,
        "seconds": round(now - seen.started, 3),
        "status": seen.reply.status,
        "error": "" if healthy else seen.error or _too_short(check, seen, now),
        "headers": {name: seen.reply.headers[name] for name in shown if name in seen.reply.headers},
        "body": "" if healthy else seen.reply.body[:SHOWN_BODY],
    }


def _too_short(check: Check, seen: _Watched, now: float) -> str:
    if seen.since is None:
        return f"passed {seen.passes} in a row, {check.passes} are needed"
    return f"healthy for {now - seen.since:.1f} s, {check.min_healthy_time:g} s are needed"


def _redirect(reply: Reply) -> str:
    if reply.status not in REDIRECTS:
        return ""
    where = f" to {reply.headers['location']}" if "location" in reply.headers else ""
    return f": it redirects{where}, and a redirect is not healthy: set path, host or status"


def complaint(targets: Iterable[Mapping[str, t.Any]], check: Check) -> str:
    """Return the message for targets of which some are not healthy."""
    targets = list(targets)
    bad = [target for target in targets if not target["healthy"]]
    lines = [f"{len(bad)} of {len(targets)} not healthy (asked for {check.path}):"]
    for target in bad:
        times = "once" if target["attempts"] == 1 else f"{target['attempts']} times"
        body = " ".join(target["body"].split())
        lines.append(
            f"{target['name']} ({target['address']}): asked {times} in {target['seconds']:.1f} s, "
            f"passed {target['passes']} in a row of {check.passes}; last seen: {target['error']}"
            + (f"; it said: {body}" if body else "")
        )
    return "\n".join(lines)


def findings(params: Mapping[str, t.Any]) -> Iterator[Finding]:
    """Return everything that is wrong with the options."""
    yield from _target_findings(params["targets"])
    for name, minimum in MINIMA.items():
        if params[name] < minimum or (name in POSITIVE and params[name] <= minimum):
            yield Finding(name, params[name], f"must be {'more than' if name in POSITIVE else 'at least'} {minimum:g}")
    for name, path in (("path", params["path"]), *(("warm_up", path) for path in params["warm_up"])):
        if not PATH.fullmatch(path):
            yield Finding(name, path, "must start with / and hold no space")
    if re.search(r"[^!-~]", params["host"]):
        yield Finding("host", params["host"], "must hold no space and only ASCII")
    if not params["status"]:
        yield Finding("status", params["status"], "must name at least one status")
    for status in params["status"]:
        if not 100 <= status <= 599:
            yield Finding("status", status, "must be 100 to 599")
    yield from _contradictions(params)


def _target_findings(targets: Sequence[Mapping[str, t.Any]]) -> Iterator[Finding]:
    seen: set[str] = set()
    for target in targets:
        match = ADDRESS.fullmatch(target["address"])
        if not match or not 0 < int(match[2]) < 65536:
            where = f"targets[{target['name']}].address"
            yield Finding(where, target["address"], "must be host:port, as in 192.0.2.11:5000 or [2001:db8::11]:5000")
        if target["name"] in seen:
            yield Finding("targets.name", target["name"], "must not occur twice")
        seen.add(target["name"])


def _contradictions(params: Mapping[str, t.Any]) -> Iterator[Finding]:
    attempts, passes = params["max_attempts"], params["passes"]
    if 0 < attempts < passes:
        yield Finding("max_attempts", attempts, f"must be 0 or at least passes ({passes})")
    needed = (passes - 1) * params["interval"] + params["min_healthy_time"]
    if 0 < params["deadline"] <= needed:
        yield Finding(
            "deadline",
            params["deadline"],
            f"must be more than {needed:g}: (passes - 1) * interval + min_healthy_time cannot be met before",
        )

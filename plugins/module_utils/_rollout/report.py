# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""The summary of a rollout: what rollout.json says, and what table and picture are made of."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import ending, journal, traffic, words
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.history import history, in_order, serving
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.journal import Event

OUTCOMES = ("ok", "reverted", "stuck", "skipped", "not_reached")
# What the summary repeats of the plan, with what stands for a missing one.
REPEATED: dict[str, t.Any] = {
    "verb": "",
    "name": "",
    "version": "",
    "back_to": "",
    "extra_vars": {},
    "typed": {},
    "owner": "",
    "findings": [],
    "warnings": [],
    "order": [],
    "batches": [],
    "skipped": {},
    "unchanged": [],
    "not_selected": [],
    "min_healthy": 0,
}
Request = Mapping[str, t.Any]


def summary(request: Request) -> dict[str, t.Any]:
    """Return what happened in a rollout.

    :param request: C(plan), C(run), C(who), C(started), C(finished) (epoch in seconds by the controller's clock),
        C(events), C(outcomes), and what was collected: C(stop), C(rolled_back), C(logs), C(reloads), C(cut),
        C(lbs_left), C(lbs_hold), C(clock), all of which default to nothing
    :raises ConfigError: something that is needed is missing or is not what it must be
    """
    found = list(findings(request))
    if found:
        raise ConfigError(found)
    plan = request["plan"]
    events = in_order(journal.normal(event) for event in request.get("events") or ())
    started, finished = float(request["started"]), float(request["finished"])
    addresses = {name: host.get("address", "") for name, host in (plan.get("hosts") or {}).items()}
    told: dict[str, t.Any] = {
        **{key: plan.get(key) or usual for key, usual in REPEATED.items()},
        "run": str(request.get("run") or ""),
        "who": str(request.get("who") or ""),
        "started": started,
        "finished": finished,
        "seconds": round(finished - started, 3),
        "stop": str(request.get("stop") or "").strip(),
        "rolled_back": list(request.get("rolled_back") or ()),
        "hosts": {name: _host(name, request, events) for name in plan.get("order") or ()},
        "requests": traffic.requests(request.get("logs") or (), addresses),
        "series": traffic.series(request.get("logs") or (), addresses),
        "reloads": _reloads(request.get("reloads") or ()),
        "cut": [dict(item) for item in request.get("cut") or ()],
        "lbs_left": dict(request.get("lbs_left") or {}),
        "lbs_hold": {lb: list((request.get("lbs_hold") or {}).get(lb) or ()) for lb in request.get("lbs_left") or ()},
        "clock": dict(request.get("clock") or {}),
        "events": events,
    }
    told["idle_clients"] = sum(reload["idle_clients"] for reload in told["reloads"])
    told["outcome"] = ending.outcome(plan, told["hosts"], told)
    told["rc"] = 0 if told["outcome"] in ending.GOOD else 2
    told["notes"] = list(_notes(told, request.get("logs") or (), plan.get("announcing") or ()))
    told["message"] = ending.message(told)
    told["next"] = ending.next_steps(told)
    return told


def findings(request: Request) -> Iterator[Finding]:
    """Return everything that is wrong with a request."""
    plan = request.get("plan")
    if not isinstance(plan, Mapping):
        yield Finding("plan", plan, "must be the plan as the filter rollout_plan returns it")
        plan = {}
    for name in ("started", "finished"):
        if not _is_time(request.get(name)):
            yield Finding(name, request.get(name), "must be seconds since the epoch")
    for name, result in (request.get("outcomes") or {}).items():
        given = result.get("outcome") if isinstance(result, Mapping) else result
        if given not in OUTCOMES:
            yield Finding(f"outcomes.{name}.outcome", given, f"must be one of: {', '.join(OUTCOMES)}")
    known = plan.get("hosts") or {}
    for name in plan.get("order") or ():
        if name not in known:
            yield Finding("plan.order", name, "must be one of plan.hosts")
    yield from journal.findings(request.get("events") or ())


def _is_time(value: t.Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def _host(name: str, request: Request, events: Iterable[Event]) -> dict[str, t.Any]:
    planned = request["plan"]["hosts"][name]
    result = (request.get("outcomes") or {}).get(name) or {"outcome": "not_reached"}
    own = [event for event in events if event["host"] == name]
    started, finished = float(request["started"]), float(request["finished"])
    seen = history(own, started, finished, str(planned.get("why_first") or "").startswith("held"))
    versions = {"from": str(planned.get("from") or ""), "to": str(planned.get("to") or "")}
    # A deploy that was killed after its switch has left a release that is not the one that this host goes back to.
    back = str(planned.get("back") or "") or versions["from"]
    ends = {"ok": versions["to"], "stuck": "", "reverted": back}
    versions["back"] = back
    versions["now"] = ends.get(result["outcome"], versions["from"])
    return {
        "address": planned.get("address", ""),
        "batch": int(planned.get("batch") or 0),
        "outcome": result["outcome"],
        "text": str(result.get("text") or "").strip(),
        **versions,
        **seen,
        "serving": serving(seen["segments"], versions, started, finished),
        "sockets": {"waited": _waited(own), "cut": _cut(name, request.get("cut") or ())},
    }


def _waited(events: Iterable[Event]) -> int | None:
    """Return the connections that were waited for, where an event tells; None: none does."""
    told = [int(event["sockets"]) for event in events if str(event.get("sockets", "")).isdigit()]
    return sum(told) if told else None


def _cut(name: str, cut: Iterable[Mapping[str, t.Any]]) -> int:
    return sum(int(item.get("sockets") or 0) for item in cut if item.get("host") == name)


def _reloads(reloads: Iterable[Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    found = [
        {
            "lb": str(reload.get("lb") or ""),
            "at": float(reload.get("at") or 0.0),
            "idle_clients": int(reload.get("idle_clients") or 0),
            "window": float(reload.get("window") or 0.0),
            "waited": float(reload.get("waited") or 0.0),
            "proof": str(reload.get("proof") or ""),
            "seconds": float(reload.get("seconds") or 0.0),
        }
        for reload in reloads
    ]
    return sorted(found, key=lambda reload: (reload["at"], reload["lb"]))


def _notes(
    told: Mapping[str, t.Any], logs: Sequence[Mapping[str, t.Any]], announcing: Collection[str]
) -> Iterator[str]:
    """Return what a reader must know to believe the figures.

    :param announcing: the load balancers that do not spare idle clients by themselves
    """
    reloads = told["reloads"]
    if reloads:
        window = max(reload["window"] for reload in reloads)
        per_lb = {
            lb: sum(r["idle_clients"] for r in reloads if r["lb"] == lb) for lb in sorted({r["lb"] for r in reloads})
        }
        each = ", ".join(f"{lb} {words.number(idle)}" for lb, idle in per_lb.items())
        count = f"{words.number(told['idle_clients'])} idle at the {words.count(len(reloads), 'reload')} ({each})"
        limit = f"close_window {window:g} s" if window or per_lb.keys() & announcing else "keepalive_min_timeout"
        warning = f"with {limit} clients that idle longer may lose a connection"
        yield f"{warning}: {count}" if told["idle_clients"] else f"clients: {count}"
    for item in told["cut"]:
        yield f"cut: {item.get('host', '')}: {item.get('text', '')}"
    unreadable = told["requests"]["unreadable"]
    if unreadable:
        yield f"{words.count(unreadable, 'line')} of the access logs could not be read, and count for nothing"
    silent = sorted({reload["lb"] for reload in reloads} - {str(log.get("lb")) for log in logs})
    if silent:
        yield f"no access log was read from {words.listing(silent)}: its requests are missing in the figures"
    yield from (f"{lb} could not be told: {words.first_line(why)}" for lb, why in told["lbs_left"].items())

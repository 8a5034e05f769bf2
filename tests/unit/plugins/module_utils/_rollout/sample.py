"""Builders of what a plan is made of: backends, and what two load balancers see of them."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

Data = dict[str, t.Any]

OWNER = "rollout-backends"
OPTIONS: Data = {
    "serial": 1,
    "min_healthy": 1,
    "canary": False,
    "drain_timeout": 60.0,
    "close_window": 10.0,
    "healthy_deadline": 120.0,
    "min_healthy_time": 10.0,
    "stop_timeout": 45.0,
    "monitor": {"seconds": 10, "max_error_ratio": 0.05, "min_requests": 10},
    "failure_action": "pause",
    "on_timeout": "proceed",
    "warm_up": [],
    "keep": 20,
    "health_check": {
        "path": "/health",
        "port": 0,
        "host": "",
        "scheme": "http",
        "interval": 1,
        "timeout": 2,
        "passes": 3,
        "status": [200],
    },
}
LOCK: Data = {
    "run": "20261128-0522-ab12",
    "who": "alice@laptop",
    "verb": "deploy",
    "version": "1.4.2",
    "step": "drain backend2",
    "age": 34.0,
}


def address(name: str) -> str:
    """Return the address of a backend."""
    return f"10.0.0.{name.removeprefix('backend')}:5000"


def options(**changes: t.Any) -> Data:
    """Return the options of a rollout at their defaults, but for these."""
    return {**OPTIONS, **changes}


def release(current: str = "1.0.0", **changes: t.Any) -> Data:
    """Return the release of a host as release_info tells it."""
    found = {"current": current, "running": current, "previous": "0.9.0", "active": "active", "restart_due": False}
    return {**found, "complete": ["0.9.0", current], **changes}


def member(number: int, backup: bool = False, selected: bool = True, **changes: t.Any) -> Data:
    """Return a backend; the changes are those of its release, and C(release={}) is an unreachable host."""
    name = f"backend{number}"
    found = changes["release"] if "release" in changes else release(**changes)
    return {"name": name, "address": address(name), "backup": backup, "selected": selected, "release": found}


def hold(owner: str = "ops", reason: str = "disk swap", **changes: t.Any) -> Data:
    """Return a hold as nginx_upstream_info tells it."""
    found = {"owner": owner, "reason": reason, "since": "2026-11-28T01:30:00Z", "until": "", "overdue": False}
    return {**found, "age": 5.1, **changes}


def ours() -> Data:
    """Return a hold that an earlier rollout has left."""
    return hold(OWNER, "deploy of 1.4.2, run 20261128-0522-ab12")


def upstream(name: str, members: Iterable[Mapping[str, t.Any]], holds: Mapping[str, list[Data]] | None = None) -> Data:
    """Return an upstream as nginx_upstream_info tells it."""
    servers = [
        {
            "address": one["address"],
            "comment": one["name"],
            "state": "held" if (holds or {}).get(one["name"]) else "enabled",
            "backup": one["backup"],
            "holds": (holds or {}).get(one["name"], []),
        }
        for one in members
    ]
    return {"name": name, "servers": servers}


def view(
    name: str,
    members: Iterable[Mapping[str, t.Any]],
    holds: Mapping[str, list[Data]] | None = None,
    unhealthy: Iterable[str] = (),
    live: str = "same",
    **changes: t.Any,
) -> Data:
    """Return what a load balancer sees: C(holds) and C(unhealthy) by the names of members."""
    members, ill = list(members), set(unhealthy)
    health = {
        one["name"]: {
            "name": one["name"],
            "healthy": one["name"] not in ill,
            "error": "status 500, expected 200" if one["name"] in ill else "",
            "status": 500 if one["name"] in ill else 200,
        }
        for one in members
    }
    return {
        "name": name,
        "reachable": True,
        "error": "",
        "info": {"upstreams": [upstream("backends", members, holds)], "live": live, "warnings": []},
        "health": health,
        "rollout": {},
        **changes,
    }


def unreachable(name: str) -> Data:
    """Return a load balancer that does not answer."""
    return {"name": name, "reachable": False, "error": "timed out", "info": {}, "health": {}, "rollout": {}}


def request(
    members: Iterable[Mapping[str, t.Any]] | None = None,
    views: Iterable[Mapping[str, t.Any]] | None = None,
    holds: Mapping[str, list[Data]] | None = None,
    unhealthy: Iterable[str] = (),
    changed: Mapping[str, t.Any] | None = None,
    **changes: t.Any,
) -> Data:
    """Return a deploy of 1.4.2 to three backends that two load balancers see alike; C(changed) are its options."""
    members = [member(number) for number in (1, 2, 3)] if members is None else list(members)
    ill = list(unhealthy)
    seen = [view(name, members, holds, ill) for name in ("lb1", "lb2")] if views is None else list(views)
    return {
        "verb": "deploy",
        "name": "backends",
        "version": "1.4.2",
        "only_marked": False,
        "options": options(**(changed or {})),
        "members": members,
        "load_balancers": seen,
        "gone": [],
        **changes,
    }

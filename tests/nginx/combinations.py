"""Every method with every parameter of a server: what the checker says of such an upstream, nginx must say too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.checker import ENFORCED_BY_NGINX, check
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import Build
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold, Server, Upstream

FIRST, SECOND = "192.0.2.11:5000", "192.0.2.12:5000"

METHODS: dict[str, dict[str, Any]] = {
    "round_robin": {},
    "least_conn": {"method": "least_conn"},
    "ip_hash": {"method": "ip_hash"},
    "hash": {"method": "hash", "key": "$request_uri"},
    "hash consistent": {"method": "hash", "key": "$request_uri", "consistent": True},
    "random": {"method": "random"},
    "random two": {"method": "random", "two": True},
    "random two least_conn": {"method": "random", "two": True, "two_method": "least_conn"},
    "least_time header": {"method": "least_time", "measure": "header"},
    "least_time last_byte inflight": {"method": "least_time", "measure": "last_byte", "inflight": True},
}

# A parameter of the second server.
PARAMETERS: dict[str, dict[str, Any]] = {
    "": {},
    "backup": {"backup": True},
    "weight": {"weight": 2},
    "max_conns": {"max_conns": 10},
    "max_fails=0": {"max_fails": 0},
    "down": {"down": True, "holds": (Hold("ops", "disk swap", "2026-11-28T01:30:00Z"),)},
    "resolve": {"address": "backend.example:5000", "resolve": True},
    "service": {"address": "backend.example", "resolve": True, "service": "http"},
    "route": {"route": "b"},
    "drain": {"drain": True},
}

# What stands around the servers.
SURROUNDINGS: dict[str, dict[str, Any]] = {
    "zone": {"zone": "app", "zone_size": "64k"},
    "no zone": {},
    "keepalive": {"zone": "app", "zone_size": "64k", "keepalive": 32, "keepalive_timeout": "60s"},
    "sticky": {"zone": "app", "zone_size": "64k", "sticky": "cookie srv_id expires=1h"},
}

# One thing each that no method and no parameter above shows.
SINGLE: dict[str, dict[str, Any]] = {
    "no server": {"servers": ()},
    "only backup servers": {"servers": (Server(FIRST, backup=True),)},
    "weight 0": {"servers": (Server(FIRST, weight=0),)},
    "max_conns -1": {"servers": (Server(FIRST, max_conns=-1),)},
    "max_fails -1": {"servers": (Server(FIRST, max_fails=-1),)},
    "fail_timeout 1m30s": {"servers": (Server(FIRST, fail_timeout="1m30s"),)},
    "fail_timeout soon": {"servers": (Server(FIRST, fail_timeout="soon"),)},
    "fail_timeout 5ms": {"servers": (Server(FIRST, fail_timeout="5ms"),)},
    "hash without key": {"method": "hash"},
    "hash key of two words": {"method": "hash", "key": "$scheme $request_uri"},
    "least_time without measure": {"method": "least_time"},
    "least_time median": {"method": "least_time", "measure": "median"},
    "random least_conn": {"method": "random", "two_method": "least_conn"},
    "random two ip_hash": {"method": "random", "two": True, "two_method": "ip_hash"},
    "random two least_time": {"method": "random", "two": True, "two_method": "least_time=header"},
    "keepalive 0": {"keepalive": 0},
    "keepalive -1": {"keepalive": -1},
    "keepalive local": {"keepalive": 4, "keepalive_local": True},
    "keepalive_time": {"keepalive": 4, "keepalive_time": "30m", "keepalive_requests": 100},
    "keepalive_timeout 500ms": {"keepalive": 4, "keepalive_timeout": "500ms"},
    "keepalive_timeout soon": {"keepalive": 4, "keepalive_timeout": "soon"},
    "keepalive_requests -1": {"keepalive": 4, "keepalive_requests": -1},
    "zone 8k": {"zone": "app", "zone_size": "8k"},
    "zone large": {"zone": "app", "zone_size": "large"},
    "zone 32k": {"zone": "app", "zone_size": "32k"},
    "zone 32k for 1000": {
        "zone": "app",
        "zone_size": "32k",
        "servers": tuple(Server(f"192.0.2.{number // 100}:{5000 + number}") for number in range(1000)),
    },
    "sticky route": {"sticky": "route $cookie_route"},
    "sticky by guess": {"sticky": "guess"},
    "empty route": {"servers": (Server(FIRST, route=""),), "sticky": "route $cookie_route"},
    "resolver": {"resolver": "192.0.2.53 valid=10s", "resolver_timeout": "5s"},
    "service without resolve": {"zone": "app", "zone_size": "64k", "servers": (Server("b.example", service="http"),)},
    "service with a port": {
        "zone": "app",
        "zone_size": "64k",
        "servers": (Server("b.example:80", resolve=True, service="http"),),
    },
    "service of an address": {
        "zone": "app",
        "zone_size": "64k",
        "servers": (Server("192.0.2.11", resolve=True, service="http"),),
    },
    "empty service": {"zone": "app", "zone_size": "64k", "servers": (Server("b.example", resolve=True, service=""),)},
    "unix socket": {"servers": (Server("unix:/run/app.sock"),)},
    "IPv6": {"servers": (Server("[2001:db8::1]:5000"),)},
    "all held": {"servers": (Server(FIRST, down=True, holds=(Hold("ops"),)),)},
    "twice": {"servers": (Server(FIRST), Server(FIRST))},
}


def combinations() -> Iterator[tuple[str, Upstream]]:
    """Give every combination with a name that says what it is."""
    for method, options in METHODS.items():
        for parameter, values in PARAMETERS.items():
            resolver: dict[str, Any] = {"resolver": "192.0.2.53"} if "resolve" in values else {}
            servers = (Server(FIRST), Server(**{"address": SECOND, **values}))
            for around, shared in SURROUNDINGS.items():
                name = ", ".join(part for part in (method, parameter, around) if part)
                yield name, Upstream("app", servers, **options, **shared, **resolver)
    for name, fields in SINGLE.items():
        yield name, Upstream("app", **{"servers": (Server(FIRST), Server(SECOND)), **fields})


def verdict(upstream: Upstream, build: Build) -> bool | None:
    """Say whether `nginx -t` must take an upstream; None: it is refused for a reason that nginx does not know."""
    rules = {finding.rule for finding in check(upstream, build)}
    if not rules:
        return True
    return False if rules & ENFORCED_BY_NGINX else None

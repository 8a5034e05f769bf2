"""Builders of rollouts that have happened: three backends, two load balancers."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

START = 1795843333.0
BACKENDS = ("backend1", "backend2", "backend3")
LOAD_BALANCERS = ("lb1", "lb2")
# Seconds after the batch began until each event, and until the next batch begins.
STEPS = {"held": 1.5, "drained": 7.1, "switched": 17.6, "started": 19.8, "healthy": 23.4}
BATCH = 26.0
FIRST = 12.0
Data = dict[str, t.Any]


def address(name: str) -> str:
    """Return the address of a backend."""
    return f"10.0.0.{name[-1]}:5000"


def plan(order: Iterable[str] = BACKENDS, **changes: t.Any) -> Data:
    """Return the plan of a deploy of 1.4.2, one backend after the other."""
    order = list(order)
    hosts = {
        name: {"address": address(name), "from": "1.0.0", "to": "1.4.2", "batch": batch, "why_first": ""}
        for batch, name in enumerate(order, 1)
    }
    return {
        "verb": "deploy",
        "name": "backends",
        "version": "1.4.2",
        "owner": "rollout-backends",
        "findings": [],
        "warnings": [],
        "upstreams": ["backends"],
        "order": order,
        "hosts": hosts,
        "skipped": {},
        "unchanged": [],
        "not_selected": [],
        "batches": [[name] for name in order],
        "serial": [1],
        "min_healthy": 2,
        "stops_after_first_batch": False,
        **changes,
    }


def event(name: str, at: float, host: str = "", batch: int = 0, text: str = "", **details: t.Any) -> Data:
    """Return an event so many seconds after the start."""
    return {"event": name, "at": START + at, "host": host, "batch": batch, "text": text, **details}


def turn(host: str, batch: int, begin: float, released: float) -> list[Data]:
    """Return the events of a host that takes its release."""
    steps = [event(name, begin + after, host, batch) for name, after in STEPS.items()]
    return [*steps, event("released", released, host, batch)]


def begin_of(batch: int) -> float:
    """Return when a batch begins, in seconds after the start."""
    return FIRST + BATCH * (batch - 1)


def events(hosts: Iterable[str] = BACKENDS) -> list[Data]:
    """Return the events of a deploy without trouble; a batch is released by the reload that holds the next one."""
    found = [event("planned", 0.2), event("locked", 1.0), event("staged", FIRST - 0.5)]
    for batch, host in enumerate(hosts, 1):
        found += turn(host, batch, begin_of(batch), begin_of(batch + 1) + STEPS["held"])
    return found


def ok(hosts: Iterable[str] = BACKENDS) -> dict[str, Data]:
    """Return the outcomes of hosts that have their release."""
    return {host: {"outcome": "ok", "text": ""} for host in hosts}


def reload(lb: str, at: float, idle: int = 3) -> Data:
    """Return a reload so many seconds after the start."""
    return {"lb": lb, "at": START + at, "idle_clients": idle, "window": 5.0, "proof": "generation", "seconds": 0.3}


def reloads(count: int = 4) -> list[Data]:
    """Return the reloads of both load balancers."""
    return [
        reload(lb, begin_of(number) + 1.5 + delay, idle)
        for number in range(1, count + 1)
        for lb, delay, idle in (("lb1", 0.0, 3), ("lb2", 0.4, number % 2))
    ]


def log(lb: str, rows: Iterable[tuple[float, str, str, int, int, int]], offset: float = 0.0) -> Data:
    """Return what a load balancer logged: (seconds after the start, host, version, requests, failed, retried)."""
    seconds: list[Data] = [
        {
            "at": int(START + at + offset),
            "address": address(host) if host else "",
            "version": version,
            "requests": requests,
            "failed": failed,
            "retried": retried,
        }
        for at, host, version, requests, failed, retried in rows
    ]
    servers = [
        {**{key: row[key] for key in row if key != "at"}, "attempts": row["requests"], "failed_attempts": row["failed"]}
        for row in seconds
    ]
    total = {key: sum(row[key] for row in seconds) for key in ("requests", "failed", "retried")}
    return {
        "lb": lb,
        "offset": offset,
        "total": total,
        "servers": servers,
        "seconds": seconds,
        "lines": total["requests"],
        "unreadable": 0,
    }


def traffic(
    hosts: Iterable[str] = BACKENDS, end: int = 100, rate: int = 72
) -> list[tuple[float, str, str, int, int, int]]:
    """Return rows of a log: those in rotation share the requests, each with the version that it has then."""
    rows = []
    hosts = list(hosts)
    for second in range(end):
        turns = {host: begin_of(batch) + STEPS["held"] for batch, host in enumerate(hosts, 1)}
        serving = [host for host, held in turns.items() if not held <= second < held + BATCH]
        for place, host in enumerate(serving):
            version = "1.0.0" if second < turns[host] else "1.4.2"
            wobble = (second * 7 + place * 3) % 5
            rows.append((float(second), host, version, rate // len(serving) + wobble, 0, 0))
    return rows


def request(**changes: t.Any) -> Data:
    """Return what the summary of a deploy without trouble is made of."""
    return {
        "plan": plan(),
        "run": "20261128-0522-ab12",
        "who": "alice@laptop",
        "started": START,
        "finished": START + 100.0,
        "events": events(),
        "outcomes": ok(),
        "stop": "",
        "rolled_back": [],
        "logs": [log("lb1", traffic()), log("lb2", traffic(rate=40), offset=600.0)],
        "reloads": reloads(),
        "cut": [],
        "lbs_left": {},
        "clock": {},
        **changes,
    }


def bad_release() -> Data:
    """Return a deploy whose second host does not become healthy and goes back."""
    told = "Wait until this host is healthy: backend2: status 500 seen 120 times in 12 s"
    begin = begin_of(2)
    found = list(events(BACKENDS[:1]))
    found += [event(name, begin + STEPS[name], "backend2", 2) for name in ("held", "drained", "switched", "started")]
    found += [
        event("failed", begin + 32.0, "backend2", 2, told),
        event("switched", begin + 32.5, "backend2", 2),
        event("started", begin + 33.5, "backend2", 2),
        event("healthy", begin + 36.0, "backend2", 2),
        event("reverted", begin + 36.0, "backend2", 2),
        event("released", begin + 39.0, "backend2", 2),
    ]
    outcomes: Mapping[str, Data] = {
        **ok(BACKENDS[:1]),
        "backend2": {"outcome": "reverted", "text": told},
        "backend3": {"outcome": "not_reached", "text": ""},
    }
    rows = [row for row in traffic() if row[1] != "backend2" or row[0] < begin or row[0] > begin + 39]
    rows = [
        (at, host, "1.0.0" if host != "backend1" else version, requests, failed, retried)
        for at, host, version, requests, failed, retried in rows
    ]
    rows.append((60.0, "backend1", "1.4.2", 9, 4, 2))
    return request(
        events=found, outcomes=outcomes, stop=f"backend2: {told}", logs=[log("lb1", rows)], reloads=reloads(3)
    )

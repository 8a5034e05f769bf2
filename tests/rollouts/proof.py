"""What proves that a rollout lost nothing: the application servers, the load, and what a run leaves behind."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.rollouts.bench import Bench
from tests.rollouts.load import Result, posts_findings

# The playbook's play that runs once for each batch.
BATCH_PLAY = "Roll forward"
# Once more for every five seconds that a drain takes longer than the first five.
WAIT_TASK = "Wait until no request is left"
EXECUTION = re.compile(r"^<(?P<address>[^>]+)> SSH: EXEC.*python3", re.MULTILINE)
# The role's own default.
MONITOR_SECONDS = 10
PROTOCOLS = ("http", "tls", "h2")
LONG = ("slow", "upload", "stream")


@dataclasses.dataclass(frozen=True)
class Server:
    """A way to serve the application, and the load that fits it."""

    name: str
    interface: str = "wsgi"
    variables: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    # Kept connections rest up to half of what the load balancer announces: clients that a user may have.
    load: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"rate": 170, "long_rate": 6, "idle": 5})
    websockets: int = 4

    @property
    def options(self) -> dict[str, float | str]:
        """What the load client is given."""
        return {**self.load, "websockets": self.websockets}

    @property
    def kinds(self) -> set[str]:
        """Every kind of request of the load, as its record names them."""
        quick = {f"{what} {how} {way}" for what in ("get", "post") for how in ("kept", "fresh") for way in PROTOCOLS}
        return (
            quick
            | {f"{what} {way}" for what in LONG for way in PROTOCOLS}
            | ({"websocket http", "websocket tls"} if self.websockets else set())
        )


GTHREAD = Server("gthread")
UVICORN = Server("uvicorn", interface="asgi")
# One request at a time for each worker, so more of them, and no WebSockets.
SYNC = Server("sync", variables={"backend_worker_class": "sync", "backend_workers": 8}, websockets=0)
SERVERS = (GTHREAD, SYNC, UVICORN)


def bench_of(server: Server, name: str, **more: t.Any) -> Bench:
    """Return a lab with one load balancer, three backends, and the roles' own defaults for every time."""
    variables = {**server.variables, **more.pop("variables", {})}
    options: dict[str, t.Any] = {"load_balancers": ("lb1",), "clock": {}, "faults": {}, **more}
    return Bench.of(interface=server.interface, variables=variables, name=name, **options)


@dataclasses.dataclass(frozen=True)
class Report:
    """What a run left on the controller."""

    folder: Path
    summary: dict[str, t.Any]

    @classmethod
    def last(cls, bench: Bench) -> Report:
        """Return the report of the last run; its name begins with the time."""
        folder = max((bench.folder / "reports").iterdir())
        return cls(folder, json.loads((folder / "rollout.json").read_text()))

    def reloads(self) -> dict[str, int]:
        """Return how often each load balancer was reloaded."""
        names = [reload["lb"] for reload in self.summary["reloads"]]
        return {name: names.count(name) for name in names}

    def necessary(self) -> dict[str, float]:
        """Return the seconds that announcements, drains and the application take, by what they are for.

        The longest of each batch: its hosts go side by side.
        """
        hosts = self.summary["hosts"]
        batches = [[hosts[name] for name in names] for names in self.summary["batches"]]
        times = [
            {
                "drains": max(host["times"]["drained"] - host["times"]["held"] for host in batch),
                "stop, start, first healthy and min_healthy_time": max(
                    host["times"]["healthy"] - host["times"]["switched"] for host in batch
                ),
            }
            for batch in batches
        ]
        announcements = sum(reload["window"] for reload in self.summary["reloads"])
        return {"announcements": announcements, **{name: sum(found[name] for found in times) for name in times[0]}}

    def watches(self) -> float:
        """Return the seconds for which a batch was watched while nothing else was waited for.

        What of `rollout_monitor.seconds` is left when the next batch is drained; after the last one, all of it.
        """
        at = {(event["event"], event["batch"]): float(event["at"]) for event in self.summary["events"]}
        batches = range(1, len(self.summary["batches"]) + 1)
        begins = {batch: at["released", batch] for batch in batches}
        waits = {batch: max(begins[batch], at.get(("drained", batch + 1), 0)) for batch in batches}
        return sum(max(0.0, begins[batch] + MONITOR_SECONDS - waits[batch]) for batch in batches)

    @property
    def rolling(self) -> float:
        """Return the seconds from the moment in which the release was staged everywhere to the end."""
        staged = [float(event["at"]) for event in self.summary["events"] if event["event"] == "staged"]
        return float(self.summary["finished"]) - min(staged)

    def waits(self) -> dict[str, float]:
        """Return the seconds for which something was waited for, and nothing else was done meanwhile.

        Of an announcement, what was left of it at the reload; of a watch, what no drain has hidden.
        """
        left = sum(reload["waited"] for reload in self.summary["reloads"])
        return {**self.necessary(), "announcements": left, "watches": self.watches()}

    def overhead(self, of: Mapping[str, float]) -> float:
        """Return how many times as long as this the run took, from the first hold on."""
        return self.rolling / sum(of.values())


def executions(output: str) -> list[tuple[int, int]]:
    """Count the module executions of each batch, on all hosts together, in a run with -vvv.

    Each starts Python over ssh once. The second number is how often a drain that went on was looked at again.
    """
    plays = re.split(r"^PLAY ", output, flags=re.MULTILINE)
    batches = [re.split(r"^TASK ", text, flags=re.MULTILINE) for text in plays if text.startswith(f"[{BATCH_PLAY}]")]
    return [(counted(tasks, waits=False), counted(tasks, waits=True)) for tasks in batches]


def counted(tasks: Iterable[str], waits: bool) -> int:
    """Count the module executions of tasks: of those that wait for a drain, or of all others."""
    return sum(len(EXECUTION.findall(text)) for text in tasks if (WAIT_TASK in text.partition("\n")[0]) is waits)


def evidence(bench: Bench) -> str:
    """Return what the machines know about losses: errors in the access logs, and what the application complained of."""
    errors = """grep -hE '"status":5' /var/log/nginx/access.log | tail -n 20 || true"""
    journal = "journalctl --unit 'stub-*' --output short-precise --no-pager"
    complaints = f"{journal} | grep -B 12 -E 'Error|CRITICAL' | tail -n 60 || true"
    found = bench.everywhere(bench.load_balancers, lambda host: bench.shell(host, errors))
    found |= bench.everywhere(bench.backends, lambda host: bench.shell(host, complaints))
    return "\n".join(f"{host}:\n{text}" for host, text in found.items() if text)


def findings(bench: Bench, result: Result) -> list[str]:
    """Return what was lost, in lines for a person: requests, and POSTs that were not executed exactly once."""
    lost = [f"{count} x {what}" for what, count in result.failed.items()]
    return lost + posts_findings(result.posts, bench.posts())

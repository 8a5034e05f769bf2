"""Measure rolling deploys against the two ways that people have without them, under the same load.

python tools/bench_rollouts.py [DEPLOYS]

The number of deploys in a row is 10, or ROLLOUT_DEPLOYS.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
import time
import typing as t
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.rollouts.bench import FIRST, SECOND, Bench  # noqa: E402
from tests.rollouts.load import Result, load, posts_findings  # noqa: E402
from tests.rollouts.proof import GTHREAD, Report, bench_of  # noqa: E402

DEPLOYS = 10
THIRD = "3.0.0"
# An application that is not there at once, as most are not: longer than the guide waits.
SLOW, SLOW_SECONDS = f"{SECOND}-slow", 8
QUICK_SECONDS = 0.3
GUIDE_SECONDS = 5
SETTLE_SECONDS = 5
# After it nothing of a restart is left, not even an application that came late.
CALM_SECONDS = 15
SWITCH = """
ln -sfn releases/{version} /srv/stub-{host}/current.new
mv -T /srv/stub-{host}/current.new /srv/stub-{host}/current
systemctl restart stub-{host}.service
"""


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one way did to the requests."""

    result: Result
    findings: list[str]
    seconds: float

    @property
    def text(self) -> str:
        """One cell of the table."""
        result = self.result
        share = f" ({100 * result.lost / result.sent:.2f} %)" if result.lost else ""
        posts = [finding.partition(":")[0] for finding in self.findings]
        more = [f"{result.cut:,} WebSockets cut"]
        more += [f"{result.refused:,} HTTP/2 streams refused by GOAWAY"] if result.refused else []
        more += [f"{result.raw['skipped']:,} not sent: 300 were unanswered"] if result.raw["skipped"] else []
        more += posts or ["each POST exactly once"]
        return f"**{result.lost:,} lost{share}** of {result.sent:,} requests in {self.seconds:.0f} s; {', '.join(more)}"


def under_load(bench: Bench, work: Callable[[], object], calm: float) -> Measured:
    """Do something in the middle of the load of the tests."""
    began = time.monotonic()
    with load(bench.targets(), **GTHREAD.options) as running:
        time.sleep(SETTLE_SECONDS)
        work()
        time.sleep(calm)
    seconds = time.monotonic() - began
    result = running.result
    return Measured(result, posts_findings(result.posts, bench.posts()), seconds)


def guide(bench: Bench, version: str) -> None:
    """Do what the guide does: one after the other, and five seconds after each."""
    for host in bench.backends:
        bench.shell(host, SWITCH.format(host=host, version=version))
        time.sleep(GUIDE_SECONDS)


def serial(bench: Bench, version: str) -> None:
    """Do what a play with `serial: 1` and a restart does: one after the other, as soon as systemd has started it."""
    for host in bench.backends:
        bench.shell(host, SWITCH.format(host=host, version=version))


def deploys(bench: Bench, count: int, version: str = "") -> tuple[Measured, list[Report]]:
    """Deploy again and again under one load, always the other version of two."""
    reports: list[Report] = []

    def work() -> None:
        for number in range(count):
            bench.deploy(version or (SECOND, THIRD)[number % 2])
            reports.append(Report.last(bench))
            print(f"deploy {number + 1} of {count}: {reports[-1].summary['message']}", flush=True)

    return under_load(bench, work, SETTLE_SECONDS), reports


def overhead(reports: list[Report], of: Callable[[Report], Mapping[str, float]]) -> str:
    """Return how long the deploys took from the first hold on, against what each of them had to take."""
    parts: dict[str, float] = {}
    for report in reports:
        for name, seconds in of(report).items():
            parts[name] = parts.get(name, 0) + seconds / len(reports)
    took, necessary = sum(report.rolling for report in reports) / len(reports), sum(parts.values())
    each = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in parts.items())
    return f"{took:.0f} s : {necessary:.0f} s = **{took / necessary:.2f}** ({each})"


def logged(reports: list[Report]) -> str:
    """Return what the load balancers' own logs say about the time between lock and report."""
    sums = {name: sum(report.summary["requests"][name] for report in reports) for name in ("seen", "failed", "retried")}
    return ", ".join(f"{count:,} {name}" for name, count in sums.items())


def measure(suite: str, count: int = 0) -> t.Iterator[list[tuple[str, str]]]:
    """Yield the rows of the table, more of them each time.

    :param count: deploys in a row; 0: ROLLOUT_DEPLOYS, or 10
    """
    count = count or int(os.environ.get("ROLLOUT_DEPLOYS", DEPLOYS))
    bench = bench_of(GTHREAD, "bench-rollouts", suite=suite, faults={"slow": f"slow-start:{SLOW_SECONDS}"})
    rows: list[tuple[str, str]] = []
    with bench.alone():
        try:
            bench.up()
            stage(bench)
            for title, version in (("there at once", SECOND), (f"there after {SLOW_SECONDS} s", SLOW)):
                for what, way in (("restart, sleep 5, next", guide), ("restart, next (`serial: 1`)", serial)):
                    bench.reset()
                    found = under_load(bench, functools.partial(way, bench, version), CALM_SECONDS)
                    rows.append((f"{what}; application {title}", found.text))
                    print(*rows[-1], found.result.failed, *found.findings, sep="\n  ", flush=True)
                    yield rows
            bench.reset()
            found, _reports = deploys(bench, 1, SLOW)
            rows.append((f"`deploy.yml`; application there after {SLOW_SECONDS} s", found.text))
            yield rows
            bench.reset()
            found, reports = deploys(bench, count)
            print(*found.findings, found.result.failed, sep="\n  ", flush=True)
            rows.append((f"`deploy.yml`, {count} times in a row; application there at once", found.text))
            rows.append(("the same by the load balancers' logs", logged(reports)))
            sums = "one deploy, against announcements, drains, stop to healthy and `min_healthy_time` (aim: 1.2)"
            rows.append((sums, overhead(reports, Report.necessary)))
            waits = "the same, against what was waited for: watches too, of announcements what was left of them"
            rows.append((waits, overhead(reports, Report.waits)))
            yield rows
        finally:
            bench.destroy()


def stage(bench: Bench) -> None:
    """Bring all versions to the backends beforehand, in a hurry: by hand a deploy is a link and a restart."""
    hurry: dict[str, t.Any] = {
        "rollout_close_window": 0,
        "rollout_min_healthy_time": 0,
        "rollout_monitor": {"seconds": 0},
    }
    for version in (SECOND, THIRD, SLOW):
        bench.deploy(version, rollout_serial="100%", rollout_min_healthy=0, **hurry)
    bench.reset(FIRST)


if __name__ == "__main__":
    for table in measure(os.environ.get("SUITE", "trixie"), int(sys.argv[1]) if sys.argv[1:] else 0):
        shown = table
    for row in shown:
        print(f"| {row[0]} | {row[1]} |")

"""A deploy at the roles' own defaults, under every kind of request: nothing is lost, and the report says the same."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from xml.parsers import expat

import pytest

from tests.rollouts.bench import FIRST, SECOND, Bench
from tests.rollouts.load import load
from tests.rollouts.proof import GTHREAD, SERVERS, Report, Server, bench_of, evidence, executions, findings

REQUESTS = 20_000
SETTLE_SECONDS = 5
EXECUTIONS_PER_LOAD_BALANCER = 10


@pytest.fixture(
    scope="module",
    name="site",
    params=[pytest.param(server, marks=() if server is GTHREAD else pytest.mark.long) for server in SERVERS],
    ids=lambda server: server.name,
)
def site_fixture(request: pytest.FixtureRequest) -> Iterator[tuple[Bench, Server]]:
    server: Server = request.param
    bench = bench_of(server, "zero-loss")
    with bench.alone():
        bench.up()
        yield bench, server
    if not os.environ.get("EVENKEEL_KEEP_LAB"):
        bench.destroy()


def test_the_machines_serve_the_first_release(site: tuple[Bench, Server]) -> None:
    bench, _server = site
    assert bench.versions() == dict.fromkeys(bench.backends, FIRST)


def test_a_deploy_loses_nothing(site: tuple[Bench, Server], capsys: pytest.CaptureFixture[str]) -> None:
    bench, server = site
    bench.reset(staged=False)
    began = time.monotonic()
    with load(bench.targets(), **server.options) as running:
        time.sleep(SETTLE_SECONDS)
        run = bench.deploy(SECOND, "-vvv")
        # Also as long as it takes to have asked often enough.
        time.sleep(max(SETTLE_SECONDS, REQUESTS / server.load["rate"] - (time.monotonic() - began)))
    result, report = running.result, Report.last(bench)
    counted = executions(run.output)
    with capsys.disabled():
        print(f"\n{server.name}: {told(result.raw, report, counted)}")

    # Nothing is lost, every kind of request was there, and each POST was executed exactly once.
    lost = findings(bench, result)
    assert lost == [], f"{result.text}\n{evidence(bench)}"
    assert result.sent >= REQUESTS and set(result.raw["by_kind"]) == server.kinds, result.text
    assert set(result.by_version) == {"1.0.0", SECOND} and set(result.by_instance) == set(bench.backends), result.text

    # Everything is in its place.
    assert bench.versions() == dict.fromkeys(bench.backends, SECOND)
    assert bench.in_rotation() == dict.fromkeys(bench.load_balancers, sorted(bench.backends))
    assert not any(bench.lock().values())

    # The load balancers' own logs say the same, and so does what the run left behind.
    summary = report.summary
    assert (summary["outcome"], summary["rc"]) == ("succeeded", 0)
    requests = summary["requests"]
    assert requests["seen"] > REQUESTS / 4 and (requests["failed"], requests["unreadable"]) == (0, 0), requests
    assert {item["version"] for item in requests["by_version"]} >= {"1.0.0", SECOND}, requests
    check_picture(report)

    # It costs no more than it must.
    batches = len(bench.backends)
    assert report.reloads() == dict.fromkeys(bench.load_balancers, batches + 1)
    most = EXECUTIONS_PER_LOAD_BALANCER * len(bench.load_balancers)
    assert len(counted) == batches and all(0 < count <= most for count, _waits in counted), counted
    # The announcement and the first five seconds of a drain are one execution, and so are five more each.
    assert sum(waits for _count, waits in counted) <= report.necessary()["drains"] / 5 + batches, counted


def check_picture(report: Report) -> None:
    """Assert that the picture is XML and an SVG."""
    names: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _attributes: names.append(name)
    parser.Parse((report.folder / "timeline.svg").read_bytes(), True)
    assert names[0] == "svg"


def told(raw: dict[str, object], report: Report, counted: list[tuple[int, int]]) -> str:
    """Return the figures in lines, for whoever runs the test."""
    names = ("sent", "seconds", "failed", "refused", "cut", "skipped", "by_version", "by_instance", "idle", "answer")
    summary = report.summary
    lines = [f"{name}: {raw[name]}" for name in names]
    lines += [
        summary["message"],
        f"module executions (and waits for drains) by batch: {counted}, reloads: {report.reloads()}",
    ]
    lines += [
        f"{summary['seconds']:.1f} s, {report.rolling:.1f} s of it after staging",
        *(f"{report.overhead(of):.2f} x of {of}" for of in (report.necessary(), report.waits())),
    ]
    return "\n  ".join(lines)

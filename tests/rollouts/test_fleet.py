"""More hosts than three: fifty are planned in batches of five, and twelve go in batches of three."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from ansible_collections.evenkeel.web.plugins.filter.rollout_plan import rollout_plan
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample

from tests.rollouts.bench import FIRST, SECOND, Bench
from tests.rollouts.load import load
from tests.rollouts.proof import GTHREAD, Report, bench_of, evidence, findings
from tests.rollouts.variables import CLOCK

BACKENDS = tuple(f"backend{number}" for number in range(1, 13))
BATCH = 3
# What twelve hosts on one machine can answer beside a deploy.
LOAD: dict[str, float | str] = {"rate": 60, "long_rate": 3, "idle": 0.5, "websockets": 2}


def test_fifty_backends_are_planned_in_ten_batches() -> None:
    """The plan that `--check` prints, made from what fifty hosts and two load balancers would answer."""
    names = [f"backend{number}" for number in range(1, 51)]
    members = [sample.member(number) for number in range(1, 51)]
    plan = rollout_plan(sample.request(members, changed={"serial": 5, "min_healthy": "90%"}))
    assert (plan["findings"], plan["warnings"]) == ([], [])
    assert plan["batches"] == [names[first : first + 5] for first in range(0, 50, 5)]
    assert plan["capacity"] == [{"batch": number, "in_rotation": 45, "of": 50} for number in range(1, 11)]
    assert plan["reloads"] == 11
    text = "\n".join(plan["text"])
    assert "50 hosts in 10 batches" in text and "batch 10 of 10" in text and "45 of 50 stay in rotation" in text, text


@pytest.fixture(name="fleet")
def fleet_fixture() -> Iterator[Bench]:
    small = {"backend_workers": 1, "rollout_serial": BATCH}
    bench = bench_of(GTHREAD, "fleet", backends=BACKENDS, clock=CLOCK, variables=small)
    with bench.alone():
        bench.up()
        yield bench
    if not os.environ.get("EVENKEEL_KEEP_LAB"):
        bench.destroy()


@pytest.mark.long
def test_twelve_backends_go_in_batches_of_three_and_nothing_is_lost(fleet: Bench) -> None:
    rehearsal = fleet.deploy(SECOND, "--check")
    assert "12 hosts in 4 batches" in rehearsal.output and "9 of 12 stay in rotation" in rehearsal.output
    assert fleet.versions() == dict.fromkeys(BACKENDS, FIRST) and not any(fleet.lock().values())

    with load(fleet.targets(), **LOAD) as running:
        time.sleep(3)
        fleet.deploy(SECOND)
        time.sleep(3)
    result = running.result
    lost = findings(fleet, result)
    assert lost == [], f"{result.text}\n{evidence(fleet)}"
    assert set(result.by_instance) == set(BACKENDS), result.text
    report = Report.last(fleet)
    assert [len(batch) for batch in report.summary["batches"]] == [BATCH] * 4
    assert report.reloads() == dict.fromkeys(fleet.load_balancers, 5)
    assert report.summary["requests"]["failed"] == 0, report.summary["requests"]
    assert fleet.versions() == dict.fromkeys(BACKENDS, SECOND)
    assert fleet.in_rotation() == dict.fromkeys(fleet.load_balancers, sorted(BACKENDS))
    assert not any(fleet.lock().values())

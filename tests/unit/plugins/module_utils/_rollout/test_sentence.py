"""Whether a rollout goes on."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import plan
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.sentence import sentence
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample
from hypothesis import given
from hypothesis import strategies as st

NAMES = ("backend1", "backend2", "backend3")
MONITOR = sample.OPTIONS["monitor"]
PLAN = plan.make(sample.request())


def health(ill: Mapping[str, str], names: Iterable[str] = NAMES) -> dict[str, t.Any]:
    """Return a result of health_check: these are not healthy, with the error that was seen."""
    targets = [{"name": name, "healthy": name not in ill, "error": ill.get(name, ""), "status": 503} for name in names]
    return {"targets": targets}


def log(name: str, attempts: int, failed: int, version: str = "1.4.2") -> dict[str, t.Any]:
    """Return a result of access_log_info."""
    counts = {"requests": attempts, "failed": failed, "retried": 0, "attempts": attempts, "failed_attempts": failed}
    return {"servers": [{"address": sample.address(name), "version": version, **counts}]}


def judged(
    watching: Iterable[str] = ("backend1",),
    holding: Iterable[str] = ("backend2",),
    logs: Iterable[dict[str, t.Any]] = (),
    ill: Mapping[str, str] | None = None,
    action: str = "pause",
    done: Iterable[str] = ("backend1",),
    found: Mapping[str, t.Any] = PLAN,
    monitor: Mapping[str, t.Any] | None = None,
    cut: Iterable[Mapping[str, t.Any]] = (),
    foreign: Mapping[str, str] | None = None,
) -> dict[str, t.Any]:
    """Return the sentence on the batch before, while the next one is out."""
    state = {"watching": list(watching), "holding": list(holding), "cut": list(cut), "foreign": foreign or {}}
    healths = [health({}), health(ill or {})]
    return sentence(found, state, list(logs), healths, monitor or MONITOR, action, list(done), 7.0)


def test_it_goes_on_when_all_is_well() -> None:
    assert judged(logs=[log("backend1", 100, 0)]) == {
        "stop": "",
        "revert": [],
        "revert_serial": [1],
        "events": [{"event": "watched", "at": 7.0, "host": "backend1", "batch": 1, "text": ""}],
    }


def test_requests_that_were_cut_at_this_batch_are_not_held_against_it() -> None:
    logs = [log("backend1", 100, 0), log("backend1", 20, 20, version="")]
    assert judged(logs=logs)["stop"]
    assert not judged(logs=logs, cut=[{"host": "backend1", "lb": lb, "sockets": 10} for lb in ("lb1", "lb2")])["stop"]
    assert judged(logs=logs, cut=[{"host": "backend2", "lb": "lb1", "sockets": 20}])["stop"]


def test_before_the_first_batch_nobody_is_watched() -> None:
    found = judged(watching=[], holding=["backend1"], logs=[log("backend2", 100, 100)], done=[])
    assert found == {"stop": "", "revert": [], "revert_serial": [1], "events": []}


def test_a_host_that_fails_requests_goes_back() -> None:
    found = judged(logs=[log("backend1", 80, 12), log("backend3", 120, 0)])
    assert found["stop"] == (
        "12 of 80 requests (15 %) failed at 1.4.2 on 10.0.0.1:5000, allowed 5 %; at the others 0 of 120"
    )
    assert found["revert"] == ["backend1"]
    assert found["events"] == [
        {"event": "failed", "at": 7.0, "host": "backend1", "batch": 1, "text": found["stop"]},
    ]


def test_a_batch_that_does_badly_goes_back_as_one_and_the_ones_before_it_one_by_one() -> None:
    ill = {"backend2": "timed out"}
    found = judged(["backend2", "backend3"], [], ill=ill, action="rollback", done=["backend1", "backend2", "backend3"])
    assert (found["revert"], found["revert_serial"]) == (["backend2", "backend3", "backend1"], [2, 1])


def test_a_host_that_is_not_healthy_any_more_goes_back_and_both_reasons_are_told() -> None:
    found = judged(logs=[log("backend1", 80, 12)], ill={"backend1": "timed out"})
    assert found["stop"].startswith("backend1 was healthy and is not any more: timed out; 12 of 80 requests")
    assert judged(ill={"backend1": ""})["stop"] == "backend1 was healthy and is not any more: status 503"


def test_without_seconds_the_logs_are_not_judged() -> None:
    off = {**MONITOR, "seconds": "0"}
    assert judged(logs=[log("backend1", 80, 80)], monitor=off)["stop"] == ""
    assert judged(ill={"backend1": "timed out"}, monitor=off)["revert"] == ["backend1"]


@pytest.mark.parametrize(
    ("action", "revert"), [("pause", ["backend2"]), ("rollback", ["backend2", "backend3", "backend1"])]
)
def test_what_goes_back_is_the_batch_or_all_that_was_done_the_last_first(action: str, revert: list[str]) -> None:
    found = judged(
        watching=["backend2"],
        holding=[],
        ill={"backend2": "timed out"},
        action=action,
        done=["backend1", "backend3", "backend2"],
    )
    assert found["revert"] == revert
    assert [event["host"] for event in found["events"]] == ["backend2"], "only who was watched has failed"


def test_too_few_that_serve_end_it_and_nobody_goes_back() -> None:
    found = judged(ill={"backend3": "timed out"}, found={**PLAN, "min_healthy": 2})
    assert found["stop"] == (
        "only 1 of 3 members of backends are healthy and in rotation, rollout_min_healthy needs 2; backend3: timed out"
    )
    assert found["revert"] == []
    assert [event["event"] for event in found["events"]] == ["watched"]
    assert judged(ill={"backend3": "timed out"})["stop"] == ""


def test_who_is_held_by_others_and_a_backup_do_not_serve() -> None:
    skipped = {**PLAN, "skipped": {"backend3": "held by ops"}, "min_healthy": 2}
    assert judged(found=skipped)["stop"].endswith("rollout_min_healthy needs 2; the others are held out")
    meanwhile = judged(foreign={sample.address("backend3"): "ops"}, found={**PLAN, "min_healthy": 2})
    assert meanwhile["stop"].endswith("rollout_min_healthy needs 2; the others are held out")
    spare = {**PLAN, "backups": ["backend3"], "min_healthy": 2}
    assert judged(found=spare)["stop"].startswith("only 1 of 2 members of backends are healthy and in rotation")


@given(
    st.sets(st.sampled_from(NAMES)),
    st.sets(st.sampled_from(NAMES)),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "timed out"])),
    st.sampled_from(["pause", "rollback"]),
    st.permutations(NAMES),
    st.integers(0, 3),
)
def test_a_sentence_holds_together(
    watching: set[str], holding: set[str], ill: dict[str, str], action: str, done: list[str], min_healthy: int
) -> None:
    watched = sorted(watching)
    found = judged(watched, sorted(holding), (), ill, action, done, {**PLAN, "min_healthy": min_healthy})
    assert [event["host"] for event in found["events"]] == watched
    assert len(set(found["revert"])) == len(found["revert"])
    assert not found["revert"] or found["stop"]
    assert bool(found["revert"]) == bool(watching & set(ill))
    if found["revert"]:
        assert found["revert"][: len(watched)] == watched
        assert set(found["revert"]) == (watching if action == "pause" else set(NAMES))
    if not found["stop"]:
        assert len(set(NAMES) - holding - set(ill)) >= min_healthy

"""Whether servers do well by the access logs."""

from __future__ import annotations

import typing as t

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.judge import judge
from hypothesis import given
from hypothesis import strategies as st

NEW, OLD = "10.0.0.1:5000", "10.0.0.2:5000"
MONITOR = {"seconds": 10, "max_error_ratio": 0.05, "min_requests": 10}


def log(*rows: tuple[str, str, int, int]) -> dict[str, t.Any]:
    """Return a result of access_log_info: address, version, attempts and those that failed."""
    return {
        "servers": [
            {
                "address": address,
                "version": version,
                "requests": attempts,
                "failed": failed,
                "retried": 0,
                "attempts": attempts,
                "failed_attempts": failed,
            }
            for address, version, attempts, failed in rows
        ]
    }


def test_what_fails_at_the_new_release_only_is_told_with_all_figures() -> None:
    logs = [log((NEW, "1.4.2", 40, 6), (OLD, "1.0.0", 60, 0)), log((NEW, "1.4.2", 40, 6), (OLD, "1.0.0", 60, 0))]
    verdict = judge(logs, [NEW], MONITOR)
    assert not verdict["ok"]
    assert verdict["text"] == (
        "12 of 80 requests (15 %) failed at 1.4.2 on 10.0.0.1:5000, allowed 5 %; at the others 0 of 120"
    )
    assert (verdict["new"]["attempts"], verdict["new"]["failed_attempts"]) == (80, 12)
    assert (verdict["old"]["requests"], verdict["old"]["failed"]) == (120, 0)


def test_the_limit_is_still_allowed_and_more_is_not() -> None:
    assert judge([log((NEW, "2", 100, 5))], [NEW], MONITOR)["ok"]
    assert not judge([log((NEW, "2", 100, 6))], [NEW], MONITOR)["ok"]


def test_what_the_stop_of_the_release_before_has_cut_is_not_the_doing_of_the_new_one() -> None:
    logs = [log((NEW, "", 20, 20), (NEW, "2", 100, 1), (OLD, "1", 100, 0))]
    assert not judge(logs, [NEW], MONITOR)["ok"]
    verdict = judge(logs, [NEW], MONITOR, cut=20)
    assert verdict["ok"]
    assert (verdict["new"]["attempts"], verdict["new"]["failed_attempts"]) == (100, 1)


def test_a_release_that_fails_is_not_pardoned_for_what_was_cut() -> None:
    answered = [log((NEW, "2", 100, 20), (OLD, "1", 100, 0))]
    assert not judge(answered, [NEW], MONITOR, cut=20)["ok"]
    refused = [log((NEW, "", 40, 40), (NEW, "2", 60, 0), (OLD, "1", 100, 0))]
    assert not judge(refused, [NEW], MONITOR, cut=20)["ok"]


def test_few_requests_say_nothing() -> None:
    assert judge([log((NEW, "2", 9, 9))], [NEW], MONITOR)["ok"]
    assert not judge([log((NEW, "2", 10, 10))], [NEW], MONITOR)["ok"]
    assert judge([], [NEW], MONITOR)["ok"]


def test_few_requests_at_the_others_excuse_nothing() -> None:
    assert not judge([log((NEW, "2", 100, 50), (OLD, "1", 9, 9))], [NEW], MONITOR)["ok"]
    assert judge([log((NEW, "2", 100, 50), (OLD, "1", 10, 9))], [NEW], MONITOR)["ok"]


def test_a_load_balancer_whose_log_could_not_be_read_and_a_request_that_reached_no_server_count_for_nothing() -> None:
    logs = [{"unreachable": True, "msg": "away"}, log((NEW, "2", 20, 0), ("", "", 50, 50))]
    verdict = judge(logs, [NEW], MONITOR)
    assert verdict["ok"]
    assert (verdict["new"]["attempts"], verdict["old"]["attempts"]) == (20, 0)


def test_a_release_is_not_to_blame_for_what_fails_at_the_others_as_much() -> None:
    assert judge([log((NEW, "2", 100, 50), (OLD, "1", 100, 50))], [NEW], MONITOR)["ok"]
    assert not judge([log((NEW, "2", 100, 51), (OLD, "1", 100, 50))], [NEW], MONITOR)["ok"]


def test_an_attempt_whose_version_nobody_knows_counts_for_its_server() -> None:
    verdict = judge([log((NEW, "", 30, 30), (NEW, "2", 10, 0))], [NEW], MONITOR)
    assert not verdict["ok"]
    assert "30 of 40 requests (75 %) failed at 2 on" in verdict["text"]


def test_a_small_limit_is_not_rounded_to_nothing() -> None:
    verdict = judge([log((NEW, "2", 1000, 6))], [NEW], {**MONITOR, "max_error_ratio": 0.005})
    assert "(0.6 %)" in verdict["text"]
    assert "allowed 0.5 %" in verdict["text"]


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_it_is_not_well_only_where_enough_fails_and_more_than_at_the_others(a: int, b: int, c: int, d: int) -> None:
    (new_failed, new), (old_failed, old) = sorted((a, b)), sorted((c, d))
    if not judge([log((NEW, "2", new, new_failed), (OLD, "1", old, old_failed))], [NEW], MONITOR)["ok"]:
        assert new >= MONITOR["min_requests"]
        assert new_failed > new * MONITOR["max_error_ratio"]
        assert old < MONITOR["min_requests"] or new_failed * old > old_failed * new


@given(st.lists(st.tuples(st.sampled_from([NEW, OLD]), st.just("2"), st.integers(0, 50), st.integers(0, 50))))
def test_logs_add_up_however_they_are_split(rows: list[tuple[str, str, int, int]]) -> None:
    assert judge([log(*rows)], [NEW], MONITOR) == judge([log(row) for row in rows], [NEW], MONITOR)

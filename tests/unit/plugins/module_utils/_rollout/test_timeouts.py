"""Timeouts that must fit together."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import timeouts
from hypothesis import given
from hypothesis import strategies as st

FINE: dict[str, t.Any] = {
    "longest_request": 25,
    "drain_timeout": "1m",
    "backend_timeout": "30",
    "backend_graceful_timeout": "30s",
    "backend_stop_timeout": 35.0,
    "proxy_read_timeout": "60s",
    "proxy_keepalive_timeout": "60s",
    "backend_keepalive": 75,
    "client_keepalive_timeout": "10s",
    "close_window": 10,
    "client_body_timeout": "10s",
    "worker_shutdown_timeout": "",
}


def test_a_chain_that_fits_and_an_empty_one() -> None:
    assert timeouts.findings(FINE) == []
    assert timeouts.findings({}) == []
    assert timeouts.findings({"drain_timeout": None, "longest_request": 900}) == []


@pytest.mark.parametrize(
    ("value", "expected"), [(30, 30), (0.5, 0.5), ("30", 30), ("30s", 30), ("1m", 60), ("1h 30m", 5400), ("50ms", 0.05)]
)
def test_a_time_as_people_and_nginx_write_it(value: t.Any, expected: float) -> None:
    assert timeouts.seconds(value) == pytest.approx(expected)


@pytest.mark.parametrize("value", ["soon", -1, True, float("inf"), float("nan"), "1.5s", "10 s", [1]])
def test_what_is_no_time_is_named_with_its_variable(value: t.Any) -> None:
    (told,) = timeouts.findings({"drain_timeout": value})
    assert told == f"drain_timeout: {value!r} is no time; allowed are seconds, or a time such as 30s or 1m"


@pytest.mark.parametrize(("shorter", "longer", "strictly", "otherwise"), timeouts.CHAIN)
def test_each_pair_is_told_with_both_names_both_values_and_the_value_to_set(
    shorter: str, longer: str, strictly: bool, otherwise: str
) -> None:
    (told,) = timeouts.findings({shorter: 31, longer: "30s"})
    wanted = "more than 31" if strictly else "at least 31"
    assert told == f"{shorter} is 31 s and {longer} 30 s: {otherwise}; set {longer} to {wanted}"
    assert bool(timeouts.findings({shorter: 30, longer: 30})) == strictly
    assert timeouts.findings({shorter: 29, longer: 30}) == []


def test_clients_are_spared_by_nginx_own_time_or_by_the_announcement() -> None:
    idle = {"client_keepalive_timeout": 75, "close_window": 10}
    (told,) = timeouts.findings(idle)
    assert told.endswith("set close_window to at least 75")
    assert timeouts.findings({**idle, "keepalive_min_timeout": 75}) == []
    assert timeouts.findings({**idle, "close_window": 75, "keepalive_min_timeout": 0}) == []
    (told,) = timeouts.findings({**idle, "keepalive_min_timeout": 60})
    assert told.endswith("set keepalive_min_timeout to at least 75")
    (told,) = timeouts.findings({**idle, "keepalive_min_timeout": 0})
    assert told.endswith("set close_window to at least 75")


def test_worker_shutdown_timeout_stays_unset() -> None:
    (told,) = timeouts.findings({"worker_shutdown_timeout": "30s"})
    assert told.startswith("worker_shutdown_timeout is 30s; leave it unset")


def test_a_name_that_is_mistyped_is_told() -> None:
    (told,) = timeouts.findings({"drain_timout": 30})
    assert told.startswith("drain_timout is no timeout of the chain; there are longest_request, drain_timeout")


@given(st.dictionaries(st.sampled_from(timeouts.NAMES), st.integers(0, 100) | st.text(max_size=5)))
def test_each_finding_names_a_variable_that_was_given(values: dict[str, t.Any]) -> None:
    assert all(any(told.startswith(name) for name in values) for told in timeouts.findings(values))

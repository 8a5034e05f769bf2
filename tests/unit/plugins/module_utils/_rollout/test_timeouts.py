"""Timeouts that must fit together."""

from __future__ import annotations

import re
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
    ("value", "expected"),
    [(30, 30), (0.5, 0.5), ("30", 30), ("30s", 30), ("1m", 60), ("1h 30m", 5400), ("1h30", 3630), ("50ms", 0.05)],
)
def test_a_time_as_people_and_nginx_write_it(value: t.Any, expected: float) -> None:
    assert timeouts.seconds(value) == pytest.approx(expected)


@pytest.mark.parametrize(
    "value",
    ["soon", -1, True, float("inf"), float("nan"), "1.5s", "10 s", "30s 1m", "1m 1m", "10 20", "", " ", "\u0663", [1]],
)
def test_what_is_no_time_is_told(value: t.Any) -> None:
    with pytest.raises(ValueError, match="is no time; allowed are seconds, or a time such as 30s or 1m"):
        timeouts.seconds(value)


def as_nginx(text: str) -> float | None:
    """Return seconds as ngx_parse_time of src/core/ngx_parse.c reads them, None: it refuses."""
    order = ["w", "d", "h", "m", "s", "ms"]
    total, value, step, place, valid = 0.0, 0, -1, 0, False
    while place < len(text):
        if text[place] in "0123456789":
            value, valid, place = value * 10 + int(text[place]), True, place + 1
            continue
        unit = "ms" if text[place : place + 2] == "ms" else text[place]
        # A space after a number without a unit: seconds, and only such a number may follow.
        rank = order.index(unit) if unit in order else 4 if unit == " " else -1
        if rank < 0 or step >= rank:
            return None
        step, place = 9 if unit == " " else rank, place + len(unit)
        total, value = total + value * {"w": 604800, "d": 86400, "h": 3600, "m": 60, "ms": 0.001}.get(unit, 1), 0
        while text[place : place + 1] == " ":
            place += 1
    return total + value if valid else None


TIMES = st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["w", "d", "h", "m", "s", "ms", "", " "])), max_size=4)


@given(st.text("0123 wdhms", max_size=8) | TIMES.map(lambda parts: " ".join(f"{n}{unit}" for n, unit in parts)))
def test_a_time_is_what_nginx_reads(text: str) -> None:
    expected = as_nginx(text.strip())
    try:
        found = timeouts.seconds(text)
    except ValueError:
        # nginx also reads a unit without a number, and two numbers without one: nobody means that.
        strange = re.search(r"(?<![0-9])[wdhms]|[0-9] +[0-9 ]*$", text.strip().replace("ms", "s"))
        assert expected is None or strange
    else:
        assert found == pytest.approx(expected)


@pytest.mark.parametrize("value", ["soon", -1, True, float("inf"), "1.5s", {"a": 1}])
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


def test_nobody_is_spared_where_nothing_is_announced() -> None:
    assert timeouts.findings({"client_keepalive_timeout": 75, "close_window": 0}) == []


def test_of_several_values_the_worst_counts() -> None:
    (told,) = timeouts.findings({"longest_request": [5, "20s"], "backend_timeout": [30, 10]})
    assert told.startswith("longest_request is 20 s and backend_timeout 10 s")
    assert timeouts.findings({"longest_request": [5, 10], "backend_timeout": [30, 10]}) == []
    assert timeouts.findings({"longest_request": 5, "proxy_read_timeout": []}) == []
    (told,) = timeouts.findings({"client_keepalive_timeout": [5, 75], "close_window": 10})
    assert told.endswith("set close_window to at least 75")
    (told,) = timeouts.findings({"drain_timeout": [10, "soon"]})
    assert told.startswith("drain_timeout: 'soon' is no time")


def test_worker_shutdown_timeout_stays_unset() -> None:
    (told,) = timeouts.findings({"worker_shutdown_timeout": "30s"})
    assert told.startswith("worker_shutdown_timeout is 30s; leave it unset")


def test_a_name_that_is_mistyped_is_told() -> None:
    (told,) = timeouts.findings({"drain_timout": 30})
    assert told.startswith("drain_timout is no timeout of the chain; there are longest_request, drain_timeout")


@given(st.dictionaries(st.sampled_from(timeouts.NAMES), st.integers(0, 100) | st.text(max_size=5)))
def test_each_finding_names_a_variable_that_was_given(values: dict[str, t.Any]) -> None:
    assert all(any(told.startswith(name) for name in values) for told in timeouts.findings(values))

"""How many hosts are taken at once, and how many stay."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import batches
from hypothesis import given
from hypothesis import strategies as st

HOSTS = [f"b{number}" for number in range(8)]


@pytest.mark.parametrize(
    ("value", "total", "up", "expected"),
    [(2, 10, False, 2), ("2", 10, False, 2), ("30%", 10, False, 3), ("30%", 4, False, 1), ("30%", 4, True, 2)],
)
def test_a_share_of_hosts(value: t.Any, total: int, up: bool, expected: int) -> None:
    assert batches.share(value, total, up) == expected


@pytest.mark.parametrize("value", ["x", -1, 1.5, True, None, "101%", "%", "", "²"])
def test_what_is_no_share_of_hosts_is_named(value: t.Any) -> None:
    with pytest.raises(ValueError, match=r"neither a whole number nor a share|more than 100%"):
        batches.share(value, 10)


@given(st.integers(0, 100), st.integers(0, 500))
def test_what_must_stay_is_rounded_up_and_what_is_taken_down(percent: int, total: int) -> None:
    down, up = (batches.share(f"{percent}%", total, up) for up in (False, True))
    assert down <= total * percent / 100 <= up <= down + 1


def test_a_share_that_is_less_than_one_host_is_one_host() -> None:
    assert batches.sizes(["1%", "50%"], 4) == [1, 2]


def test_the_last_size_is_repeated_until_nobody_is_left() -> None:
    found = batches.split(HOSTS[:7], [1, 3], HOSTS[:7], HOSTS, 1)
    assert [len(batch) for batch in found] == [1, 3, 3]


def test_a_batch_that_is_cut_down_does_not_make_later_ones_smaller_than_they_need_be() -> None:
    found = batches.split(HOSTS[:7], [3], HOSTS[:7], HOSTS, 5)
    assert [len(batch) for batch in found] == [2, 2, 2, 1]


def test_a_batch_is_the_next_hosts_of_the_order_even_where_a_later_one_would_cost_nothing() -> None:
    found = batches.split(["b0", "b1", "spare"], [3], ["b0", "b1"], ["b0", "b1"], 1)
    assert found == [["b0"], ["b1", "spare"]]


def test_a_host_that_serves_again_counts_and_a_backup_never_does() -> None:
    assert batches.split(["ill", "b0"], [1], ["b0"], ["ill", "b0"], 1) == [["ill"], ["b0"]]
    assert batches.split(["spare", "b0"], [1], ["b0"], ["b0"], 1) == [["spare"]]


def test_which_batches_became_smaller() -> None:
    assert batches.cut_down([["a"], ["b", "c"], ["d"]], [3], 4) == {3: 1}
    assert batches.cut_down([["a", "b", "c"], ["d"]], [3], 4) == {}
    assert batches.cut_down([["a"], ["b"]], [10], 2) == {2: 1}


@given(
    order=st.permutations(HOSTS),
    wanted=st.lists(st.integers(1, 10), min_size=1, max_size=4),
    serving=st.sets(st.sampled_from(HOSTS)),
    counted=st.sets(st.sampled_from(HOSTS)),
    min_healthy=st.integers(0, 8),
)
def test_batches_are_slices_of_the_order_and_leave_enough(
    order: list[str], wanted: list[int], serving: set[str], counted: set[str], min_healthy: int
) -> None:
    serving &= counted
    found = batches.split(order, wanted, serving, counted, min_healthy)
    flat = [name for batch in found for name in batch]
    assert flat == order[: len(flat)]
    healthy = set(serving)
    for number, batch in enumerate(found):
        assert 1 <= len(batch) <= wanted[min(number, len(wanted) - 1)]
        assert len(healthy - set(batch)) >= min_healthy
        healthy |= set(batch) & counted
    if len(flat) < len(order):
        assert len(healthy - {order[len(flat)]}) < min_healthy, "it stops only where not even one can be taken"

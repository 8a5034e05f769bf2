"""Taking servers out of rotation and putting them back."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import rotation
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import BY_HAND, Hold, Server, Upstream
from hypothesis import given
from hypothesis import strategies as st

OPS = Hold("ops", "disk swap", "2026-11-28T01:00:00Z")
DEPLOY = Hold("deploy", "1.4.2", "2026-11-28T02:00:00Z")
A, B, C = (Server(f"10.0.0.{n}:80", max_fails=3) for n in (1, 2, 3))
APP = Upstream("app", (A, B, C))


def held(upstream: Upstream) -> dict[str, list[str]]:
    return {s.address: [known.owner for known in s.holds] for s in upstream.servers if s.holds}


def test_a_server_has_a_hold_for_each_owner_and_returns_with_the_last() -> None:
    both = rotation.drain(rotation.drain(APP, {A.address}, OPS), {A.address}, DEPLOY)
    assert held(both) == {A.address: ["deploy", "ops"]}
    one = rotation.enable(both, {A.address}, "ops")
    assert held(one) == {A.address: ["deploy"]}
    assert one.servers[0].down
    assert rotation.enable(one, {A.address}, "deploy") == APP


def test_a_second_hold_of_one_owner_keeps_its_time_and_takes_the_new_reason() -> None:
    later = dataclasses.replace(OPS, reason="still at it", since="2026-11-28T09:00:00Z")
    again = rotation.drain(rotation.drain(APP, {A.address}, OPS), {A.address}, later)
    assert again.servers[0].holds == (dataclasses.replace(OPS, reason="still at it"),)
    nameless = dataclasses.replace(OPS, reason="")
    assert rotation.drain(again, {A.address}, nameless) == again, "what is not given stays"


def test_nobody_releases_what_another_holds_but_by_force() -> None:
    down = rotation.drain(APP, {A.address}, OPS)
    assert rotation.enable(down, {A.address}, "deploy") == down
    assert rotation.enable(down, {A.address}, None) == APP


def test_exclusive_moves_the_hold_of_this_owner_only() -> None:
    before = rotation.drain(rotation.drain(APP, {A.address}, DEPLOY), {C.address}, OPS)
    after = rotation.drain(before, {B.address}, DEPLOY, exclusive=True)
    assert held(after) == {B.address: ["deploy"], C.address: ["ops"]}


def test_the_last_server_never_counts_as_failed_until_a_second_one_is_back() -> None:
    two_down = rotation.drain(APP, {A.address, B.address}, OPS)
    assert (two_down.servers[2].max_fails, two_down.servers[2].alone) == (0, "3")
    assert rotation.enable(two_down, {A.address}, "ops").servers[2] == C


def test_a_last_server_without_max_fails_gets_none_back() -> None:
    plain = Upstream("app", (Server("10.0.0.1:80"), Server("10.0.0.2:80")))
    alone = rotation.drain(plain, {"10.0.0.1:80"}, OPS)
    assert (alone.servers[1].max_fails, alone.servers[1].alone) == (0, "")
    assert rotation.enable(alone, {"10.0.0.1:80"}, "ops") == plain


def test_a_last_server_with_a_backup_may_fail() -> None:
    spare = Upstream("app", (A, B, Server("10.0.0.9:80", backup=True)))
    assert rotation.drain(spare, {A.address}, OPS).servers[1] == B


def test_a_single_server_is_left_as_it_is() -> None:
    single = Upstream("app", (A,))
    assert rotation.protect(single) == single


@pytest.mark.parametrize(
    ("wanted", "total", "needed"), [("1", 3, 1), (0, 3, 0), ("50%", 3, 2), ("100%", 3, 3), ("0%", 3, 0)]
)
def test_min_enabled_is_a_number_or_a_share_rounded_up(wanted: int | str, total: int, needed: int) -> None:
    assert rotation.required(wanted, total) == needed


@pytest.mark.parametrize("wanted", ["-1", "101%", "-1%", "many", "", "%", "1.5"])
def test_min_enabled_must_be_one_of_both(wanted: str) -> None:
    with pytest.raises(ValueError):
        rotation.required(wanted, 3)


def test_too_few_servers_names_who_holds_the_others() -> None:
    one_down = rotation.drain(APP, {A.address}, OPS)
    two_down = rotation.drain(one_down, {B.address}, DEPLOY)
    assert rotation.too_few(APP, one_down, "2") is None
    told = str(rotation.too_few(one_down, two_down, "2"))
    assert told.startswith("min_enabled: '2' would leave 1 of 3 servers of app in rotation (10.0.0.3:80)")
    assert "10.0.0.1:80 by ops (disk swap)" in told


def test_too_few_servers_is_no_matter_of_what_is_so_already() -> None:
    none_left = rotation.drain(APP, {A.address, B.address, C.address}, OPS)
    assert rotation.too_few(none_left, none_left, "1") is None


def test_a_failed_drain_is_put_back_without_touching_what_others_did_meanwhile() -> None:
    mine = rotation.drain(APP, {A.address}, DEPLOY)
    others = rotation.drain(mine, {A.address}, OPS)
    assert held(Upstream("app", (rotation.put_back(others.servers[0], A, "deploy"), B, C))) == {A.address: ["ops"]}


def test_a_hold_whose_time_has_passed_is_told_so() -> None:
    down = rotation.drain(APP, {A.address}, dataclasses.replace(OPS, until="2026-11-28T03:00:00Z"))
    assert "has passed" not in rotation.warnings(down, "2026-11-28T02:59:59Z")[0]
    assert "has passed" in rotation.warnings(down, "2026-11-28T03:00:01Z")[0]


def test_what_was_taken_down_by_hand_returns_only_by_hand_or_by_force() -> None:
    by_hand = APP.with_servers([dataclasses.replace(A, down=True), B, C])
    assert rotation.enable(by_hand, {A.address}, "ops") == by_hand
    assert rotation.enable(by_hand, {A.address}, BY_HAND) == APP
    assert rotation.enable(by_hand, {A.address}, None) == APP
    assert held(rotation.drain(by_hand, {A.address}, OPS)) == {A.address: [BY_HAND, "ops"]}
    assert not rotation.enable(rotation.drain(by_hand, {A.address}, OPS), {A.address}, "ops").servers[0].enabled


ADDRESSES = st.sets(st.sampled_from([A.address, B.address, C.address]))


@given(ADDRESSES, ADDRESSES)
def test_the_order_of_two_independent_holds_does_not_matter(first: set[str], second: set[str]) -> None:
    one = rotation.drain(rotation.drain(APP, first, OPS), second, DEPLOY)
    other = rotation.drain(rotation.drain(APP, second, DEPLOY), first, OPS)
    assert one == other
    assert rotation.enable(rotation.enable(one, first, "ops"), second, "deploy") == APP

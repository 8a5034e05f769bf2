"""What has to change in the file of an upstream."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import planner, rotation
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold, Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.owned import read_file
from hypothesis import given
from hypothesis import strategies as st

OPS = Hold("ops", "disk swap", "2026-11-28T01:00:00Z")
A, B, C, D = (Server(f"10.0.0.{n}:80", max_fails=3) for n in (1, 2, 3, 4))
APP = Upstream("app", (A, B, C), zone="app", zone_size="64k")


def test_a_new_upstream_is_what_is_wanted() -> None:
    plan = planner.present(APP, None)
    assert plan.upstream == APP
    assert plan.added == tuple(server.address for server in APP.servers)
    assert plan.removed == ()


def test_holds_stay_across_a_change_of_membership_and_go_with_their_server() -> None:
    found = rotation.drain(APP, {A.address, B.address}, OPS)
    plan = planner.present(APP.with_servers([A, C, D]), found)
    assert plan.upstream is not None
    assert [(s.address, bool(s.holds)) for s in plan.upstream.servers] == [
        (A.address, True),
        (C.address, False),
        (D.address, False),
    ]
    assert plan.removed == (B.address,)
    assert plan.added == (D.address,)
    back = planner.present(APP, plan.upstream)
    assert back.upstream is not None
    assert not back.upstream.servers[1].holds, "a server that comes back is not held for an old reason"


def test_parameters_are_those_of_the_inventory_and_the_rest_stays() -> None:
    by_hand = dataclasses.replace(A, weight=9, extra=("slow_start=30s",), comment="the big one")
    found = dataclasses.replace(APP.with_servers([by_hand, B, C]), extra=("ntlm",))
    plan = planner.present(APP, found)
    assert plan.upstream is not None
    assert plan.upstream.servers[0] == dataclasses.replace(A, extra=("slow_start=30s",), comment="the big one")
    assert plan.upstream.extra == ("ntlm",)


def test_the_last_server_gets_a_new_max_fails_back() -> None:
    found = rotation.drain(APP, {A.address, B.address}, OPS)
    wanted = APP.with_servers(dataclasses.replace(server, max_fails=5) for server in APP.servers)
    plan = planner.present(wanted, found)
    assert plan.upstream is not None
    assert (plan.upstream.servers[2].max_fails, plan.upstream.servers[2].alone) == (0, "5")


@pytest.mark.parametrize(
    ("wanted", "found", "says"),
    [
        (APP.with_servers([]), None, "must name at least one server"),
        (
            APP.with_servers([A]),
            rotation.drain(APP, {A.address}, OPS),
            "no server in rotation: held: 10.0.0.1:80 by ops",
        ),
        (APP.with_servers([dataclasses.replace(A, backup=True)]), None, "no server in rotation"),
    ],
)
def test_an_upstream_without_a_server_in_rotation_is_refused(
    wanted: Upstream, found: Upstream | None, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        planner.present(wanted, found)


def test_what_is_all_held_already_is_no_error_of_this_run() -> None:
    found = rotation.drain(APP, {server.address for server in APP.servers}, OPS)
    assert planner.present(APP, found).upstream == found


MEMBERS = st.lists(st.sampled_from([A, B, C, D]), min_size=1, unique=True)
HELD = st.sets(st.sampled_from([s.address for s in (A, B, C, D)]), max_size=2)


@given(MEMBERS, MEMBERS, HELD)
def test_planning_twice_is_planning_once(wanted: list[Server], found: list[Server], held: set[str]) -> None:
    before = rotation.drain(APP.with_servers(found), held, OPS)
    try:
        once = planner.present(APP.with_servers(wanted), before)
    except ConfigError:
        return
    assert once.text is not None
    twice = planner.present(APP.with_servers(wanted), read_file(once.text, "app.conf", "app", adopt=False))
    assert twice.text == once.text
    assert (twice.removed, twice.added) == ((), ())


@given(HELD)
def test_membership_and_rotation_change_in_any_order(held: set[str]) -> None:
    """Two changes that do not know of each other: a server joins, others are held."""
    wanted = APP.with_servers([A, B, C, D])
    joined_first = rotation.drain(planner.present(wanted, APP).upstream or APP, held - {D.address}, OPS)
    held_first = planner.present(wanted, rotation.drain(APP, held - {D.address}, OPS)).upstream
    assert joined_first == held_first

"""What the load balancers see of a group."""

from __future__ import annotations

import typing as t

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import rotation
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold, Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import capacity
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample
from hypothesis import given
from hypothesis import strategies as st

MEMBERS = [sample.member(number) for number in (1, 2, 3)]


def test_who_is_held_by_nobody_and_healthy_everywhere_serves() -> None:
    spare = sample.member(4, backup=True)
    members = [*MEMBERS, spare]
    views = [
        sample.view("lb1", members, {"backend1": [sample.hold()]}),
        sample.view("lb2", members, {"backend1": [sample.hold()]}, unhealthy=["backend2"]),
    ]
    seen = capacity.look(members, views, sample.OWNER)
    assert seen.serving == ("backend3",)
    assert seen.skipped == {"backend1": "held by ops (disk swap) since 2026-11-28T01:30:00Z"}
    assert seen.unhealthy == {"backend2": "status 500, expected 200 (asked from lb2)"}
    assert (seen.ours, seen.upstreams) == ((), ("backends",))


def test_a_hold_on_one_load_balancer_is_enough_to_be_out() -> None:
    views = [sample.view("lb1", MEMBERS), sample.view("lb2", MEMBERS, {"backend2": [sample.ours()]})]
    seen = capacity.look(MEMBERS, views, sample.OWNER)
    assert (seen.ours, seen.serving) == (("backend2",), ("backend1", "backend3"))


def test_who_was_not_asked_is_not_healthy() -> None:
    view = sample.view("lb1", MEMBERS)
    del view["health"]["backend1"]
    seen = capacity.look(MEMBERS, [view], sample.OWNER)
    assert seen.unhealthy == {"backend1": "it was not asked (asked from lb1)"}


def test_a_hold_says_until_when_and_that_it_is_overdue() -> None:
    late = sample.hold(until="2026-11-28T18:00:00Z", overdue=True)
    seen = capacity.look(MEMBERS, [sample.view("lb1", MEMBERS, {"backend1": [late]})], sample.OWNER)
    assert seen.skipped["backend1"].endswith("since 2026-11-28T01:30:00Z until 2026-11-28T18:00:00Z, overdue")


def test_a_member_that_a_load_balancer_does_not_have_is_told() -> None:
    views = [sample.view("lb1", MEMBERS), sample.view("lb2", MEMBERS[:2])]
    (told,) = capacity.disagreements(MEMBERS, views, sample.OWNER)
    assert told.startswith("backend3 (10.0.0.3:5000) is in no upstream on lb2; apply site.yml")


def test_holds_of_others_that_differ_are_told_and_ours_may_differ() -> None:
    views = [
        sample.view("lb1", MEMBERS, {"backend1": [sample.hold()]}),
        sample.view("lb2", MEMBERS, {"backend2": [sample.ours()]}),
    ]
    (told,) = capacity.disagreements(MEMBERS, views, sample.OWNER)
    assert "disagree about backend1: on lb1 held by ops; on lb2 in rotation" in told


NUMBERS = range(1, 5)
OWNERS = st.sets(st.sampled_from([sample.OWNER, "ops"]))
SERVERS = st.lists(
    st.builds(
        lambda number, backup, owners, by_hand: Server(
            f"10.0.0.{number}:5000",
            backup=backup,
            down=bool(owners) or by_hand,
            holds=tuple(Hold(owner) for owner in sorted(owners)),
        ),
        st.sampled_from(NUMBERS),
        st.booleans(),
        OWNERS,
        st.booleans(),
    ),
    max_size=5,
    unique_by=lambda server: server.address,
)


def as_told(upstream: Upstream) -> dict[str, t.Any]:
    """Return an upstream as nginx_upstream_info tells it."""
    return {
        "name": upstream.name,
        "servers": [
            {
                "address": server.address,
                "state": "enabled" if server.enabled else "held",
                "backup": server.backup,
                "holds": rotation.as_data(server.holds),
            }
            for server in upstream.servers
        ],
    }


@given(SERVERS, st.permutations(NUMBERS), st.sampled_from(NUMBERS))
def test_what_the_hold_of_a_batch_would_refuse_is_known_before(
    servers: list[Server], order: list[int], first: int
) -> None:
    before = Upstream("admin", tuple(servers))
    addresses = [f"10.0.0.{number}:5000" for number in order]
    batches = [addresses[:first], addresses[first:]]
    view = {"name": "lb1", "info": {"upstreams": [as_told(before)]}}
    refused = 0
    for batch in batches:
        after = rotation.drain(before, batch, Hold(sample.OWNER), exclusive=True)
        refused += rotation.too_few(before, after, 1) is not None
        before = after
    assert sum(map(len, capacity.emptied([view], sample.OWNER, batches).values())) == refused


def test_each_upstream_that_would_be_empty_names_its_load_balancers() -> None:
    views = [sample.view(name, MEMBERS) for name in ("lb1", "lb2", "lb3")]
    for view in views[:2]:
        view["info"]["upstreams"].append(sample.upstream("admin", [MEMBERS[0], sample.member(2, backup=True)]))
    batches = [{member["address"]} for member in MEMBERS]
    assert capacity.emptied(views, sample.OWNER, batches) == {("admin", MEMBERS[0]["address"]): ["lb1", "lb2"]}

"""What the load balancers see of a group."""

from __future__ import annotations

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import capacity
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample

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

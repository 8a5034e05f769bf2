"""What speaks against a plan."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import plan
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout.plans import fleet, make, refused


def test_a_load_balancer_that_cannot_be_reached() -> None:
    members = [sample.member(1), sample.member(2)]
    (told,) = refused(members=members, views=[sample.view("lb1", members), sample.unreachable("lb2")])
    assert told.startswith("lb2 cannot be reached: timed out")
    assert told.endswith("bring it back, or take it out of its group if it serves nobody")


def test_no_load_balancer() -> None:
    (told,) = refused(views=[])
    assert told.startswith("there is no load balancer to take a host of backends out of rotation")
    assert told.endswith("name their group in rollout_load_balancers")


@pytest.mark.parametrize(
    ("live", "said"),
    [("stopped", "lb2: nginx does not run; start it"), ("different", "lb2: nginx serves something else than what is")],
)
def test_a_load_balancer_that_does_not_do_what_it_is_told(live: str, said: str) -> None:
    members = [sample.member(1), sample.member(2)]
    (told,) = refused(members=members, views=[sample.view("lb1", members), sample.view("lb2", members, live=live)])
    assert told.startswith(said)


def test_a_configuration_that_is_broken_is_quoted() -> None:
    members = [sample.member(1), sample.member(2)]
    broken = sample.view("lb1", members, live="different")
    said = 'nginx refuses its configuration: [emerg] unknown directive "a" in /etc/nginx/nginx.conf:3.'
    broken["info"]["nginx"] = {"refused": said}
    assert refused(members=members, views=[broken]) == [f"lb1: {said} Mend it first"]


def test_load_balancers_that_disagree() -> None:
    members = [sample.member(1), sample.member(2)]
    told, alone = refused(members=members, views=[sample.view("lb1", members), sample.view("lb2", members[:1])])
    assert told.startswith("backend2 (10.0.0.2:5000) is in no upstream on lb2")
    assert alone.startswith("lb2: nobody else is in rotation in the upstream backends")


def test_a_host_that_cannot_be_reached_or_has_no_release() -> None:
    members = fleet(sample.member(1, release={}), sample.member(2, current=""), sample.member(3))
    assert refused(members=members) == [
        "backend1 cannot be reached; bring it back, or leave it out: --limit '!backend1'",
        "backend2 has no release yet; apply site.yml first",
    ]


def test_a_lock_of_another_run() -> None:
    members = [sample.member(1), sample.member(2)]
    views = [sample.view("lb1", members, rollout={"lock": sample.LOCK}), sample.view("lb2", members)]
    assert refused(members=members, views=views) == [
        "backends is locked on lb1 by a deploy of 1.4.2, run 20261128-0522-ab12 of alice@laptop, last step 'drain "
        "backend2' 34 s ago by its clock. If that run is dead: ansible-playbook unlock.yml -e run=20261128-0522-ab12"
    ]
    found = make(members=members, views=views, gone=["20261128-0522-ab12"])
    assert found["warnings"] == [
        "run 20261128-0522-ab12 of alice@laptop is dead (its last step was 'drain backend2'); its lock is broken"
    ]


def test_the_lock_of_another_group_is_broken_in_that_group() -> None:
    members = [sample.member(1), sample.member(2)]
    (told,) = refused(
        name="frontends", members=members, views=[sample.view("lb1", members, rollout={"lock": sample.LOCK})]
    )
    assert told.endswith("ansible-playbook unlock.yml -e rollout_group=frontends -e run=20261128-0522-ab12")


def test_a_lock_of_a_group_that_has_the_same_hosts() -> None:
    members = [sample.member(1), sample.member(2)]
    other = {"group": "eu", "shared": ["backend1", "backend2"], **sample.LOCK}
    views = [sample.view("lb1", members, others=[other]), sample.view("lb2", members, others=[])]
    assert refused(members=members, views=views) == [
        "backend1, backend2 of backends may be taken at the same time: eu is locked on lb1 by a deploy of 1.4.2, run "
        "20261128-0522-ab12 of alice@laptop, last step 'drain backend2' 34 s ago by its clock. If that run is dead: "
        "ansible-playbook unlock.yml -e rollout_group=eu -e run=20261128-0522-ab12"
    ]
    # It is dead: what it has left held is left out.
    assert make(members=members, views=views, gone=[sample.LOCK["run"]])["warnings"] == []
    held = {"backend1": [sample.hold("rollout-eu", "deploy of 1.4.2, run r1")]}
    found = make(members=members, holds=held, changed={"min_healthy": 0})
    assert (found["order"], found["held"]) == (["backend2"], [])
    assert found["skipped"]["backend1"].startswith("held by rollout-eu (deploy of 1.4.2, run r1)")


def test_a_lock_that_says_little_is_told_all_the_same() -> None:
    members = [sample.member(1), sample.member(2)]
    views = [sample.view("lb1", members, rollout={"lock": {"run": "r1", "age": 10800.0}})]
    (told,) = refused(members=members, views=views)
    assert told.startswith("backends is locked on lb1 by a rollout, run r1 of somebody, last step '' 3.0 h ago")
    assert make(members=members, views=views, gone=["r1"])["warnings"][0].startswith("run r1 of somebody is dead")


def test_a_lock_that_cannot_be_read() -> None:
    members = [sample.member(1), sample.member(2)]
    lock = {"run": "", "error": "/r/backends/lock.json cannot be read: look at it, and remove it", "age": 0.0}
    told = refused(members=members, views=[sample.view("lb1", members, rollout={"lock": lock})])
    assert told == [f"backends is locked on lb1: {lock['error']}"]


def test_nobody_selected() -> None:
    members = [sample.member(number, selected=False) for number in (1, 2)]
    assert refused(members=members) == ["no host of the group backends is selected; mend --limit"]


def test_a_host_that_was_left_half_way_must_not_come_back_unseen() -> None:
    members = fleet(sample.member(1), sample.member(2, selected=False), sample.member(3))
    (told,) = refused(members=members, holds={"backend2": [sample.ours()]})
    assert told.startswith("backend2 is held by rollout-backends from an earlier rollout, and --limit leaves it out")
    assert told.endswith("or leave it out for good: ansible-playbook drain.yml -l backend2")
    assert refused(members=members, holds={"backend2": [sample.ours(), sample.hold()]}) == []


def test_a_host_that_was_left_half_way_and_stays_away_is_left_out_by_name() -> None:
    members = fleet(sample.member(1), sample.member(2, release={}), sample.member(3))
    assert refused(members=members, holds={"backend2": [sample.ours()]}) == [
        "backend2 cannot be reached; bring it back, or leave it out for good: ansible-playbook drain.yml -l backend2"
    ]
    assert refused(members=members, holds={"backend2": [sample.ours(), sample.hold()]}) == []


def test_a_host_that_was_left_half_way_and_is_none_any_more_must_not_come_back_unseen() -> None:
    members = fleet(sample.member(1), sample.member(2), sample.member(3))
    holds = {"backend3": [sample.ours()]}
    views = [sample.view("lb1", members, holds), sample.view("lb2", members, holds)]
    (told,) = refused(members=members[:2], views=views)
    assert told.startswith("10.0.0.3:5000 is held by rollout-backends on lb1, lb2 from an earlier rollout, and no host")
    assert told.endswith("apply site.yml, which takes it out of the upstream")
    by_hand = [sample.view(name, members, {"backend3": [sample.hold()]}) for name in ("lb1", "lb2")]
    assert refused(members=members[:2], views=by_hand) == []


def test_wrong_options_are_told_by_name_and_nothing_is_planned() -> None:
    found = plan.make(sample.request(changed={"serial": "x", "failure_action": "explode"}))
    assert [told.split(":")[0] for told in found["findings"]] == ["rollout_serial", "rollout_failure_action"]
    assert (found["batches"], found["serial"], found["seconds_longest"]) == ([], [1], 0.0)
    assert found["text"][0] == "deploy of 1.4.2 on backends: 3 hosts, not one of which can be taken"


def test_one_host_alone_cannot_be_changed_without_a_gap_unless_that_is_accepted() -> None:
    (told,) = refused(members=[sample.member(1)])
    assert told.endswith("one host alone must stop before it starts: rollout_min_healthy=0 accepts that nobody serves")
    found = make(members=[sample.member(1)], changed={"min_healthy": 0})
    assert found["capacity"] == [{"batch": 1, "in_rotation": 0, "of": 1}]


def test_the_last_healthy_host_is_not_taken() -> None:
    members = [sample.member(1), sample.member(2), sample.member(3)]
    (told,) = refused(
        members=members,
        holds={"backend2": [sample.hold()]},
        unhealthy=["backend3"],
        version="1.0.0",
        changed={"min_healthy": 2},
    )
    assert told.startswith("backend3 cannot be taken out of rotation: 1 of 3 hosts of backends serve (backend1)")
    assert "backend3 is unhealthy: status 500" in told
    assert "backend2 is held by ops (disk swap)" in told
    assert told.endswith("bring one back, or accept fewer: -e rollout_min_healthy=1")


def with_admin(*members: dict[str, t.Any], holds: dict[str, t.Any] | None = None) -> list[dict[str, t.Any]]:
    """Return the views of three backends whose load balancers have a further upstream."""
    views = [sample.view(name, [sample.member(number) for number in (1, 2, 3)], holds) for name in ("lb1", "lb2")]
    for view in views:
        view["info"]["upstreams"].append(sample.upstream("admin", members, holds))
    return views


def test_the_last_one_of_a_further_upstream_is_not_taken_unless_that_is_accepted() -> None:
    views = with_admin(sample.member(1), sample.member(2, backup=True))
    assert refused(views=views) == [
        "lb1, lb2: nobody else is in rotation in the upstream admin (a backup does not count) while backend1 is held; "
        "put another server into it, or accept that nobody serves: -e rollout_min_healthy=0"
    ]
    assert make(views=views, changed={"min_healthy": 0})["batches"][0] == ["backend1"]


def test_a_batch_that_is_all_of_a_further_upstream_is_taken_in_smaller_ones() -> None:
    views = with_admin(sample.member(1), sample.member(2))
    (told,) = refused(views=views, changed={"serial": 2})
    assert "while backend1, backend2 are held; take fewer at once (rollout_serial), put another server" in told
    assert make(views=views)["batches"] == [["backend1"], ["backend2"], ["backend3"]]


def test_who_is_not_taken_out_of_a_further_upstream_speaks_against_nothing() -> None:
    views = with_admin(sample.member(1))
    others = fleet(sample.member(1, selected=False), sample.member(2), sample.member(3))
    assert make(views=views, members=others)["order"] == ["backend2", "backend3"]
    # An earlier rollout has taken it: it returns when the next one is held.
    held = {"backend1": [sample.ours()]}
    assert make(views=with_admin(sample.member(1), holds=held))["held"] == ["backend1"]
    # A canary stops before it comes to it.
    last = with_admin(sample.member(3))
    assert make(views=last, changed={"canary": True})["stops_after_first_batch"] is True
    assert len(refused(views=last)) == 1

"""The plan of a rollout."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import plan, words
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample
from hypothesis import given
from hypothesis import strategies as st

NEW: dict[str, t.Any] = {"current": "1.4.2", "previous": "1.0.0"}


def make(**changes: t.Any) -> dict[str, t.Any]:
    """Return a plan that nothing speaks against."""
    found = plan.make(sample.request(**changes))
    assert found["findings"] == []
    return found


def refused(**changes: t.Any) -> list[str]:
    """Return what speaks against a plan."""
    found: list[str] = plan.make(sample.request(**changes))["findings"]
    return found


def fleet(*members: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return list(members)


# What is planned.


def test_a_deploy_takes_one_after_the_other_in_the_order_of_the_inventory() -> None:
    found = make()
    assert found["batches"] == [["backend1"], ["backend2"], ["backend3"]]
    assert found["order"] == found["names"] == ["backend1", "backend2", "backend3"]
    assert found["serial"] == [1, 1, 1]
    assert found["capacity"] == [{"batch": number, "in_rotation": 2, "of": 3} for number in (1, 2, 3)]
    assert (found["reloads"], found["min_healthy"], found["owner"]) == (4, 1, sample.OWNER)
    assert found["upstreams"] == ["backends"]
    assert found["hosts"]["backend2"] == {
        "address": "10.0.0.2:5000",
        "from": "1.0.0",
        "to": "1.4.2",
        "back": "1.0.0",
        "batch": 2,
        "why_first": "",
    }
    assert (found["warnings"], found["skipped"], found["unchanged"], found["resumes"]) == ([], {}, [], "")


def test_the_text_of_a_plan() -> None:
    members = [sample.member(1, **NEW), sample.member(2), sample.member(3), sample.member(4)]
    found = make(members=members, holds={"backend4": [sample.hold()]})
    assert found["text"] == [
        "deploy of 1.4.2 on backends: 2 hosts in 2 batches, at least 1 stays (rollout_min_healthy)",
        "batch 1 of 2: backend2 1.0.0 -> 1.4.2; 2 of 4 stay in rotation",
        "batch 2 of 2: backend3 1.0.0 -> 1.4.2; 2 of 4 stay in rotation",
        "left out: backend4 is held by ops (disk swap) since 2026-11-28T01:30:00Z",
        "nothing to do on backend1: 1.4.2 runs and is healthy",
        "3 reloads of each load balancer, 15 min 20 s if every wait lasts as long as it may; "
        "a host that fails returns to the release before, and the rollout stops there",
    ]


def test_who_needs_nothing_is_left_alone_and_who_is_half_way_is_not() -> None:
    members = fleet(
        sample.member(1, **NEW),
        sample.member(2, **{**NEW, "running": "1.0.0"}),
        sample.member(3, **NEW, active="failed"),
        sample.member(4, **NEW),
        sample.member(5, **NEW),
    )
    found = make(members=members, holds={"backend5": [sample.ours()]}, unhealthy=["backend4"])
    assert found["unchanged"] == ["backend1"]
    assert found["order"] == ["backend5", "backend4", "backend2", "backend3"]
    assert found["hosts"]["backend5"]["why_first"] == "held by an earlier rollout"
    assert found["hosts"]["backend4"]["why_first"] == "unhealthy"
    assert found["held"] == ["backend5"]


def test_nothing_to_do_is_no_finding() -> None:
    found = make(members=[sample.member(number, **NEW) for number in (1, 2)])
    assert (found["order"], found["batches"], found["serial"], found["reloads"]) == ([], [], [1], 0)
    assert found["seconds_longest"] == 0
    assert found["text"] == [
        "deploy of 1.4.2 on backends: nothing to do",
        "nothing to do on backend1, backend2: 1.4.2 runs and is healthy",
    ]


def test_a_host_that_another_holds_is_left_out_even_when_it_cannot_be_reached() -> None:
    members = fleet(sample.member(1), sample.member(2, release={}), sample.member(3))
    found = make(members=members, holds={"backend2": [sample.hold(), sample.ours()]}, unhealthy=["backend2"])
    assert found["order"] == ["backend1", "backend3"]
    assert found["skipped"] == {"backend2": "held by ops (disk swap) since 2026-11-28T01:30:00Z"}
    assert [left["in_rotation"] for left in found["capacity"]] == [1, 1]


def test_a_deploy_that_would_leave_out_everybody_who_needs_it_is_refused() -> None:
    members = fleet(sample.member(1, selected=False), sample.member(2), sample.member(3, **NEW))
    holds = {"backend2": [sample.hold()]}
    told = [
        "backend2 is held by ops (disk swap) since 2026-11-28T01:30:00Z: no other host needs a deploy, so nothing "
        "would be done; when that work is done: ansible-playbook undrain.yml -l backend2; or leave it out of --limit"
    ]
    assert refused(members=members, holds=holds) == told
    (both,) = refused(verb="restart", members=members[1:], holds={**holds, "backend3": [sample.hold("alice", "")]})
    assert "; backend3 is held by alice since 2026-11-28T01:30:00Z: no other host needs a restart" in both
    assert both.endswith("undrain.yml -l backend2,backend3; or leave them out of --limit")
    # As soon as another one is rolled, or where who is held has the release, it is only said.
    members[0]["selected"] = True
    assert make(members=members, holds=holds)["order"] == ["backend1"]
    done = fleet(sample.member(1, **NEW), sample.member(2, **NEW))
    assert make(members=done, holds=holds)["skipped"].keys() == {"backend2"}


def test_who_is_marked_for_a_restart_and_held_waits_for_the_next_time() -> None:
    members = fleet(sample.member(1), sample.member(2, restart_due=True))
    marked = {"verb": "restart", "version": "", "only_marked": True, "members": members}
    assert make(**marked, holds={"backend2": [sample.hold()]})["skipped"].keys() == {"backend2"}


def test_a_limit_leaves_hosts_alone_that_still_count() -> None:
    members = fleet(sample.member(1, selected=False), sample.member(2), sample.member(3, selected=False))
    found = make(members=members, changed={"min_healthy": 2})
    assert (found["order"], found["not_selected"]) == (["backend2"], ["backend1", "backend3"])
    assert found["capacity"] == [{"batch": 1, "in_rotation": 2, "of": 3}]
    assert "not named by --limit: backend1, backend3" in found["text"]


def test_a_backup_is_rolled_and_counts_for_nothing() -> None:
    found = make(members=fleet(sample.member(1), sample.member(2), sample.member(3, backup=True)))
    assert found["order"] == ["backend1", "backend2", "backend3"]
    assert [(left["in_rotation"], left["of"]) for left in found["capacity"]] == [(1, 2), (1, 2), (2, 2)]
    assert found["backups"] == ["backend3"]


def test_a_share_that_must_stay_is_rounded_up() -> None:
    found = make(changed={"min_healthy": "50%", "serial": "100%"})
    assert found["min_healthy"] == 2
    assert [len(batch) for batch in found["batches"]] == [1, 1, 1]


def test_a_batch_that_would_be_too_large_is_cut_down_and_told() -> None:
    found = make(changed={"serial": 3})
    assert [len(batch) for batch in found["batches"]] == [2, 1]
    assert found["warnings"] == ["rollout_serial asks for 3 at once; rollout_min_healthy (1) leaves 2"]
    assert found["text"][-1] == f"note: {found['warnings'][0]}"


def test_more_than_there_are_is_all_of_them() -> None:
    found = make(changed={"serial": 50, "min_healthy": 0})
    assert (found["batches"], found["warnings"]) == ([["backend1", "backend2", "backend3"]], [])


def test_an_unhealthy_host_goes_first_and_serves_afterwards() -> None:
    found = make(unhealthy=["backend3"], changed={"min_healthy": 2})
    assert found["order"] == ["backend3", "backend1", "backend2"]
    assert [left["in_rotation"] for left in found["capacity"]] == [2, 2, 2]
    (told,) = found["warnings"]
    assert told.startswith("backend3 is unhealthy: status 500, expected 200 (asked from lb1)")


@pytest.mark.parametrize(
    ("running", "holds", "stops"),
    [("1.0.0", {}, True), ("1.4.2", {}, False), ("1.4.2", {"backend1": [sample.ours()]}, True)],
    ids=["before", "done", "killed half-way"],
)
def test_a_canary_stops_once(running: str, holds: dict[str, t.Any], stops: bool) -> None:
    members = fleet(sample.member(1, current=running), sample.member(2), sample.member(3))
    found = make(members=members, holds=holds, changed={"canary": True})
    assert found["stops_after_first_batch"] is stops
    assert ("canary: it stops after the first batch; the same command again goes on" in found["text"]) is stops


def test_a_canary_costs_one_batch_and_a_restart_says_how_the_others_are_reached() -> None:
    (whole, first) = (make(changed={"canary": canary}) for canary in (False, True))
    assert (whole["reloads"], first["reloads"]) == (4, 2)
    window = 2 * sample.OPTIONS["close_window"]
    assert first["seconds_longest"] - window == (whole["seconds_longest"] - window) / 3
    assert first["text"][-1].startswith("2 reloads of each load balancer")
    restart = make(verb="restart", version="", changed={"canary": True})
    told = "canary: it stops after the first batch; the same command without rollout_canary takes the others"
    assert told in restart["text"]


@pytest.mark.parametrize(("serial", "sizes"), [(1, [2, 1, 1]), ([1, 2], [2, 2]), ("50%", [2, 2]), (3, [3, 1])])
def test_who_was_left_half_way_is_in_the_first_batch_because_a_run_holds_its_batch_only(
    serial: t.Any, sizes: list[int]
) -> None:
    members = [sample.member(number) for number in (1, 2, 3, 4)]
    found = make(
        members=members,
        holds={name: [sample.ours()] for name in ("backend3", "backend4")},
        changed={"serial": serial},
    )
    assert found["batches"][0][:2] == ["backend3", "backend4"]
    assert (found["serial"], found["warnings"]) == (sizes, [])


def test_a_server_that_is_down_by_hand_in_a_file_of_others_does_not_serve() -> None:
    members = [sample.member(number) for number in (1, 2, 3)]
    views = [sample.view("lb1", members), sample.view("lb2", members)]
    for view in views:
        view["info"]["upstreams"][0]["servers"][2]["state"] = "held"
    found = make(members=members, views=views)
    assert found["skipped"] == {"backend3": "held by by-hand (down was written by hand)"}
    assert [left["in_rotation"] for left in found["capacity"]] == [1, 1]
    (told,) = refused(members=members, views=[sample.view("lb1", members), views[1]])
    assert told.startswith("the load balancers disagree about backend3: on lb1 in rotation; on lb2 held by by-hand")


def test_a_flag_from_the_command_line_is_a_text() -> None:
    assert make(changed={"canary": "true"})["stops_after_first_batch"] is True
    assert make(changed={"canary": "false"})["stops_after_first_batch"] is False


def test_the_longest_duration_adds_up_every_wait() -> None:
    waits = {"close_window": 1, "drain_timeout": 10, "healthy_deadline": 100, "min_healthy_time": 5, "stop_timeout": 7}
    found = make(changed={**waits, "monitor": {**sample.OPTIONS["monitor"], "seconds": 3}})
    batch = 2 * (1 + 10 + 100) + 7 + 3 + plan.OVERHEAD
    assert found["seconds_longest"] == 3 * batch + 2 * 1


def test_a_run_that_did_not_end_is_gone_on_with() -> None:
    members = [sample.member(1), sample.member(2)]
    views = [
        sample.view("lb1", members, rollout={"unfinished": "20261128-0522-ab12"}),
        sample.view("lb2", members, rollout={"unfinished": ""}),
    ]
    found = make(members=members, views=views)
    assert found["resumes"] == "20261128-0522-ab12"
    assert "run 20261128-0522-ab12 did not come to its end; this one goes on from there" in found["text"]


# The other verbs.


def test_a_rollback_goes_to_the_release_before_or_to_the_one_that_is_named() -> None:
    back = make(verb="rollback", version="")
    assert {host["to"] for host in back["hosts"].values()} == {"0.9.0"}
    assert back["text"][0].startswith("rollback on backends: 3 hosts")
    named = make(verb="rollback", version="0.9.0")
    assert named["text"][0].startswith("rollback of 0.9.0 on backends: 3 hosts")


def test_a_deploy_that_was_killed_after_its_switch_goes_back_to_what_ran_before() -> None:
    half_way = fleet(sample.member(1, current="1.4.2", previous="1.0.0", running="1.4.2"), sample.member(2))
    held = make(members=half_way, holds={"backend1": [sample.ours()]})
    assert {name: host["back"] for name, host in held["hosts"].items()} == {"backend1": "1.0.0", "backend2": "1.0.0"}
    # One that nobody left half-way runs what it is to run, and so it does after a restart.
    assert make(members=half_way)["hosts"]["backend1"]["back"] == "1.4.2"
    again = make(verb="restart", version="", members=half_way, holds={"backend1": [sample.ours()]})
    assert again["hosts"]["backend1"]["back"] == "1.4.2"


BEFORE_SWITCH: dict[str, t.Any] = {"current": "1.0.0", "previous": "0.9.0", "running": "1.0.0"}
SWITCHED: dict[str, t.Any] = {"current": "2.0.0", "previous": "1.0.0", "running": "1.0.0"}


@pytest.mark.parametrize(
    ("release", "reason", "back"),
    [
        (BEFORE_SWITCH, "deploy of 2.0.0", "1.0.0"),
        ({**BEFORE_SWITCH, "previous": "1.0.0"}, "deploy of 2.0.0", "1.0.0"),
        (SWITCHED, "deploy of 2.0.0", "1.0.0"),
        ({**SWITCHED, "running": "2.0.0"}, "deploy of 2.0.0", "1.0.0"),
        ({**SWITCHED, "running": "", "active": "failed"}, "deploy of 2.0.0", "1.0.0"),
        # It goes back already.
        ({**BEFORE_SWITCH, "running": "2.0.0"}, "deploy of 2.0.0", "1.0.0"),
        # The same letters at the beginning are another version.
        ({**BEFORE_SWITCH, "current": "2.0"}, "deploy of 2.0.0", "2.0"),
        (BEFORE_SWITCH, "restart", "1.0.0"),
        ({**SWITCHED, "current": "0.9.0"}, "rollback", "0.9.0"),
        ({**SWITCHED, "current": "0.9.0"}, "rollback of 0.9.0", "0.9.0"),
        # The first deploy has none before it.
        ({**SWITCHED, "previous": ""}, "deploy of 2.0.0", "2.0.0"),
    ],
)
@pytest.mark.parametrize("version", ["2.0.0", "3.0.0"])
def test_a_host_that_was_left_half_way_goes_back_to_what_has_served_whatever_comes(
    version: str, release: dict[str, t.Any], reason: str, back: str
) -> None:
    held = {"backend1": [sample.hold(sample.OWNER, f"{reason}, run 20261128-0522-ab12")]}
    members = fleet(sample.member(1, **release), sample.member(2))
    assert make(members=members, holds=held, version=version)["hosts"]["backend1"]["back"] == back


def test_a_hold_that_does_not_say_what_it_is_for_leaves_the_release_that_has_served_for_certain() -> None:
    members = fleet(sample.member(1, **SWITCHED), sample.member(2))
    held = {"backend1": [sample.hold(sample.OWNER, "by hand")]}
    assert make(members=members, holds=held, version="3.0.0")["hosts"]["backend1"]["back"] == "1.0.0"


def test_load_balancers_that_were_told_by_different_runs_are_believed_both() -> None:
    members = fleet(sample.member(1, **SWITCHED), sample.member(2))
    reasons = ("deploy of 2.0.0, run 20261128-0522-ab12", "deploy of 3.0.0, run 20261128-0622-cd34")
    views = [
        sample.view(name, members, {"backend1": [sample.hold(sample.OWNER, reason)]})
        for name, reason in zip(("lb1", "lb2"), reasons, strict=True)
    ]
    assert make(members=members, views=views, version="3.0.0")["hosts"]["backend1"]["back"] == "1.0.0"


def test_a_rollback_to_different_releases_is_refused() -> None:
    # As after one that has stopped: who went back already would go forward again.
    told = refused(
        verb="rollback", version="", members=fleet(sample.member(1, **NEW, complete=["1.0.0"]), sample.member(2))
    )
    assert told == [
        "the hosts go back to different releases: backend1 to 1.0.0, backend2 to 0.9.0; "
        "name the one that is meant: -e release_version=VERSION"
    ]


def test_a_rollback_that_stops_is_given_again_with_the_release_that_was_meant() -> None:
    found = make(verb="rollback", version="")
    assert (found["version"], found["back_to"]) == ("", "0.9.0")
    assert words.command(found) == "ansible-playbook rollback.yml -e release_version=0.9.0"
    assert make()["back_to"] == ""


def test_a_rollback_needs_a_release_that_is_still_there() -> None:
    (told,) = refused(verb="rollback", version="", members=fleet(sample.member(1, previous=""), sample.member(2)))
    assert told == "backend1 has no release before 1.0.0 to go back to; name one: -e release_version=VERSION"
    told, _other = refused(verb="rollback", version="0.1.0", members=fleet(sample.member(1), sample.member(2)))
    assert told == "backend1 does not have the release 0.1.0 any more; it has 0.9.0, 1.0.0; deploy it"


@pytest.mark.parametrize("holds", [{}, {"backend1": [sample.ours()]}], ids=["free", "held"])
@pytest.mark.parametrize("state", [{}, {"running": "", "active": "failed"}], ids=["runs", "failed"])
def test_a_rollback_to_the_release_that_runs_is_no_rollback(state: dict[str, t.Any], holds: dict[str, t.Any]) -> None:
    members = fleet(sample.member(1, previous="1.0.0", **state))
    asked: dict[str, t.Any] = {"verb": "rollback", "members": members, "holds": holds, "changed": {"min_healthy": 0}}
    assert refused(**asked, version="") == [
        "backend1: previous is the release that runs (1.0.0); name the one that is meant: "
        "-e release_version=VERSION, it has 0.9.0"
    ]
    assert make(**asked, version="0.9.0")["order"] == ["backend1"]


def test_a_rollback_ends_the_way_back_of_a_run_that_was_killed_on_it() -> None:
    switched = sample.member(2, current="1.4.2", previous="1.0.0", complete=["1.0.0", "1.4.2"])
    members = fleet(sample.member(1, previous="1.0.0", running="1.4.2"), switched)
    assert make(verb="rollback", version="", members=members)["order"] == ["backend1", "backend2"]


def test_a_restart_takes_everybody_or_who_is_marked_or_left_half_way() -> None:
    members = fleet(sample.member(1), sample.member(2, restart_due=True), sample.member(3), sample.member(4))
    everybody = make(verb="restart", version="", members=members)
    assert everybody["order"] == ["backend1", "backend2", "backend3", "backend4"]
    assert everybody["text"][1] == "batch 1 of 4: backend1 1.0.0; 3 of 4 stay in rotation"
    marked = make(verb="restart", version="", members=members, only_marked=True, holds={"backend4": [sample.ours()]})
    assert marked["order"] == ["backend4", "backend2"]
    assert "nothing to do on backend1, backend3: no restart is due" in marked["text"]
    assert make(verb="restart", version="", changed={"canary": True})["stops_after_first_batch"] is True


# What speaks against it.


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
    assert refused(members=members, holds={"backend2": [sample.ours(), sample.hold()]}) == []


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


# What is true of every plan.

VERSIONS = st.sampled_from(["0.9.0", "1.0.0", "1.4.2"])
RELEASES = st.builds(
    sample.release,
    current=VERSIONS,
    running=VERSIONS,
    previous=st.sampled_from(["", "0.9.0"]),
    active=st.sampled_from(["active", "failed"]),
    restart_due=st.booleans(),
)
SOME = st.sets(st.integers(1, 6))


@st.composite
def wild(draw: st.DrawFn) -> dict[str, t.Any]:
    """Return any request: load balancers may disagree, be gone, and have locks."""
    members = [
        sample.member(number, draw(st.booleans()), draw(st.booleans()), release=draw(RELEASES | st.just({})))
        for number in range(1, draw(st.integers(1, 6)) + 1)
    ]
    foreign, left = draw(SOME), draw(SOME)

    def one_view(name: str) -> dict[str, t.Any]:
        if draw(st.integers(0, 5)) == 0:
            return sample.unreachable(name)
        ill = [f"backend{number}" for number in draw(SOME)]
        run = draw(st.sampled_from(["", "20261128-0522-ab12", "20261128-0622-cd34"]))
        rollout = {"unfinished": run, "lock": draw(st.sampled_from([{}, sample.LOCK]))}
        live = draw(st.sampled_from(["same", "same", "same", "different", "stopped"]))
        known = draw(st.sampled_from([members, members, members[1:]]))
        return sample.view(name, known, holds(foreign, left), ill, live, rollout=rollout)

    return sample.request(
        members=members,
        views=[one_view(name) for name in draw(st.sampled_from([["lb1"], ["lb1", "lb2"], ["lb1", "lb2", "lb3"]]))],
        changed={
            "serial": draw(SHARE | st.lists(SHARE, min_size=1, max_size=3)),
            "min_healthy": draw(SHARE),
            "canary": draw(st.booleans()),
        },
        **draw(WANTED),
    )


@st.composite
def calm(draw: st.DrawFn) -> dict[str, t.Any]:
    """Return a request that little speaks against: some are held or unhealthy, and all load balancers agree."""
    members = [
        sample.member(number, draw(st.integers(0, 4)) == 0, draw(st.integers(0, 4)) > 0, release=draw(RELEASES))
        for number in range(1, draw(st.integers(2, 8)) + 1)
    ]
    few = st.sets(st.integers(1, 8), max_size=2)
    left = {number for number in draw(few) if number <= len(members) and members[number - 1]["selected"]}
    return sample.request(
        members=members,
        holds=holds(draw(few), left),
        unhealthy=[f"backend{number}" for number in draw(few)],
        changed={
            "serial": draw(SIZE | st.lists(SIZE, min_size=1, max_size=3)),
            "min_healthy": draw(st.integers(0, 2)),
            "canary": draw(st.booleans()),
        },
        **{**draw(WANTED), "verb": draw(st.sampled_from(["deploy", "restart"])), "version": "1.4.2"},
    )


def holds(foreign: set[int], left: set[int]) -> dict[str, list[dict[str, t.Any]]]:
    return {
        f"backend{number}": [sample.hold()] * (number in foreign) + [sample.ours()] * (number in left)
        for number in foreign | left
    }


SIZE = st.integers(1, 9) | st.integers(1, 100).map(lambda number: f"{number}%")
SHARE = SIZE | st.just(0) | st.just("0%")
WANTED: st.SearchStrategy[dict[str, t.Any]] = st.fixed_dictionaries(
    {
        "verb": st.sampled_from(["deploy", "rollback", "restart"]),
        "version": st.sampled_from(["", "1.4.2"]),
        "only_marked": st.booleans(),
        "gone": st.sampled_from([[], ["20261128-0522-ab12"]]),
    }
)
ANY = wild() | calm()


@given(ANY)
def test_a_plan_that_nothing_speaks_against_rolls_each_host_once_and_leaves_enough(request: dict[str, t.Any]) -> None:
    found = plan.make(request)
    flat = [name for batch in found["batches"] for name in batch]
    assert flat == found["order"][: len(flat)]
    assert len(set(flat)) == len(flat)
    assert all(left["in_rotation"] >= found["min_healthy"] for left in found["capacity"])
    assert len(found["capacity"]) == len(found["batches"])
    assert not found["batches"] or set(found["held"]) & set(flat) <= set(found["batches"][0])
    assert found["reloads"] == (min(len(found["batches"]), 1 if found["stops_after_first_batch"] else 99) + 1) * bool(
        flat
    )
    if not found["findings"]:
        assert flat == found["order"]
        assert found["serial"] == [len(batch) for batch in found["batches"]] or not flat
        selected = {member["name"] for member in request["members"] if member["selected"]}
        parts = [found["order"], list(found["skipped"]), found["unchanged"]]
        assert sorted(name for part in parts for name in part) == sorted(selected), "each is in exactly one part"


@given(ANY, st.randoms())
def test_a_plan_does_not_depend_on_who_was_asked_first(request: dict[str, t.Any], random: t.Any) -> None:
    shuffled = list(request["load_balancers"])
    random.shuffle(shuffled)
    assert plan.make({**request, "load_balancers": shuffled}) == plan.make(request)


@given(ANY)
def test_the_text_is_all_that_changes_when_load_balancers_have_other_names(request: dict[str, t.Any]) -> None:
    names = {view["name"]: f"z{9 - number}" for number, view in enumerate(request["load_balancers"])}
    renamed = [{**view, "name": names[view["name"]]} for view in request["load_balancers"]]
    texts = ("findings", "warnings", "text")
    before, after = (plan.make({**request, "load_balancers": views}) for views in (request["load_balancers"], renamed))
    assert {key: value for key, value in before.items() if key not in (*texts, "skipped")} == {
        key: value for key, value in after.items() if key not in (*texts, "skipped")
    }
    assert list(before["skipped"]) == list(after["skipped"])
    assert len(before["findings"]) == len(after["findings"])


@given(ANY)
def test_each_finding_says_what_to_do(request: dict[str, t.Any]) -> None:
    remedies = (
        *("bring it back", "bring one back", "start it", "site.yml", "undrain.yml", "unlock.yml", "--limit"),
        *("deploy it", "release_version=", "rollout_min_healthy=0", "Mend it first"),
    )
    for told in plan.make(request)["findings"]:
        allowed = told.startswith("rollout_") and " is not a " in told
        assert allowed or any(remedy in told for remedy in remedies), told


@given(ANY)
def test_each_finding_names_what_it_is_about(request: dict[str, t.Any]) -> None:
    subjects = [
        *(member["name"] for member in request["members"]),
        *(view["name"] for view in request["load_balancers"]),
        f"the group {request['name']} ",
        "rollout_",
    ]
    found = plan.make(request)
    for told in [*found["findings"], *found["warnings"]]:
        assert any(subject in told for subject in subjects) or told.startswith("run 2026"), told

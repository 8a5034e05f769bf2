"""The plan of a rollout."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import plan, words
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout.plans import fleet, make, refused

NEW: dict[str, t.Any] = {"current": "1.4.2", "previous": "1.0.0"}


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

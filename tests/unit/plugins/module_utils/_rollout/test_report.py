"""What happened in a rollout, as rollout.json says it."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.report import summary
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import report_sample as sample
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout.report_sample import event, plan, request

LIMIT = "-l backend1,backend2,backend3"


def outcomes(*results: str, text: str = "") -> dict[str, dict[str, str]]:
    """Return an outcome for each backend; the text is of those that did not end well."""
    return {
        host: {"outcome": result, "text": "" if result == "ok" else text}
        for host, result in zip(sample.BACKENDS, results, strict=True)
    }


def test_a_deploy_without_trouble_has_succeeded() -> None:
    told = summary(request())
    assert (told["outcome"], told["rc"]) == ("succeeded", 0)
    assert told["message"] == (
        "backends: deploy of 1.4.2 succeeded on 3 hosts, 100 s: 12,062 requests seen, 0 failed, 0 retried"
    )
    assert told["next"] == [f"To go back: ansible-playbook rollback.yml {LIMIT}"]
    assert json.loads(json.dumps(told)) == told


def test_each_host_has_its_times_and_the_seconds_of_each_step() -> None:
    host = summary(request())["hosts"]["backend2"]
    begin = sample.START + sample.begin_of(2)
    assert host["times"] == {
        "held": begin + 1.5,
        "drained": begin + 7.1,
        "switched": begin + 17.6,
        "started": begin + 19.8,
        "healthy": begin + 23.4,
        "released": begin + 27.5,
    }
    took = {name: value for name, value in host["seconds"].items() if value}
    assert took == {"drain": 5.6, "wait": 10.5, "restart": 2.2, "check": 3.6, "ready": 4.1, "held": 26.0}
    assert (host["from"], host["to"], host["now"], host["batch"]) == ("1.0.0", "1.4.2", "1.4.2", 2)
    assert [part["version"] for part in host["serving"]] == ["1.0.0", "1.4.2"]


def test_without_the_event_of_the_switch_drained_to_healthy_is_the_restart() -> None:
    found = [entry for entry in sample.events() if entry["event"] not in ("switched", "started")]
    took = summary(request(events=found))["hosts"]["backend1"]["seconds"]
    assert (took["wait"], took["restart"], took["check"]) == (0.0, 16.3, 0.0)


def test_a_way_back_in_a_later_turn_is_a_restart_and_no_wait() -> None:
    again = (("held", 70), ("drained", 72), ("started", 78), ("healthy", 80), ("reverted", 80), ("released", 85))
    found = [*sample.events(["backend1"]), *(event(name, at, "backend1", 1) for name, at in again)]
    host = summary(request(events=found))["hosts"]["backend1"]
    second = [part["kind"] for part in host["segments"] if part["turn"] == 2]
    assert second == ["drain", "restart", "check", "ready"]
    took = host["seconds"]
    assert (took["wait"], took["restart"], took["check"]) == (10.5, 2.2 + 6.0, 3.6 + 2.0)


def test_a_failure_without_the_event_of_the_switch_comes_after_a_restart() -> None:
    turn = (("held", 10), ("drained", 12), ("failed", 30), ("started", 34), ("healthy", 36), ("released", 40))
    found = [event(name, at, "backend1", 1) for name, at in turn]
    took = summary(request(events=found, outcomes={}))["hosts"]["backend1"]["seconds"]
    assert (took["wait"], took["restart"], took["back"], took["ready"]) == (0.0, 18.0, 6.0, 4.0)


def test_a_host_that_was_never_touched_only_waited() -> None:
    found = [event(name, at, "backend1", 1) for name, at in (("held", 10), ("drained", 12), ("released", 30))]
    took = summary(request(events=found, outcomes={}))["hosts"]["backend1"]["seconds"]
    assert (took["drain"], took["wait"], took["restart"]) == (2.0, 18.0, 0.0)


def test_numbers_that_jinja_has_made_texts_are_numbers() -> None:
    found = [{**entry, "at": str(entry["at"]), "batch": str(entry["batch"])} for entry in sample.events()]
    texts = request(events=found, started=str(sample.START), finished=str(sample.START + 100))
    assert summary(texts) == summary(request())


def test_a_release_that_is_not_healthy_pauses_the_rollout() -> None:
    told = summary(sample.bad_release())
    assert (told["outcome"], told["rc"]) == ("paused", 2)
    assert told["message"].startswith("backends: deploy of 1.4.2 stopped: backend2: Wait until this host is healthy")
    assert told["message"].endswith("Done: backend1; back on the release before: backend2; not touched: backend3")
    assert told["next"] == [
        "When the cause is removed, go on: ansible-playbook deploy.yml -e release_version=1.4.2",
        "Or take back what is done: ansible-playbook rollback.yml -l backend1",
    ]
    host = told["hosts"]["backend2"]
    assert (host["now"], host["seconds"]["back"], host["seconds"]["ready"]) == ("1.0.0", 4.0, 3.0)
    assert [part["version"] for part in host["serving"]] == ["1.0.0", "1.0.0"]


def test_a_host_that_stays_out_is_a_failure_and_its_version_is_not_known() -> None:
    told = summary(request(outcomes=outcomes("ok", "stuck", "not_reached", text="neither answers\nat all"), stop="x"))
    assert (told["outcome"], told["rc"], told["hosts"]["backend2"]["now"]) == ("failed", 2, "")
    assert told["next"] == [
        "backend2 gets no requests. Find out why it is not healthy, repair it, and go on: "
        "ansible-playbook deploy.yml -e release_version=1.4.2",
        "Or, once it is healthy, only put it back: "
        "ansible-playbook undrain.yml -l backend2 -e rotation_owner=rollout-backends",
        "What runs on the others can be taken back: ansible-playbook rollback.yml -l backend1",
        "See where everything is: ansible-playbook status.yml",
    ]


def test_the_commands_for_a_host_of_another_group_name_the_group() -> None:
    told = summary(request(plan=plan(name="web"), outcomes=outcomes("stuck", "not_reached", "not_reached"), stop="x"))
    assert any("ansible-playbook undrain.yml -e rollout_group=web -l backend1 -e " in line for line in told["next"])


def test_what_still_is_held_has_no_time_of_release() -> None:
    found = [event("held", 10, "backend1", 1), event("drained", 12, "backend1", 1), event("stuck", 40, "backend1", 1)]
    host = summary(request(events=found, outcomes=outcomes("stuck", "not_reached", "not_reached")))["hosts"]["backend1"]
    assert (host["times"]["released"], host["still_held"]) == (None, True)
    assert (host["seconds"]["stuck"], host["seconds"]["held"]) == (60.0, 90.0)


def test_a_host_that_does_well_and_is_held_all_the_same_is_named() -> None:
    found = [*sample.events(["backend1"]), event("held", 70, "backend1", 1)]
    told = summary(request(events=found, outcomes=outcomes("ok", "not_reached", "not_reached"), stop="lost its lock"))
    assert told["message"].endswith("Done: backend1; not touched: backend2, backend3; still held: backend1")


def test_a_host_that_an_earlier_run_has_left_out_and_this_one_not_reached_is_named() -> None:
    hosts = plan()["hosts"]
    held = {**hosts, "backend1": {**hosts["backend1"], "why_first": "held by an earlier rollout"}}
    results = outcomes("not_reached", "not_reached", "not_reached")
    told = summary(request(plan=plan(hosts=held), events=[], outcomes=results, stop="disk full"))
    assert told["message"].endswith("Not touched: backend1, backend2, backend3; still held: backend1")
    (undrain,) = [line for line in told["next"] if "undrain.yml" in line]
    assert undrain == (
        "Or, where it is healthy, only put back what an earlier run has left out: "
        "ansible-playbook undrain.yml -l backend1 -e rotation_owner=rollout-backends"
    )


def test_a_host_goes_back_to_what_has_served_and_not_to_what_a_killed_run_left() -> None:
    hosts = plan()["hosts"]
    killed = {**hosts, "backend1": {**hosts["backend1"], "from": "1.4.2", "back": "1.0.0"}}
    results = outcomes("reverted", "not_reached", "not_reached", text="status 500")
    turn = (("held", 0), ("switched", 5), ("failed", 10), ("healthy", 20), ("reverted", 20), ("released", 25))
    found = [event(name, at, "backend1", 1) for name, at in turn]
    host = summary(request(plan=plan(hosts=killed), outcomes=results, events=found, stop="x"))["hosts"]["backend1"]
    assert (host["from"], host["to"], host["now"]) == ("1.4.2", "1.4.2", "1.0.0")
    assert [part["version"] for part in host["serving"]][-1] == "1.0.0"


def test_hosts_that_were_rolled_back_are_held_twice() -> None:
    again = [event(name, at, "backend1", 1) for name, at in (("held", 70), ("drained", 72), ("healthy", 80))]
    found = [*sample.events(["backend1"]), *again, event("released", 85, "backend1", 1)]
    results = outcomes("reverted", "reverted", "not_reached", text="status 500")
    told = summary(request(events=found, outcomes=results, stop="backend2: status 500", rolled_back=["backend1"]))
    assert told["outcome"] == "rolled_back"
    assert told["message"].startswith(
        "backends: deploy of 1.4.2 was rolled back on backend1: backend2: status 500. Back on"
    )
    host = told["hosts"]["backend1"]
    assert [part["version"] for part in host["serving"]] == ["1.0.0", "1.4.2", "1.0.0"]
    assert {part["turn"] for part in host["segments"]} == {1, 2}
    assert host["seconds"]["held"] == 41.0


def test_what_was_to_be_rolled_back_and_was_not_is_a_failure() -> None:
    told = summary(request(outcomes=outcomes("ok", "reverted", "not_reached"), stop="x", rolled_back=["backend1"]))
    assert told["outcome"] == "failed"


def test_a_host_that_an_earlier_run_has_held_is_held_from_the_start() -> None:
    resumed = plan()
    resumed["hosts"]["backend1"]["why_first"] = "held by an earlier rollout"
    found = [entry for entry in sample.events() if (entry["host"], entry["event"]) != ("backend1", "held")]
    host = summary(request(plan=resumed, events=found))["hosts"]["backend1"]
    assert host["segments"][0] == {"kind": "wait", "start": sample.START, "end": sample.START + 29.6, "turn": 1}


def test_a_canary_that_did_well_is_a_good_end() -> None:
    first = plan(stops_after_first_batch=True)
    told = summary(request(plan=first, outcomes=outcomes("ok", "not_reached", "not_reached")))
    assert (told["outcome"], told["rc"]) == ("canary", 0)
    assert told["message"].startswith("backends: deploy of 1.4.2 is on backend1 (canary) and 2 hosts wait, 100 s:")
    assert told["next"] == [
        "Go on with the others: ansible-playbook deploy.yml -e release_version=1.4.2",
        "Or go back: ansible-playbook rollback.yml -l backend1",
    ]


def test_a_rollout_that_did_not_reach_every_host_is_paused() -> None:
    told = summary(request(outcomes=sample.ok(["backend1"])))
    assert (told["outcome"], told["rc"]) == ("paused", 2)
    assert "stopped: not every host was reached. Done: backend1; not touched: backend2, backend3" in told["message"]


def test_a_plan_with_findings_was_refused() -> None:
    told = summary(request(plan=plan(findings=["lb2: unreachable\nno route", "release_version: ''"]), outcomes={}))
    assert (told["outcome"], told["rc"]) == ("refused", 2)
    assert told["message"] == (
        "backends: deploy of 1.4.2 was refused, nothing was changed: lb2: unreachable (and 1 more)"
    )
    assert told["next"][0] == "release_version: ''"


def test_nothing_to_do_is_no_failure() -> None:
    told = summary(request(plan=plan([], unchanged=["backend1"], skipped={"backend2": "held by ops"}), outcomes={}))
    assert (told["outcome"], told["rc"], told["next"]) == ("nothing_to_do", 0, [])
    assert told["message"] == "backends: nothing to do: backend1 needs no deploy; left alone: backend2"


def test_a_load_balancer_that_could_not_be_told_is_a_failure_and_named() -> None:
    told = summary(request(lbs_left={"lb2": "no route to host"}))
    assert told["outcome"] == "failed"
    assert "failed: lb2 could not be told: no route to host. Done:" in told["message"]
    assert "lb2 could not be told: no route to host" in told["notes"]
    assert told["next"][0].startswith("lb2 may still send requests as before (no route to host). When it can be told")


def test_what_such_a_load_balancer_holds_is_named() -> None:
    told = summary(request(lbs_left={"lb2": "nginx refuses it."}, lbs_hold={"lb1": [], "lb2": ["backend1"]}))
    assert told["lbs_hold"] == {"lb2": ["backend1"]}
    assert told["next"][0].startswith("lb2 still holds backend1 (nginx refuses it). When it can be told again: ")


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"verb": "restart", "version": ""}, "ansible-playbook restart.yml"),
        ({"verb": "rollback", "version": ""}, "ansible-playbook rollback.yml"),
        ({"verb": "rollback"}, "ansible-playbook rollback.yml -e release_version=1.4.2"),
        ({"verb": "rollback", "version": "", "back_to": "1.0"}, "ansible-playbook rollback.yml -e release_version=1.0"),
        ({"name": "frontends"}, "ansible-playbook deploy.yml -e release_version=1.4.2 -e rollout_group=frontends"),
    ],
)
def test_the_command_to_go_on_is_exact(changes: dict[str, t.Any], command: str) -> None:
    told = summary(request(plan=plan(**changes), outcomes=sample.ok(["backend1"]), stop="x"))
    assert told["next"][0] == f"When the cause is removed, go on: {command}"


def test_each_command_repeats_what_was_given_for_the_rollout() -> None:
    extra = {"rollout_canary": "rollout_canary=true", "rollout_serial": "rollout_serial=2"}
    first = plan(stops_after_first_batch=True, extra_vars=extra)
    some = outcomes("ok", "not_reached", "not_reached")
    assert summary(request(plan=first, outcomes=some))["next"] == [
        "Go on with the others: ansible-playbook deploy.yml -e release_version=1.4.2 -e rollout_canary=true "
        "-e rollout_serial=2",
        "Or go back: ansible-playbook rollback.yml -e rollout_serial=2 -l backend1",
    ]
    # With the canary a restart would begin again.
    assert summary(request(plan={**first, "verb": "restart"}, outcomes=some))["next"] == [
        "Go on with the others: ansible-playbook restart.yml -e rollout_serial=2",
    ]
    told = summary(request(plan=first, outcomes=outcomes("stuck", "not_reached", "not_reached"), stop="x"))
    assert told["next"][-1] == "See where everything is: ansible-playbook status.yml -e rollout_serial=2"


def test_to_go_back_takes_what_an_earlier_run_has_brought_as_well_and_names_the_release() -> None:
    rest = plan(unchanged=["backend9"])
    back, named = "To go back: ansible-playbook rollback.yml", "-e release_version=1.0.0"
    assert summary(request(plan=rest))["next"] == [f"{back} {named}"]
    limited = plan(unchanged=["backend9"], not_selected=["backend8"])
    assert summary(request(plan=limited))["next"] == [f"{back} {LIMIT},backend9 {named}"]


def test_a_host_that_had_the_release_before_is_not_sent_further_back() -> None:
    again = plan()
    for host in again["hosts"].values():
        host.update({"from": "1.4.2", "to": "1.4.2", "back": "1.4.2"})
    assert summary(request(plan=again))["next"] == []
    again["hosts"]["backend2"].update({"from": "1.0.0", "back": "1.0.0"})
    assert summary(request(plan=again))["next"] == ["To go back: ansible-playbook rollback.yml -l backend2"]


def test_a_run_for_some_hosts_goes_on_for_these() -> None:
    told = summary(request(plan=plan(not_selected=["backend9"]), outcomes=sample.ok(["backend1"]), stop="x"))
    assert told["next"][0].endswith(f"release_version=1.4.2 -l {','.join(sample.BACKENDS)}")


def test_requests_of_all_load_balancers_are_added_up_by_the_clock_of_the_controller() -> None:
    logs = [
        sample.log("lb1", [(5, "backend1", "1.0.0", 10, 1, 0), (6, "", "", 2, 2, 0)], offset=0.4),
        sample.log("lb2", [(5, "backend1", "1.0.0", 30, 0, 2), (6, "backend2", "1.4.2", 4, 0, 0)], offset=-600.0),
    ]
    told = summary(request(logs=logs))
    seen = told["requests"]
    assert (seen["seen"], seen["failed"], seen["retried"]) == (46, 3, 2)
    assert [(row["version"], row["requests"], row["failed"]) for row in seen["by_version"]] == [
        ("", 2, 2),
        ("1.0.0", 40, 1),
        ("1.4.2", 4, 0),
    ]
    assert [(row["host"], row["requests"], row["attempts"], row["failed_attempts"]) for row in seen["by_address"]] == [
        ("", 2, 2, 2),
        ("backend1", 40, 40, 1),
        ("backend2", 4, 4, 0),
    ]
    assert [(row["at"] - sample.START, row["host"], row["requests"]) for row in told["series"]] == [
        (5, "backend1", 40),
        (6, "", 2),
        (6, "backend2", 4),
    ]


def test_a_load_balancer_that_was_read_in_parts_is_one() -> None:
    logs = [
        sample.log("lb1", [(5, "backend1", "1.0.0", 10, 0, 0)]),
        sample.log("lb1", [(9, "backend1", "1.0.0", 5, 0, 0)]),
    ]
    seen = summary(request(logs=logs))["requests"]
    assert [(row["lb"], row["requests"]) for row in seen["by_load_balancer"]] == [("lb1", 15)]


WARNING = "with close_window 5 s clients that idle longer may lose a connection"


@pytest.mark.parametrize(
    ("idle", "told"),
    [
        (0, "clients: 0 idle at the 2 reloads (lb1 0, lb2 0)"),
        (1, f"{WARNING}: 2 idle at the 2 reloads (lb1 1, lb2 1)"),
    ],
)
def test_idle_clients_are_never_left_out(idle: int, told: str) -> None:
    found = summary(request(reloads=[sample.reload("lb1", 5, idle), sample.reload("lb2", 6, idle)]))
    assert found["idle_clients"] == 2 * idle
    assert found["notes"][0] == told


@pytest.mark.parametrize(
    ("announcing", "limit"), [([], "keepalive_min_timeout"), (["lb1"], "close_window 0 s")], ids=["by itself", "not"]
)
def test_idle_clients_are_told_what_limits_them(announcing: list[str], limit: str) -> None:
    reloads = [{**sample.reload("lb1", 5), "window": 0.0}]
    told = summary(request(plan={**sample.plan(), "announcing": announcing}, reloads=reloads))["notes"][0]
    assert told.startswith(f"with {limit} clients that idle longer may lose a connection: 3 idle")


def test_what_was_cut_and_what_could_not_be_read_is_noted() -> None:
    log = {**sample.log("lb1", []), "unreadable": 1}
    cut = [{"host": "backend1", "lb": "lb1", "sockets": 2, "text": "2 connections through lb1 outlived the drain"}]
    told = summary(request(cut=cut, logs=[log]))
    assert told["notes"][1:] == [
        "cut: backend1: 2 connections through lb1 outlived the drain",
        "1 line of the access logs could not be read, and count for nothing",
        "no access log was read from lb2: its requests are missing in the figures",
    ]
    assert told["hosts"]["backend1"]["sockets"] == {"waited": None, "cut": 2}


def test_connections_that_were_waited_for_are_added_up() -> None:
    found = [event("held", 10, "backend1", 1), event("drained", 12, "backend1", 1, sockets=3)]
    assert summary(request(events=found))["hosts"]["backend1"]["sockets"]["waited"] == 3


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        summary({"plan": None, "started": "soon", "outcomes": {"a": {"outcome": "fine"}}, "events": [{"event": "X"}]})
    assert [finding.path for finding in caught.value.findings] == [
        "plan",
        "started",
        "finished",
        "outcomes.a.outcome",
        "events[0].event",
        "events[0].at",
    ]

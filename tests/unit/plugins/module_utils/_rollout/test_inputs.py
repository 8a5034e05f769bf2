"""From what Ansible has gathered to what the plan and the report are made of."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import inputs, plan
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample
from hypothesis import given
from hypothesis import strategies as st

HOSTVARS: dict[str, dict[str, t.Any]] = {
    "backend1": {"ansible_host": "10.0.0.1", inputs.RELEASE_FACT: {"current": "1.0.0"}},
    "backend2": {"ansible_host": "10.0.0.2", "upstream_port": 5002, "upstream_backup": True},
    "backend3": {"ansible_host": "2001:db8::3", inputs.RELEASE_FACT: None},
}
AWAY = {"unreachable": True, "msg": "no route to host\nsecond line"}
READ = {
    "position": {"inode": 1, "offset": 2},
    "total": {"requests": 1, "failed": 0, "retried": 0},
    "servers": [],
    "seconds": [],
    "lines": 1,
    "unreadable": 0,
}
PLAN = {"hosts": {"backend1": {"batch": 1}, "backend2": {"batch": 2}}}


# Members.


def test_a_member_has_its_address_its_release_and_what_is_asked_for_its_health() -> None:
    found = inputs.members(list(HOSTVARS), HOSTVARS, 5000, ["backend1", "backend3"])
    assert [one["address"] for one in found] == ["10.0.0.1:5000", "10.0.0.2:5002", "[2001:db8::3]:5000"]
    assert [one["selected"] for one in found] == [True, False, True]
    assert [one["backup"] for one in found] == [False, True, False]
    assert [one["release"] for one in found] == [{"current": "1.0.0"}, {}, {}]
    assert found[0]["target"] == {"name": "backend1", "address": "10.0.0.1:5000"}


def test_health_may_have_a_port_of_its_own() -> None:
    found = inputs.members(list(HOSTVARS), HOSTVARS, 5000, [], probe_port=8080)
    assert [one["target"]["address"] for one in found] == ["10.0.0.1:8080", "10.0.0.2:8080", "[2001:db8::3]:8080"]
    assert found[0]["address"] == "10.0.0.1:5000"


def test_everything_that_is_wrong_with_hosts_is_told_at_once() -> None:
    hostvars = {**HOSTVARS, "backend4": {"ansible_host": "name"}, "backend5": {}}
    with pytest.raises(ConfigError) as caught:
        inputs.members(list(hostvars), hostvars, 0, [])
    port, name, missing = str(caught.value).splitlines()
    assert port == "rollout_port: 0 must be a whole number from 1 to 65535"
    assert name.startswith("host backend4: ansible_host: 'name' must be an IPv4 or IPv6 address")
    assert missing.startswith("host backend5: upstream_address: None is not set")


def test_two_members_with_one_address_are_told() -> None:
    hostvars = {name: {"ansible_host": "10.0.0.1"} for name in ("backend1", "backend2")}
    with pytest.raises(ConfigError, match=r"host backend2: '10\.0\.0\.1:5000' is also the address of backend1"):
        inputs.members(list(hostvars), hostvars, 5000, [])


# What the load balancers see.


def health(*names: str) -> dict[str, t.Any]:
    return {"targets": [{"name": name, "healthy": True} for name in names]}


def test_a_view_joins_what_was_asked_of_one_load_balancer() -> None:
    info, rollout = {"live": "same"}, {"groups": {"backends": {"unfinished": "r1"}, "frontends": {}}}
    (view,) = inputs.views(["lb1"], [info], [health("backend1")], [rollout], "backends", {})
    assert view == {
        "name": "lb1",
        "reachable": True,
        "error": "",
        "info": info,
        "health": {"backend1": {"name": "backend1", "healthy": True}},
        "rollout": {"unfinished": "r1"},
        "others": [],
    }


def test_a_view_has_the_locks_of_groups_that_share_hosts() -> None:
    lock = {"run": "r2"}
    states = {"backends": {"lock": {"run": "r1"}}, "eu": {"lock": lock}, "us": {"lock": {}}, "web": {"lock": lock}}
    groups = {"backends": ["backend1", "backend2"], "eu": ["other", "backend2"], "us": ["backend1"], "web": ["web1"]}
    (view,) = inputs.views(["lb1"], [{}], [health()], [{"groups": states}], "backends", groups)
    assert view["others"] == [{"group": "eu", "shared": ["backend2"], "run": "r2"}]
    assert inputs.views(["lb1"], [{}], [health()], [{"groups": states}], "gone", groups)[0]["others"] == []


@pytest.mark.parametrize("away", [0, 1, 2])
def test_a_load_balancer_that_goes_away_meanwhile_was_not_reached(away: int) -> None:
    results: list[dict[str, t.Any]] = [{"live": "same"}, health(), {"groups": {}}]
    results[away] = AWAY
    info, asked, rollout = results
    (view,) = inputs.views(["lb1"], [info], [asked], [rollout], "backends", {})
    assert (view["reachable"], view["error"], view["info"]) == (False, AWAY["msg"], {})


def test_a_plan_is_made_of_members_and_views() -> None:
    names = ["backend1", "backend2"]
    hostvars = {
        name: {"ansible_host": f"10.0.0.{number}", inputs.RELEASE_FACT: sample.release()}
        for number, name in enumerate(names, 1)
    }
    members = inputs.members(names, hostvars, 5000, names)
    info = sample.view("lb1", members)["info"]
    views = inputs.views(["lb1", "lb2"], [info, AWAY], [health(*names), AWAY], [{"groups": {}}, AWAY], "backends", {})
    found = plan.make(sample.request(members=members, views=views))
    assert found["order"] == names
    assert [told.splitlines()[0] for told in found["findings"]] == ["lb2 cannot be reached: no route to host"]


# Changes of rotation.


def changed(reload: float = 0.0, waited: float = 0.0, drain: float = 0.0, **waiting: list[str]) -> dict[str, t.Any]:
    """Return a result of nginx_upstream_server, in seconds; without a reload nothing was changed."""
    told = {
        "performed": reload > 0,
        "idle_clients": 3,
        "window": 10,
        "waited": waited,
        "proof": "generation",
        "seconds": reload,
    }
    return {"reload": told, "drain": {"seconds": drain, "waiting": waiting}}


def test_one_load_balancer_was_changed_after_the_other() -> None:
    results = [changed(0.5, 10, 2), changed(0.25, 9, 4, backend1=["socket"])]
    found = inputs.rotated(["lb1", "lb2"], results, 1000.0)
    assert found["at"] == 996.0, "it is told when the last one had reloaded, before it waited"
    assert [(one["lb"], one["at"]) for one in found["reloads"]] == [("lb1", 1000 - 4 - 9.25 - 2), ("lb2", 996.0)]
    assert found["reloads"][0] == {
        "lb": "lb1",
        "at": 984.75,
        "idle_clients": 3,
        "window": 10,
        "waited": 10,
        "proof": "generation",
        "seconds": 0.5,
    }
    assert (found["left"], found["waiting"]) == ({}, {"lb2": {"backend1": ["socket"]}})


def test_who_could_not_be_told_is_named_with_the_first_line_of_why() -> None:
    results = [AWAY, changed(0.5), {"failed": True, "msg": "\nnginx refuses its configuration\nmore"}, {"failed": True}]
    found = inputs.rotated(["lb1", "lb2", "lb3", "lb4"], results, 1000.0)
    assert list(found["left"].items()) == [
        ("lb4", "no message"),
        ("lb3", "nginx refuses its configuration"),
        ("lb1", "no route to host"),
    ]
    assert found["away"] == ["lb1"], "the others answered, and can be unlocked"
    assert [one["lb"] for one in found["reloads"]] == ["lb2"]
    assert inputs.rotated(["lb1"], [AWAY], 1000.0)["at"] == 1000.0


def test_what_somebody_else_holds_on_any_load_balancer_is_told() -> None:
    first, last = {"held_by_others": {"10.0.0.1:80": "ops"}}, {"held_by_others": {"10.0.0.2:80": "bob (disk)"}}
    results: list[dict[str, t.Any]] = [first, AWAY, last]
    found = inputs.rotated(["lb1", "lb2", "lb3"], results, 1000.0)
    assert found["foreign"] == {"10.0.0.1:80": "ops", "10.0.0.2:80": "bob (disk)"}


def test_what_was_so_already_is_no_reload() -> None:
    nothing = {"at": 1000.0, "reloads": [], "left": {}, "away": [], "waiting": {}, "foreign": {}}
    assert inputs.rotated(["lb1"], [changed()], 1000.0) == nothing
    assert inputs.rotated(["lb1"], [{}], 1000.0)["reloads"] == []
    assert inputs.rotated([], [], 1000.0)["at"] == 1000.0


SECONDS = st.integers(1, 60)


@given(st.lists(st.tuples(SECONDS, SECONDS, SECONDS), min_size=1, max_size=4))
def test_reloads_are_told_in_the_order_in_which_they_were(each: list[tuple[int, int, int]]) -> None:
    names = [f"lb{number}" for number in range(len(each))]
    found = inputs.rotated(names, [changed(*one) for one in each], 10_000.0)
    times = [one["at"] for one in found["reloads"]]
    assert [one["lb"] for one in found["reloads"]] == names
    assert times == sorted(times)
    assert times[-1] == found["at"] == 10_000.0 - each[-1][2]
    assert times[0] == 10_000.0 - sum(map(sum, each)) + each[0][0] + each[0][1]


# Logs, what is cut, events, failures.


def test_a_log_that_could_not_be_read_is_left_out() -> None:
    failed = {"failed": True, "msg": "/var/log/nginx/access.log does not exist"}
    found = inputs.logs(["lb1", "lb2", "lb3"], [{**READ, "now": 1.0}, failed, READ], {"lb1": "0.5"})
    assert found == [{"lb": "lb1", "offset": 0.5, **READ}, {"lb": "lb3", "offset": 0.0, **READ}]


def test_what_is_cut_is_told_by_host_and_load_balancer() -> None:
    waiting = {"lb1": {"10.0.0.1:5000": ["a", "b"], "10.0.0.9:5000": ["c"]}, "lb2": {"10.0.0.1:5000": ["d"]}}
    assert inputs.cut(waiting, {"backend1": "10.0.0.1:5000"}) == [
        {"host": "backend1", "lb": "lb1", "sockets": 2, "text": "2 connections through lb1 outlived the drain"},
        {"host": "10.0.0.9:5000", "lb": "lb1", "sockets": 1, "text": "1 connection through lb1 outlived the drain"},
        {"host": "backend1", "lb": "lb2", "sockets": 1, "text": "1 connection through lb2 outlived the drain"},
    ]
    assert inputs.cut({}, {}) == []


def test_each_host_has_its_event_with_its_batch() -> None:
    assert inputs.events(["backend2", "other"], "held", PLAN, 5.0, " why \n") == [
        {"event": "held", "at": 5.0, "host": "backend2", "batch": 2, "text": "why"},
        {"event": "held", "at": 5.0, "host": "other", "batch": 0, "text": "why"},
    ]
    assert inputs.events([], "held", PLAN, 5.0) == []


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"msg": "  not\n  healthy "}, "not healthy"),
        ({"msg": "One or more", "results": [{"msg": "fine"}, {"failed": True, "msg": "bad"}]}, "bad"),
        ({"msg": "All items", "results": [{"unreachable": True, "msg": "away"}]}, "away"),
        ({"msg": "One or more", "results": [{"failed": True}]}, "One or more"),
        ({"failed": True}, "no message"),
        ({"msg": ""}, "no message"),
    ],
)
def test_a_failure_is_one_paragraph_with_the_task_and_the_first_item_that_failed(
    result: dict[str, t.Any], said: str
) -> None:
    assert inputs.failure("Ask for its health", result) == f"Ask for its health: {said}"


@given(st.none() | st.text())
def test_a_message_has_a_first_line(message: str | None) -> None:
    found = inputs.first_line(message)
    assert found
    assert len(found.splitlines()) == 1

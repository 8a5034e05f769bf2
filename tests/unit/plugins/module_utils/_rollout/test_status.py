"""The state of a group on one screen."""

from __future__ import annotations

import typing as t

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.status import lines
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import report_sample as sample

Data = dict[str, t.Any]
HOLD = {"owner": "ops", "reason": "disk swap", "since": "2026-11-28T05:00:00Z", "until": "", "overdue": False}


def member(name: str, version: str = "1.4.2", **release: t.Any) -> Data:
    """Return a backend that runs a version."""
    seen = {"current": version, "running": version, "active": "active", "unit": f"{name}.service", **release}
    return {"name": name, "address": sample.address(name), "backup": False, "selected": True, "release": seen}


def view(
    name: str, held: dict[str, list[Data]] | None = None, ill: dict[str, Data] | None = None, **changes: t.Any
) -> Data:
    """Return what a load balancer sees: these are held, these are not healthy."""
    servers = [
        {
            "address": sample.address(host),
            "comment": host,
            "state": "held" if host in (held or {}) else "enabled",
            "holds": (held or {}).get(host, []),
        }
        for host in sample.BACKENDS
    ]
    info = {
        "nginx": {"version": "1.26.3", "running": True},
        "upstreams": [{"name": "backends", "servers": servers}],
        "live": "same",
        "last_reload": {"at": "2026-11-28T05:20:00Z", "outcome": "proven"},
        "old_workers": [],
        "leftovers": [],
        **changes.pop("info", {}),
    }
    health = {
        host: {"healthy": True, "status": 200, "error": ""} | (ill or {}).get(host, {}) for host in sample.BACKENDS
    }
    return {"name": name, "reachable": True, "error": "", "info": info, "health": health, "rollout": {}, **changes}


def status(*views: Data, members: list[Data] | None = None, name: str = "backends") -> list[str]:
    """Return the screen of three backends behind these load balancers."""
    found = members or [member(host) for host in sample.BACKENDS]
    return lines({"name": name, "members": found, "load_balancers": list(views), "now": str(sample.START)})


def test_a_group_that_is_well() -> None:
    assert status(view("lb1"), view("lb2")) == [
        "backends at 2026-11-28 05:22:13 UTC: 1.4.2 on all 3 hosts",
        "",
        "host      address        release  lb1          lb2",
        "backend1  10.0.0.1:5000  1.4.2    in, healthy  in, healthy",
        "backend2  10.0.0.2:5000  1.4.2    in, healthy  in, healthy",
        "backend3  10.0.0.3:5000  1.4.2    in, healthy  in, healthy",
        "",
        "lb1: nginx 1.26.3 serves what is on its disk; last reload 2026-11-28T05:20:00Z, proven; no old workers",
        "lb2: nginx 1.26.3 serves what is on its disk; last reload 2026-11-28T05:20:00Z, proven; no old workers",
        "",
        "no lock",
        "no rollout yet",
    ]


def test_versions_that_differ_are_the_first_line() -> None:
    found = [member("backend1", "1.0.0"), member("backend2"), member("backend3")]
    assert status(view("lb1"), members=found)[0].endswith("UTC: VERSIONS DIFFER: 1.0.0 on 1, 1.4.2 on 2")


def test_a_process_that_is_not_of_the_current_release_is_told() -> None:
    found = [member("backend1", running="1.0.0"), member("backend2", running=""), member("backend3")]
    told = status(view("lb1"), members=found)
    assert told[3].split("  ")[2] == "1.0.0 (not 1.4.2)"
    assert told[0].endswith("VERSIONS DIFFER: 1.0.0 on 1, 1.4.2 on 2")


def test_holds_have_owner_reason_and_age_once_for_all_load_balancers() -> None:
    hold = {**HOLD, "age": 1333.0, "until": "2026-11-28T05:10:00Z", "overdue": True}
    held = {"backend2": [hold]}
    told = status(view("lb1", held), view("lb2", held))
    assert "backend2  10.0.0.2:5000  1.4.2    held, healthy  held, healthy" in told
    until = "until 2026-11-28T05:10:00Z, OVERDUE"
    assert [line for line in told if "is held" in line] == [
        f"backend2 is held by ops (disk swap) for 22 min 13 s, {until}"
    ]


def test_a_hold_on_one_load_balancer_only_says_so() -> None:
    held = {"backend2": [{**HOLD, "age": None, "reason": ""}, {**HOLD, "owner": "rollout-backends", "age": 4.0}]}
    told = status(view("lb1", held), view("lb2"))
    assert "backend2 is held by ops, only on lb1" in told
    assert "backend2 is held by rollout-backends (disk swap) for 4.0 s, only on lb1" in told


def test_who_is_not_healthy_is_told_with_what_was_seen() -> None:
    told = status(view("lb1", ill={"backend1": {"healthy": False, "status": 503}}), view("lb2"))
    assert "backend1  10.0.0.1:5000  1.4.2    in, UNHEALTHY  in, healthy" in told
    assert "backend1 is not healthy, asked from lb1: status 503" in told


def test_nginx_that_does_not_serve_its_disk_and_old_workers_are_told() -> None:
    workers = [{"pid": 1, "age": 5.0, "sockets": 2}, {"pid": 2, "age": 130.0, "sockets": 1}]
    told = status(view("lb1", info={"live": "different", "old_workers": workers, "leftovers": ["a temporary file"]}))
    assert (
        "lb1: nginx 1.26.3 does NOT serve what is on its disk; last reload 2026-11-28T05:20:00Z, proven; 2 old workers"
        in told
    )
    assert "  with 3 connections, the oldest for 2 min 10 s" in told
    assert "lb1: a temporary file" in told


def test_a_reload_that_is_announced_is_told() -> None:
    told = status(view("lb1", info={"announced": 42.0}), view("lb2", info={"announced": None}))
    assert any(line.startswith("lb1 has announced a reload for 42.0 s, so clients connect anew") for line in told)
    assert not any(line.startswith("lb2 has announced") for line in told)


def test_what_cannot_be_reached_is_named() -> None:
    gone = {"name": "lb2", "reachable": False, "error": "no route to host\n", "info": {}, "health": {}, "rollout": {}}
    found = [member("backend1"), {**member("backend2"), "release": {}}, {**member("backend3"), "address": "10.0.0.9:1"}]
    told = status(view("lb1"), gone, members=found)
    assert "lb2 is UNREACHABLE: no route to host" in told
    assert "backend1  10.0.0.1:5000  1.4.2    in, healthy  unreachable" in told
    assert "backend3  10.0.0.9:1     1.4.2    not there    unreachable" in told
    assert any(line.startswith("backend2 told nothing about its release") for line in told)


def test_a_host_whose_process_is_old_or_fails_is_told() -> None:
    found = [
        member("backend1", restart_due=True),
        member("backend2", active="failed"),
        {**member("backend3", restarts=1), "backup": True},
    ]
    told = status(view("lb1"), members=found)
    assert "backend1 has a configuration that is newer than its process: ansible-playbook restart.yml" in told
    assert "backend2: backend2.service is failed" in told
    assert "backend3: systemd has restarted its process 1 time" in told
    assert any("1.4.2, backup" in line for line in told)


def test_the_lock_has_who_step_and_age_and_how_to_break_it() -> None:
    lock = {"run": "X", "who": "alice", "verb": "deploy", "version": "1.4.2", "step": "drain backend2", "age": 34.0}
    told = status(view("lb1", rollout={"lock": {**lock, "seen": 9.9e9}}), view("lb2", rollout={"unfinished": "W"}))
    assert "last step 'drain backend2' 34 s ago by this host's clock" in " ".join(told).replace("   ", " ")
    assert "If that run is dead: ansible-playbook unlock.yml -e run=X" in told
    assert "lb2: run W of backends did not end, and the next one goes on from there" in told
    assert "no lock" not in told


def test_commands_for_another_group_name_it() -> None:
    found = [member("backend1", restart_due=True)]
    told = " ".join(status(view("lb1", rollout={"lock": {"run": "X", "age": 1.0}}), members=found, name="web"))
    assert "ansible-playbook unlock.yml -e rollout_group=web -e run=X" in told
    assert "ansible-playbook restart.yml -e rollout_group=web" in " ".join(told.split())


def test_the_last_rollout_is_the_newest_of_all_load_balancers() -> None:
    last = {"run": "A", "verb": "deploy", "version": "1.4.2", "who": "alice", "outcome": "rolled_back", "finished": 1e9}
    newer = {**last, "run": "B", "finished": sample.START, "message": "backends: deploy of 1.4.2 was rolled back"}
    told = status(view("lb1", rollout={"last": newer}), view("lb2", rollout={"last": last}))
    assert told[-2:] == [
        "last rollout: deploy of 1.4.2 by alice, rolled back, 2026-11-28 05:22:13 UTC, run B",
        "  backends: deploy of 1.4.2 was rolled back",
    ]

"""The operators' verbs do what was asked, or fail and say why: none ends well when it has done nothing."""

from __future__ import annotations

import json
import shutil
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.contract.pretended import LOAD_BALANCERS, Site
from tests.contract.test_inventories import ROOT, run, value

# Two load balancers on the controller, each with a directory of its own.
HERE = {
    "ansible_connection": "local",
    "ansible_python_interpreter": sys.executable,
    "ansible_become": False,
}
JOURNAL = "{}/{{{{ __rollout_lb }}}}"
GROUPS = {"load_balancers": ("lb1", "lb2"), "backends": ("app1",), "frontends": ("web1",), "custom": ("api1", "api2")}


def inventory(folder: Path, **variables: t.Any) -> Path:
    """Write an inventory of hosts that are the controller."""
    path = folder / "hosts.yml"
    hosts: dict[str, t.Any] = {group: {"hosts": dict.fromkeys(names)} for group, names in GROUPS.items()}
    hosts["all"] = {"vars": {**HERE, "rollout_journal_dir": JOURNAL.format(folder), **variables}}
    path.write_text(yaml.safe_dump(hosts))
    return path


def verb(path: Path, *words: str) -> tuple[int, str]:
    """Run a verb; words: its name, and options."""
    code, output = run("ansible-playbook", "-i", str(path), *words)
    return code, " ".join(output.split())


def lock(folder: Path, group: str, lb: str) -> Path:
    """Leave the lock of a run that is dead."""
    path = folder / lb / group / "lock.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"run": "run1", "who": "alice", "verb": "deploy", "seen": 1.0}))
    return path


@pytest.mark.parametrize("locked", [("lb1", "lb2"), ("lb2",)], ids=["on all", "on some"])
def test_unlock_breaks_the_lock_where_it_is(locked: tuple[str, ...], tmp_path: Path) -> None:
    site = Site.at(tmp_path, rollout_journal_dir=JOURNAL.format(tmp_path))
    locks = [lock(tmp_path, "frontends", lb) for lb in locked]
    code, output = site.verb("unlock", "-e", "rollout_group=frontends", "-e", "run=run1")
    assert code == 0, output
    assert not any(path.exists() for path in locks)
    # What the dead run was about to do is not done.
    assert [(tmp_path / lb / "announcement").read_text() for lb in LOAD_BALANCERS] == ["absent", "absent"]


def test_unlock_fails_where_no_load_balancer_has_the_lock(tmp_path: Path) -> None:
    site = Site.at(tmp_path, rollout_journal_dir=JOURNAL.format(tmp_path))
    left = lock(tmp_path, "frontends", "lb1")
    code, output = site.verb("unlock", "-e", "run=run1")
    assert code == 2, output
    assert "no load balancer (lb1, lb2) has a lock of run run1 for backends" in output
    assert left.exists()
    assert not (tmp_path / "lb1/announcement").exists()


@pytest.mark.parametrize("name", ["deploy", "status", "unlock", "drain", "undrain"])
def test_each_verb_looks_first_for_the_hosts_that_it_is_for(name: str) -> None:
    first, *plays = yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text())
    assert first["ansible.builtin.import_playbook"] == "selected.yml"
    assert first["vars"]["preflight_hosts"] == plays[0]["hosts"]


# restart.yml and rollback.yml are deploy.yml by another verb.
@pytest.mark.parametrize("name", ["restart", "drain"])
def test_a_verb_for_a_group_that_is_not_there_fails(name: str, tmp_path: Path) -> None:
    code, output = verb(inventory(tmp_path), f"{name}.yml", "-e", "rollout_group=backend")
    assert code == 2, output
    assert "backend has no host in the inventory" in output
    assert "there are backends, custom, frontends, load_balancers." in output
    assert output.count("PLAY [") == 1, "it went on"


@pytest.mark.parametrize(("name", "wanted"), [("deploy", "backends"), ("drain", "backends:frontends")])
def test_a_verb_with_a_limit_to_another_group_fails(name: str, wanted: str, tmp_path: Path) -> None:
    code, output = verb(inventory(tmp_path), f"{name}.yml", "-l", "api1")
    assert code == 2, output
    assert f"the limit api1 leaves no host of {wanted}. What it leaves is in custom" in output
    assert output.count("PLAY [") == 1, "it went on"


def test_a_group_without_hosts_is_told_and_so_is_an_inventory_without_any(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yml"
    for content, there in (("{empty: {}, backends: {hosts: {app1: }}}", "backends"), ("all: {}", "none")):
        path.write_text(content)
        code, output = verb(path, "drain.yml", "-e", "rollout_group=empty")
        assert code == 2, output
        assert "empty has no host in the inventory" in output
        assert f"there are {there}." in output


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("deploy.yml", "--tags", "rollout"), "rollout"),
        (("restart.yml", "-e", "rollout_only_marked=true", "--skip-tags", "rollout,smoke"), "rollout, smoke"),
    ],
    ids=["a part", "all but a part"],
)
def test_a_verb_is_not_done_in_part(words: tuple[str, ...], named: str, tmp_path: Path) -> None:
    code, output = verb(inventory(tmp_path), *words)
    assert code == 2, output
    assert f"the tags {named} would leave out steps" in output
    assert output.count("PLAY [") == 1, "it went on"


def test_a_part_of_the_site_is_done_and_nobody_is_restarted(tmp_path: Path) -> None:
    end = [play for play in yaml.safe_load((ROOT / "playbooks/site.yml").read_text()) if "vars" in play]
    assert [play["ansible.builtin.import_playbook"] for play in end] == ["restart.yml"]
    end[0]["ansible.builtin.import_playbook"] = "evenkeel.web.restart"
    (tmp_path / "end.yml").write_text(yaml.safe_dump(end))
    site = Site.at(tmp_path)
    code, output = site.play(str(tmp_path / "end.yml"), "--tags", "backend_configure")
    assert code == 0, output
    assert "TASK [evenkeel.web.rollout : Begin with nothing of a run before" in output, "it ended before"
    assert "Look at what runs" not in output


@pytest.mark.parametrize("group", ["nobody", "empty"])
def test_a_restart_of_the_marked_ends_well_where_the_group_is_empty(group: str, tmp_path: Path) -> None:
    path = inventory(tmp_path)
    (tmp_path / "more.yml").write_text("empty: {}\n")
    marked = ("-e", "rollout_only_marked=true", "-e", f"rollout_group={group}")
    code, output = verb(path, "restart.yml", "-i", str(tmp_path / "more.yml"), *marked)
    assert code == 0, output


def test_a_restart_of_the_marked_ends_well_where_the_limit_leaves_nobody(tmp_path: Path) -> None:
    code, output = verb(inventory(tmp_path), "restart.yml", "-e", "rollout_only_marked=true", "-l", "lb1")
    assert code == 0, output


@pytest.mark.parametrize("name", ["drain", "undrain"])
def test_a_host_of_another_group_is_drained_by_naming_the_group(name: str, tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    code, output = site.verb(name, "-l", "api1", "-e", "rollout_group=custom", "-e", "rotation_reason=disk")
    assert code == 0, output
    assert site.holds("lb1") == ({"ops": "disk"} if name == "drain" else {})


@pytest.mark.parametrize(
    ("options", "owner"),
    [((), "platform"), (("-e", "owner=alice"), "alice")],
    ids=["of the inventory", "of the command line"],
)
def test_a_drain_and_an_undrain_are_by_the_same_owner(options: tuple[str, ...], owner: str, tmp_path: Path) -> None:
    site = Site.at(tmp_path, rotation_owner="platform")
    code, output = site.verb("drain", "-l", "app1", "-e", "reason=disk", *options)
    assert code == 0, output
    assert site.holds("lb2") == {owner: "disk"}
    code, output = site.verb("undrain", "-l", "app1", *options)
    assert code == 0, output
    assert not site.holds("lb2")


@pytest.mark.parametrize(
    ("until", "says"),
    [
        ("2020-11-28T18:00:00+01:00", "rotation_until: '2020-11-28T18:00:00+01:00' must be later than 20"),
        ("tomorrow", "rotation_until: 'tomorrow' must be a time such as 2026-11-28T18:00:00Z. It is 20"),
    ],
)
def test_a_drain_until_a_time_that_cannot_come_is_refused(until: str, says: str, tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    code, output = site.verb("drain", "-l", "app1", "-e", f"until={until}")
    assert code == 2, output
    assert says in output.replace("''", "'")
    assert "Z now." in output
    assert not site.holds("lb1")


def test_a_drain_until_a_time_to_come_is_done_and_undrain_does_not_mind_that_it_has_passed(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    code, output = site.verb("drain", "-l", "app1", "-e", "until=2999-11-28")
    assert code == 0, output
    code, output = site.verb("undrain", "-l", "app1", "-e", "rotation_until=2020-11-28")
    assert code == 0, output
    assert not site.holds("lb1")


def test_a_drain_says_which_rollout_has_not_ended(tmp_path: Path) -> None:
    site = Site.at(tmp_path, rotation_journal_dir=str(tmp_path / "lb2"))
    lock(tmp_path, "backends", "lb2")
    code, output = site.verb("drain", "-l", "app1,web1", "-e", "reason=disk")
    assert code == 0, output
    assert "A rollout of backends has not ended, planned with app1 in rotation: run run1." in output
    assert "with web1 in rotation" not in output
    assert site.holds("lb2")


def test_a_drain_that_one_load_balancer_refuses_is_given_back_by_the_others(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.set("lb1", alice="disk swap")
    site.set("lb2", refuses="app1 still has requests.")
    code, output = site.verb("drain", "-l", "app1")
    assert code == 2, output
    assert "app1 was not taken out of rotation: lb2: app1 still has requests. No load balancer" in output
    assert (site.holds("lb1"), site.holds("lb2")) == ({"alice": "disk swap"}, {})


def test_a_drain_that_fails_does_not_give_back_what_was_held_before(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.set("lb1", ops="the disk is out")
    site.set("lb2", refuses="nginx is ill")
    code, output = site.verb("drain", "-l", "app1", "-e", "rotation_reason=again")
    assert code == 2, output
    assert list(site.holds("lb1")) == ["ops"]


def test_a_drain_holds_nothing_where_a_load_balancer_cannot_be_reached(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.lose("lb2")
    code, output = site.verb("drain", "-l", "app1")
    assert code == 4, output
    assert not site.holds("lb1")


def test_a_drain_that_loses_a_load_balancer_is_given_back_by_the_others(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.set("lb2", lost=True)
    code, output = site.verb("drain", "-l", "app1")
    assert code == 2, output
    assert "app1 was not taken out of rotation: lb2: " in output
    command = f"ansible-playbook evenkeel.web.undrain -l app1 -e rotation_owner=ops -i {site.folder}/hosts.yml"
    assert f"When lb2 can be reached again, give back what may be held there: {command}" in output
    assert not site.holds("lb1")


def test_undrain_ends_well_where_nobody_else_holds_the_host(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.set("lb1", ops="disk swap")
    code, output = site.verb("undrain", "-l", "app1")
    assert code == 0, output
    assert not site.holds("lb1")


def test_undrain_fails_where_others_hold_the_host(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.set("lb1", ops="", alice="disk swap")
    site.set("lb2", bob="")
    code, output = site.verb("undrain", "-l", "app1", "-e", "rollout_group=backends")
    assert code == 2, output
    assert "app1 stays out of rotation: held by alice and bob" in output
    command = "ansible-playbook evenkeel.web.undrain -l app1 -e rollout_group=backends -e"
    where = tmp_path / "hosts.yml"
    assert f"{command} rotation_owner=alice -i {where} and {command} rotation_owner=bob -i {where}" in output
    assert site.holds("lb1") == {"alice": "disk swap"}


def test_undrain_asks_what_a_deploy_asks(tmp_path: Path) -> None:
    check = {"path": "/up", "port": 8081, "host": "app.example", "scheme": "https", "status": [204], "timeout": 9}
    site = Site.at(tmp_path, rotation_health_check={**check, "interval": 4, "passes": 2})
    code, output = site.verb("undrain", "-l", "app1")
    assert code == 0, output
    for lb in LOAD_BALANCERS:
        asked = site.asked(lb)
        assert asked.pop("targets") == [{"name": "app1", "address": "192.0.2.1:8081"}]
        assert {name: str(value) for name, value in asked.items()} == {
            **{name: str(value) for name, value in check.items() if name != "port"},
            **{"interval": "4", "passes": "2", "deadline": "52.0"},
        }


def test_undrain_asks_with_the_options_of_the_role_that_say_more(tmp_path: Path) -> None:
    site = Site.at(tmp_path, rotation_health_check={"path": "/up", "status": [204]}, rotation_health_path="/alive")
    code, output = site.verb("undrain", "-l", "app1")
    assert code == 0, output
    asked = site.asked("lb1")
    assert (asked["path"], asked["status"], str(asked["interval"]), str(asked["deadline"])) == (
        "/alive",
        [204],
        "0.5",
        "15.0",
    )
    assert asked["targets"] == [{"name": "app1", "address": "192.0.2.1:80"}]


def test_undrain_refuses_a_part_of_a_health_check_that_does_not_exist(tmp_path: Path) -> None:
    site = Site.at(tmp_path, rotation_health_check={"stauts": [204]})
    code, output = site.verb("undrain", "-l", "app1")
    assert code == 2, output
    assert "rotation_health_check has stauts; allowed are path, port" in output


# The example, with a host that is in both groups.
@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "example"
    shutil.copytree(ROOT / "inventories/example", folder)
    for group in ("backends", "frontends"):
        (folder / f"{group}.yml").write_text(yaml.safe_dump({group: {"hosts": {"both": None}}}))
    return folder


@pytest.mark.parametrize(
    ("host", "options", "port", "path"),
    [
        ("app1.example.com", {}, 5000, "/ready"),
        ("web1.example.com", {}, 80, "/health"),
        ("both", {"rollout_group": "backends"}, 5000, "/ready"),
        ("both", {"rollout_group": "frontends"}, 80, "/health"),
        ("app1.example.com", {"backend_ready_path": "/up"}, 5000, "/up"),
        ("app1.example.com", {"backend_ready_path": ""}, 5000, "/health"),
    ],
)
def test_the_wiring_has_drain_and_undrain_mean_what_a_deploy_means(
    host: str, options: dict[str, str], port: int, path: str, example: Path
) -> None:
    asked = "[rotation_port, rollout_health_path, rotation_health_check]"
    found = value(example, host, asked, "-e", json.dumps(options))
    assert found == [port, path, {"path": path}]


def test_undrain_keeps_the_path_where_the_site_sets_another_part(example: Path) -> None:
    given = json.dumps({"rollout_health_check": {"passes": 5}})
    found = value(example, "app1.example.com", "rotation_health_check", "-e", given)
    assert found == {"path": "/ready", "passes": 5}


@pytest.mark.parametrize("name", ["drain", "undrain"])
def test_a_host_of_both_groups_is_refused_without_one(name: str, tmp_path: Path) -> None:
    hosts = {group: {"hosts": {"both": None}} for group in ("backends", "frontends")}
    path = inventory(tmp_path)
    (tmp_path / "more.yml").write_text(yaml.safe_dump(hosts))
    code, output = verb(path, f"{name}.yml", "-i", str(tmp_path / "more.yml"), "-l", "both")
    assert code == 2, output
    assert "backends and frontends have both in common, with a server in each" in output
    assert "give the command for each: -e rollout_group=backends, -e rollout_group=frontends." in output
    assert output.count("PLAY [") == 1, "it went on"


def test_status_shows_a_group_whose_timeouts_do_not_fit(tmp_path: Path) -> None:
    breaks = {"rollout_timeouts": {"longest_request": 70}}
    site = Site.at(tmp_path, rollout_journal_dir=str(tmp_path / "{{ __rollout_lb }}"), **breaks)
    tasks = {
        name: [{"ansible.builtin.import_role": {"name": "evenkeel.web.rollout", "tasks_from": name}}]
        for name in ("preflight", "status")
    }
    for name, does in tasks.items():
        play = {"name": name, "hosts": "backends", "gather_facts": False, "tasks": does}
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump([play]))
    code, output = site.play(str(tmp_path / "preflight.yml"))
    assert (code, "set drain_timeout to at least 70" in output) == (2, True), output
    code, output = site.play(str(tmp_path / "status.yml"))
    assert code == 0, output
    assert "app1 192.0.2.1:80 unknown in, not asked in, not asked" in output

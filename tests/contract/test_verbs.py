"""The operators' verbs do what was asked, or fail and say why: none ends well when it has done nothing."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.contract.pretended import Site
from tests.contract.test_inventories import run

# Two load balancers on the controller, each with a directory of its own.
HERE = {
    "ansible_connection": "local",
    "ansible_python_interpreter": sys.executable,
    "ansible_become": False,
    "rollout_break_run": "{{ run | default('') }}",
}
GROUPS = {"load_balancers": ("lb1", "lb2"), "backends": ("app1",), "frontends": ("web1",), "custom": ("api1", "api2")}


def inventory(folder: Path, **variables: t.Any) -> Path:
    """Write an inventory of hosts that are the controller."""
    path = folder / "hosts.yml"
    hosts: dict[str, t.Any] = {group: {"hosts": dict.fromkeys(names)} for group, names in GROUPS.items()}
    hosts["all"] = {"vars": {**HERE, "rollout_journal_dir": f"{folder}/{{{{ __rollout_lb }}}}", **variables}}
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
    locks = [lock(tmp_path, "frontends", lb) for lb in locked]
    code, output = verb(inventory(tmp_path), "unlock.yml", "-e", "rollout_group=frontends", "-e", "run=run1")
    assert code == 0, output
    assert not any(path.exists() for path in locks)


def test_unlock_fails_where_no_load_balancer_has_the_lock(tmp_path: Path) -> None:
    left = lock(tmp_path, "frontends", "lb1")
    code, output = verb(inventory(tmp_path), "unlock.yml", "-e", "run=run1")
    assert code == 2, output
    assert "no load balancer (lb1, lb2) has a lock of run run1 for backends" in output
    assert left.exists()


def test_undrain_ends_well_where_nobody_else_holds_the_host(tmp_path: Path) -> None:
    site = Site.at(tmp_path)
    site.set("lb1", ops="disk swap")
    code, output = site.verb("undrain", "-l", "app1")
    assert code == 0, output
    assert not site.holds("lb1")


def test_undrain_fails_where_others_hold_the_host(tmp_path: Path) -> None:
    site = Site.at(tmp_path, rotation_group="{{ rollout_group | default('') }}")
    site.set("lb1", ops="", alice="disk swap")
    site.set("lb2", **{"night shift": ""})
    code, output = site.verb("undrain", "-l", "app1", "-e", "rollout_group=backends")
    assert code == 2, output
    assert "app1 stays out of rotation: held by alice and night shift" in output
    command = "ansible-playbook undrain.yml -e rollout_group=backends -l app1 -e"
    assert f"{command} rotation_owner=alice and {command} 'rotation_owner='\"'\"'night shift'\"'\"''" in output
    assert site.holds("lb1") == {"alice": "disk swap"}

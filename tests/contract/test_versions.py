"""The version that a rollout goes to: for a rollback the one that the command line names, or the one before."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.contract.test_inventories import ROOT, run

SHOW = [
    {"name": "Read", "ansible.builtin.include_vars": {"file": str(ROOT / "roles/rollout/vars/main.yml")}},
    # Locks are read on load balancers; there are none here.
    {"name": "Look", "ansible.builtin.set_fact": {"__rollout_taken": [], "__rollout_others": []}},
    {"name": "Show", "ansible.builtin.debug": {"msg": "SAID {{ inventory_hostname }} '{{ __rollout_version }}'"}},
]
# A backend has the version of the inventory, a frontend the name of the build on the controller.
HOSTS = {
    "backend1": {"release_version": "1.0.0", "__evenkeel_version": "{{ release_version }}"},
    "frontend1": {"__evenkeel_version": "build"},
}


@pytest.mark.parametrize(
    ("verb", "options", "said"),
    [
        ("deploy", ["-e", "release_version=named"], {"backend1": "named", "frontend1": "build"}),
        ("rollback", ["-e", "release_version=named"], {"backend1": "named", "frontend1": "named"}),
        ("rollback", [], {"backend1": "", "frontend1": ""}),
    ],
)
def test_the_version_that_a_rollout_goes_to(
    tmp_path: Path, verb: str, options: list[str], said: dict[str, str]
) -> None:
    defaults = yaml.safe_load((ROOT / "roles/rollout/defaults/main.yml").read_text())
    set_by_playbook = yaml.safe_load((ROOT / f"playbooks/{verb}.yml").read_text())[0].get("vars", {})
    given = {**defaults, **set_by_playbook}
    shown = {"name": "Show", "hosts": "all", "gather_facts": False, "vars": given, "tasks": SHOW}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": HOSTS}}))
    (tmp_path / "play.yml").write_text(yaml.safe_dump([shown]))
    code, output = run("ansible-playbook", "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml"), *options)
    assert code == 0, output
    assert all(f"SAID {host} '{version}'" in output for host, version in said.items()), output

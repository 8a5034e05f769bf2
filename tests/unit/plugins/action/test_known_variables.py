"""The action is run by ansible-playbook on localhost, in a throw-away collection that has the role and a copy of it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.evenkeel.web.tests.unit.plugins.action.support import run

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"

SPECS = {
    "argument_specs": {
        "main": {"options": {"tiny_port": {"type": "int", "default": 80}, "tiny_password": {"type": "str"}}},
        "restart": {"options": {"tiny_restart_wait": {"type": "int", "default": 5}}},
    }
}
TASKS = [{"name": "Refuse variables that no option of this role has", "evenkeel.web.known_variables": None}]


def write(path: Path, data: object) -> None:
    """Write one YAML file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(data, explicit_start=True), encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A collection with the roles tiny and tiny_metrics, and the plugin under test."""
    collection = tmp_path / "collections/ansible_collections/evenkeel/web"
    for kind in ("action", "modules"):
        (collection / "plugins" / kind).mkdir(parents=True)
        shutil.copy(PLUGINS / kind / "known_variables.py", collection / "plugins" / kind)
    write(collection / "roles/tiny/meta/argument_specs.yml", SPECS)
    write(collection / "roles/tiny/tasks/main.yml", TASKS)
    write(collection / "roles/tiny/tasks/restart.yml", TASKS)
    write(collection / "roles/tiny/vars/main.yml", {"__tiny_path": "/srv/tiny"})
    write(collection / "roles/tiny_metrics/tasks/main.yml", [])
    return tmp_path


def apply_role(name: str = "tiny", **keywords: object) -> dict[str, object]:
    """Return the task that applies a role of the throw-away collection."""
    return {"name": "Apply the role", "ansible.builtin.include_role": {"name": f"evenkeel.web.{name}"}, **keywords}


def play(
    site: Path, hosts: dict[str, dict[str, object]], *arguments: str, task: dict[str, object] | None = None
) -> tuple[int, str]:
    """Run one task (default: apply the role tiny) on hosts with these variables; return exit code and output."""
    tasks = [task or apply_role()]
    write(site / "play.yml", [{"name": "Apply", "hosts": "all", "gather_facts": False, "tasks": tasks}])
    local = {"ansible_connection": "ansible.builtin.local", "ansible_python_interpreter": sys.executable}
    write(site / "hosts.yml", {"all": {"hosts": hosts, "vars": local}})
    return run(site, "-i", "hosts.yml", *arguments)


def test_options_of_all_entry_points_private_and_foreign_variables_are_accepted(site: Path) -> None:
    variables: dict[str, object] = {
        "tiny_port": 8080,
        "tiny_restart_wait": 3,
        "tiny_metrics_interval": 15,
        "__tiny_state": "x",
        "other_port": 1,
        "tiny": "x",
    }
    code, output = play(site, {"one": variables})
    assert code == 0, output
    assert "changed=0" in output


def test_every_unknown_variable_of_every_host_is_listed_without_its_value(site: Path) -> None:
    hosts: dict[str, dict[str, object]] = {
        "one": {"tiny_prot": 8080, "tiny_pasword": "hunter2"},
        "two": {"tiny_zebra_crossing_xyz": 1},
    }
    code, output = play(site, hosts)
    assert code != 0
    text = " ".join(output.split())
    assert "host one: tiny_prot is not an option of role evenkeel.web.tiny; did you mean tiny_port" in text
    assert "host one: tiny_pasword is not an option of role evenkeel.web.tiny; did you mean tiny_password" in text
    assert "host two: tiny_zebra_crossing_xyz is not an option of role evenkeel.web.tiny; no option has" in text
    assert "ansible-doc -t role evenkeel.web.tiny" in text
    assert "hunter2" not in output


@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_works_in_check_mode(site: Path, arguments: tuple[str, ...]) -> None:
    code, output = play(site, {"one": {"tiny_port": 1}}, *arguments)
    assert code == 0, output
    code, output = play(site, {"one": {"tiny_prot": 1}}, *arguments)
    assert code != 0
    assert "tiny_prot" in output


def test_role_parameters_and_extra_variables_are_checked_too(site: Path) -> None:
    code, output = play(site, {"one": {}}, task=apply_role(vars={"tiny_prot": 1}))
    assert code != 0
    assert "tiny_prot" in output
    code, output = play(site, {"one": {}}, "-e", "tiny_prot=1")
    assert code != 0
    assert "tiny_prot" in output


def test_nothing_is_executed_on_the_host(site: Path) -> None:
    nowhere: dict[str, object] = {
        "ansible_connection": "ansible.builtin.ssh",
        "ansible_host": "192.0.2.1",
        "ansible_ssh_common_args": "-o ConnectTimeout=1",
    }
    code, output = play(site, {"one": nowhere})
    assert code == 0, output


def test_role_without_argument_specification_is_an_error(site: Path) -> None:
    (site / "collections/ansible_collections/evenkeel/web/roles/tiny/meta/argument_specs.yml").unlink()
    code, output = play(site, {"one": {}})
    assert code != 0
    assert "argument_specs.yml" in output


def test_outside_a_role_is_an_error(site: Path) -> None:
    code, output = play(site, {"one": {}}, task=dict(TASKS[0]))
    assert code != 0
    assert "only inside a role" in output


def test_variables_of_ansible_itself_are_no_options_of_a_role_called_inventory(site: Path) -> None:
    roles = site / "collections/ansible_collections/evenkeel/web/roles"
    shutil.copytree(roles / "tiny", roles / "inventory")
    code, output = play(site, {"one": {}}, task=apply_role("inventory"))
    assert code == 0, output
    code, output = play(site, {"one": {"inventory_adress": 1}}, task=apply_role("inventory"))
    assert code != 0
    assert "inventory_adress" in output


def test_other_roles_of_the_collection_can_be_checked_before_they_start(site: Path) -> None:
    collection = site / "collections/ansible_collections/evenkeel/web"
    ahead = [{"name": "Look ahead", "evenkeel.web.known_variables": {"roles": ["tiny", "other"]}}]
    write(collection / "roles/first/tasks/main.yml", ahead)
    write(collection / "roles/other/meta/argument_specs.yml", {"argument_specs": {"main": {"options": {}}}})
    code, output = play(site, {"one": {"tiny_port": 1, "tiny_metrics_interval": 5}}, task=apply_role("first"))
    assert code == 0, output
    code, output = play(site, {"one": {"tiny_prot": 1, "other_size": 2}}, task=apply_role("first"))
    text = " ".join(output.split())
    assert code != 0
    assert "host one: tiny_prot is not an option of role evenkeel.web.tiny; did you mean tiny_port" in text
    assert "host one: other_size is not an option of role evenkeel.web.other" in text
    assert "ansible-doc -t role evenkeel.web.other" in text


def test_a_role_to_check_that_does_not_exist_is_an_error(site: Path) -> None:
    ahead = [{"name": "Look ahead", "evenkeel.web.known_variables": {"roles": ["lost"]}}]
    write(site / "collections/ansible_collections/evenkeel/web/roles/first/tasks/main.yml", ahead)
    code, output = play(site, {"one": {}}, task=apply_role("first"))
    assert code != 0
    assert "role lost has no meta/argument_specs.yml" in output

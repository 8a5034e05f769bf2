"""The command that a rollout prints gives it the variables that it was given."""

from __future__ import annotations

import json
import shlex
import sys
import typing as t
from pathlib import Path

import yaml
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import words

from tests.contract.test_inventories import run

GIVEN: dict[str, t.Any] = {
    "rollout_serial": [1, "50%"],
    "rollout_monitor": {"seconds": 2.5},
    "rollout_report_dir": "it's here/{{ playbook_dir | basename }}",
    "rollout_journal_dir": "/var/{{ known_only_in_a_loop }}",
}
NAMES = [name for name in GIVEN if name != "rollout_journal_dir"]
PLAY = {
    "name": "Show",
    "hosts": "localhost",
    "gather_facts": False,
    "tasks": [
        {
            "name": "Remember",
            "ansible.builtin.set_fact": {
                "plan": "{{ {'extra_vars': lookup('evenkeel.web.controller').rollout_extra_vars, "
                "'typed': lookup('evenkeel.web.controller').typed} }}"
            },
        },
        {
            "name": "Show",
            "ansible.builtin.copy": {
                "content": "{{ {'plan': hostvars['localhost'].plan, "
                "'values': dict(names | zip(query('ansible.builtin.vars', *names)))} | to_json }}",
                "dest": "{{ playbook_dir }}/shown.json",
                "mode": "0600",
            },
            "vars": {"names": NAMES},
        },
    ],
}


def shown(folder: Path, *words_given: str, **environment: str) -> dict[str, t.Any]:
    """Run the play with these options; return what is to be given again, and the values of the variables."""
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"localhost": here}}}))
    (folder / "play.yml").write_text(yaml.safe_dump([PLAY]))
    code, output = run("ansible-playbook", str(folder / "play.yml"), *words_given, **environment)
    assert code == 0, output
    found: dict[str, t.Any] = json.loads((folder / "shown.json").read_text())
    return found


def test_what_was_given_is_given_again(tmp_path: Path) -> None:
    given = ["-e", json.dumps({**GIVEN, "password": "secret"}), "-e", "rollout_min_healthy=0"]
    first = shown(tmp_path, "-i", str(tmp_path / "hosts.yml"), *given)
    assert set(first["plan"]["extra_vars"]) == {*GIVEN, "rollout_min_healthy"}
    assert first["plan"]["typed"] == {"playbook": "{}.yml", "options": ["-i", str(tmp_path / "hosts.yml")]}
    assert first["values"]["rollout_report_dir"] == f"it's here/{tmp_path.name}"
    _playbook, _name, *options = shlex.split(words.command(first["plan"]))
    assert shown(tmp_path, *options) == first


def test_the_inventory_of_the_configuration_is_not_given_again(tmp_path: Path) -> None:
    given = ["-e", json.dumps(GIVEN)]
    found = shown(tmp_path, *given, ANSIBLE_INVENTORY=str(tmp_path / "hosts.yml"))
    assert found["plan"]["typed"]["options"] == []

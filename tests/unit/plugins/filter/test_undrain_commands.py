"""The command that puts a host back is what a shell and Ansible read as it is meant."""

from __future__ import annotations

import json
import shlex

from ansible_collections.evenkeel.web.plugins.filter.undrain_commands import undrain_commands

TYPED = {"playbook": "{}.yml", "options": ["-i", "my inventory"]}


def test_a_plain_owner_needs_no_quotes() -> None:
    assert undrain_commands(["ops", "bob"], "web1", "", TYPED) == [
        "ansible-playbook undrain.yml -l web1 -e rotation_owner=ops -i 'my inventory'",
        "ansible-playbook undrain.yml -l web1 -e rotation_owner=bob -i 'my inventory'",
    ]


def test_an_owner_with_blanks_and_another_group_arrive_as_they_are() -> None:
    words = shlex.split(undrain_commands(["Ann's disk"], "web1", "frontends", TYPED)[0])
    assert words[2:6] == ["-l", "web1", "-e", "rollout_group=frontends"]
    assert json.loads(words[7]) == {"rotation_owner": "Ann's disk"}

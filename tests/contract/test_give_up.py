"""A host that fails keeps what it has noted so far, so that the report tells when it was restarted."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.contract.test_inventories import run

PLAN = {"hosts": {"backend1": {"batch": 2}}}
EARLIER = {"event": "switched", "at": 1.0, "host": "backend1", "batch": 2, "text": ""}
PLAY = {
    "name": "Fail",
    "hosts": "backends",
    "gather_facts": False,
    "vars": {
        "__evenkeel_plan": PLAN,
        "__evenkeel_outcome": {"outcome": "not_reached", "text": "", "events": [EARLIER]},
    },
    "tasks": [
        {
            "name": "Try",
            "block": [{"name": "Restart", "ansible.builtin.fail": {"msg": "no such unit"}}],
            "rescue": [
                {
                    "name": "Give up",
                    "ansible.builtin.import_role": {"name": "evenkeel.web.rollout", "tasks_from": "give_up"},
                }
            ],
        },
        {"name": "Show", "ansible.builtin.debug": {"msg": "SAID {{ __evenkeel_outcome | to_json }}"}},
    ],
}


def test_a_host_that_fails_keeps_its_events(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("backends: {hosts: {backend1: }}\n")
    (tmp_path / "play.yml").write_text(yaml.safe_dump([PLAY]))
    plan = json.dumps({"__evenkeel_plan": PLAN})
    code, output = run("ansible-playbook", "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml"), "-e", plan)
    assert code == 0, output
    said = " ".join(output.split()).partition("SAID ")[2]
    outcome, _end = json.JSONDecoder().raw_decode(said)
    assert outcome["text"] == "Restart: no such unit"
    assert [(entry["event"], entry["batch"], entry["text"]) for entry in outcome["events"]] == [
        ("switched", 2, ""),
        ("failed", 2, "Restart: no such unit"),
    ]

"""The callback is run by ansible-playbook on localhost, in a throw-away collection that has a copy of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
import yaml
from ansible import constants
from ansible_collections.evenkeel.web.plugins.callback.rollout import CallbackModule

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
HOSTS = ("backend1", "backend2", "backend3")
# A module that answers as nginx_upstream_server does, with one connection less each time.
DRAINER = """
from ansible.module_utils.basic import AnsibleModule
import pathlib


def main():
    module = AnsibleModule(argument_spec={"state": {"type": "str"}})
    path = pathlib.Path(module.params["state"])
    left = int(path.read_text()) if path.exists() else 2
    path.write_text(str(max(left - 1, 0)))
    waiting = {"10.0.0.1:5000": [{"pid": 1}] * left} if left else {}
    module.exit_json(drain={"waiting": waiting, "seconds": 0.1})


main()
"""
PLAN = {
    "order": list(HOSTS),
    "batches": [[host] for host in HOSTS],
    "hosts": {host: {"batch": number, "address": f"10.0.0.{number}:5000"} for number, host in enumerate(HOSTS, 1)},
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A collection with the callback, and a module that drains."""
    collection = tmp_path / "collections/ansible_collections/evenkeel/web"
    utils = collection / "plugins/module_utils"
    for folder, names in (("callback", ["rollout.py"]), ("module_utils/_rollout", ["progress.py", "words.py"])):
        (collection / "plugins" / folder).mkdir(parents=True)
        for name in names:
            shutil.copy(PLUGINS / folder / name, collection / "plugins" / folder)
    assert utils.is_dir()
    (collection / "plugins/modules").mkdir()
    (collection / "plugins/modules/drainer.py").write_text(DRAINER, encoding="utf-8")
    return tmp_path


def step(name: str, module: str, arguments: object = None, **keywords: object) -> dict[str, object]:
    """Return a task that is a step of a rollout."""
    return {"name": name, module: arguments, "vars": {"__evenkeel_step": name}, **keywords}


def run(site: Path, plays: list[dict[str, object]], enabled: bool = True) -> list[str]:
    """Run plays on three hosts that are all this machine, and return what the callback printed."""
    for play in plays:
        play |= {"hosts": play.get("hosts", "all"), "gather_facts": False}
    (site / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    local = {"ansible_connection": "ansible.builtin.local", "ansible_python_interpreter": sys.executable}
    inventory = {"all": {"hosts": {host: {} for host in HOSTS}, "vars": local}}
    (site / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    environment |= {
        "ANSIBLE_COLLECTIONS_PATH": str(site / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(site / "temporary"),
        "ANSIBLE_HOME": str(site / "home"),
        "ANSIBLE_NOCOLOR": "1",
        **({"ANSIBLE_CALLBACKS_ENABLED": "evenkeel.web.rollout"} if enabled else {}),
    }
    done = subprocess.run(
        ["ansible-playbook", "-i", "hosts.yml", "play.yml"],
        cwd=site,
        env=environment,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    output = done.stdout + done.stderr
    assert "PLAY RECAP" in output, output
    assert "\r" not in output
    assert "DEPRECAT" not in output, output
    assert "allback" not in output, output
    return [line for line in output.splitlines() if re.match(r"\[[\d:]+\] ", line)]


def timeless(lines: list[str]) -> list[str]:
    """Return lines without what depends on the clock."""
    return [re.sub(r"\d+\.\d s", "N s", re.sub(r"^\[\d\d:\d\d\] +", "", line)) for line in lines]


def test_each_step_is_told_when_it_begins_and_when_it_has_ended(site: Path) -> None:
    counter = str(site / "left")
    plays: list[dict[str, object]] = [
        {
            "name": "Plan",
            "tasks": [
                {"name": "Plan", "ansible.builtin.set_fact": {"__evenkeel_plan": PLAN}, "run_once": True},
                step("lock", "ansible.builtin.command", "true", run_once=True, delegate_to="{{ groups['all'][2] }}"),
            ],
        },
        {
            "name": "Roll",
            "serial": 1,
            "tasks": [
                step(
                    "hold",
                    "ansible.builtin.command",
                    "true",
                    vars={"wanted": ["x"], "__evenkeel_step": "{{ 'hold' if wanted else 'release' }}"},
                ),
                step(
                    "drain",
                    "evenkeel.web.drainer",
                    {"state": counter},
                    loop=["lb1"],
                    register="drained",
                    until="drained.drain.waiting | length == 0",
                    retries=5,
                    delay=0,
                ),
                step("watch", "ansible.builtin.command", "true"),
                step("watch", "ansible.builtin.command", "true"),
                step("restart", "ansible.builtin.command", "true"),
                step("health", "ansible.builtin.command", "true"),
            ],
        },
        {
            "name": "Release",
            "tasks": [
                step("release", "ansible.builtin.command", "true", run_once=True),
                step("watch", "ansible.builtin.command", "true", run_once=True),
                step("watch", "ansible.builtin.command", "true", when="inventory_hostname == ansible_play_batch[0]"),
            ],
        },
    ]
    assert timeless(run(site, plays)) == [
        "backend3  locking ...",
        "backend3  locked (N s)",
        "batch 1 of 3  backend1  holding ...",
        "batch 1 of 3  backend1  held (N s)",
        "batch 1 of 3  backend1  draining ...",
        "batch 1 of 3  backend1  2 connections left (backend1 2) after N s",
        "batch 1 of 3  backend1  1 connection left (backend1 1) after N s",
        "batch 1 of 3  backend1  drained (N s)",
        "batch 1 of 3  backend1  restarting ...",
        "batch 1 of 3  backend1  restarted (N s)",
        "batch 1 of 3  backend1  proving its health ...",
        "batch 1 of 3  backend1  healthy (N s), 2 hosts left",
        "batch 2 of 3  backend2  holding ...",
        "batch 2 of 3  backend2  held (N s)",
        "batch 2 of 3  backend2  draining ...",
        "batch 2 of 3  backend2  drained (N s)",
        "batch 2 of 3  backend1  watching ...",
        "batch 2 of 3  backend1  did well (N s)",
        "batch 2 of 3  backend2  restarting ...",
        "batch 2 of 3  backend2  restarted (N s)",
        "batch 2 of 3  backend2  proving its health ...",
        "batch 2 of 3  backend2  healthy (N s), 1 host left",
        "batch 3 of 3  backend3  holding ...",
        "batch 3 of 3  backend3  held (N s)",
        "batch 3 of 3  backend3  draining ...",
        "batch 3 of 3  backend3  drained (N s)",
        "batch 3 of 3  backend2  watching ...",
        "batch 3 of 3  backend2  did well (N s)",
        "batch 3 of 3  backend3  restarting ...",
        "batch 3 of 3  backend3  restarted (N s)",
        "batch 3 of 3  backend3  proving its health ...",
        "batch 3 of 3  backend3  healthy (N s), 0 hosts left",
        "batch 3 of 3  backend3  releasing ...",
        "batch 3 of 3  backend3  released (N s)",
        "batch 3 of 3  backend3  watching ...",
        "batch 3 of 3  backend3  did well (N s)",
    ]


def test_a_step_that_fails_is_told_in_one_line_and_so_is_one_that_is_skipped(site: Path) -> None:
    plays: list[dict[str, object]] = [
        {
            "name": "Roll",
            "hosts": "backend2",
            "tasks": [
                step("restart", "ansible.builtin.fail", {"msg": "it does not start\nat all"}, ignore_errors=True),
                step("switch", "ansible.builtin.fail", {"msg": "no"}, loop=["lb1"], ignore_errors=True),
                step("drain", "ansible.builtin.command", "true", loop=[]),
                step("stage", "ansible.builtin.command", "true", when=False),
            ],
        }
    ]
    assert timeless(run(site, plays)) == [
        "backend2  restarting ...",
        "backend2  restart FAILED after N s: it does not start",
        "backend2  switching ...",
        "backend2  switch FAILED after N s: lb1: no",
        "backend2  draining ...",
        "backend2  nothing to wait for",
        "backend2  staging ...",
        "backend2  stage skipped",
    ]


def test_batches_are_counted_where_there_is_no_plan(site: Path) -> None:
    plays: list[dict[str, object]] = [
        {"name": "Roll", "serial": [1, 2], "tasks": [step("hold", "ansible.builtin.command", "true", run_once=True)]}
    ]
    assert timeless(run(site, plays)) == [
        "batch 1 of 3  backend1  holding ...",
        "batch 1 of 3  backend1  held (N s)",
        "batch 2 of 2  backend2, backend3  holding ...",
        "batch 2 of 2  backend2, backend3  held (N s)",
    ]


def test_another_play_is_silent(site: Path) -> None:
    plays: list[dict[str, object]] = [
        {
            "name": "Foreign",
            "serial": 1,
            "vars": {"__evenkeel_other": "drain"},
            "tasks": [
                {"name": "Drain", "ansible.builtin.command": "true"},
                {
                    "name": "Retry",
                    "ansible.builtin.command": "false",
                    "ignore_errors": True,
                    "retries": 1,
                    "delay": 0,
                    "register": "tried",
                    "until": "tried is succeeded",
                },
            ],
        }
    ]
    assert run(site, plays) == []


def test_it_is_silent_unless_it_is_enabled(site: Path) -> None:
    plays: list[dict[str, object]] = [{"name": "Roll", "tasks": [step("hold", "ansible.builtin.command", "true")]}]
    assert run(site, plays, enabled=False) == []


@pytest.mark.parametrize(("output", "lines"), [("default", ["held"]), ("ansible.posix.json", [])])
def test_it_is_silent_where_a_program_reads(output: str, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_STDOUT_CALLBACK", output)
    said: list[str] = []
    display = types.SimpleNamespace(display=lambda line, color=None: said.append(line), verbosity=0)
    CallbackModule(display=display)._show(["held"])
    assert said == lines

"""Real machines: a creation that is killed half way is finished by the next one, and nothing is left at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.lab import engine, plan
from tools.lab.state import ROOT

NAMES = ("one", "two", "three")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[plan.Lab]:
    folder = ROOT / ".lab" / "test-lab"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hosts.yml").write_text(
        "all: {hosts: {" + ", ".join(f"{name}: {{lab_machine: {name}}}" for name in NAMES) + "}}"
    )
    monkeypatch.setenv("EVENKEEL_LAB_DIR", str(folder))
    result = plan.Lab.of(folder)
    plan.destroy(result)
    yield result
    plan.destroy(result)


def create(lab: plan.Lab) -> subprocess.Popen[bytes]:
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "lab/create.yml", "-i", str(lab.folder / "hosts.yml")]
    environment = os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    log = (lab.folder / "create.log").open("w")
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)


def running(lab: plan.Lab) -> list[str]:
    return engine.containers(lab.names.labels, running=True)


def reached(lab: plan.Lab, name: str) -> str:
    command = ["ssh", "-F", str(lab.folder / "ssh" / "config"), name, "sudo", "hostname"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def test_a_killed_creation_is_finished_by_the_next_one(lab: plan.Lab) -> None:
    first = create(lab)
    deadline = time.monotonic() + 300
    while not running(lab) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()

    assert create(lab).wait() == 0, (lab.folder / "create.log").read_text()
    assert len(running(lab)) == len(NAMES)
    assert [reached(lab, name) for name in NAMES] == list(NAMES)

    assert sorted(plan.prune(lab, ["one"])) == ["three", "two"]
    assert running(lab) == [lab.names.container("one")]
    plan.destroy(lab)
    assert engine.containers(lab.names.labels) == []
    assert engine.networks(lab.names.labels) == []

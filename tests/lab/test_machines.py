"""Real machines: a creation that is killed half way is finished by the next one; a machine's files last as long as it
does, and are its own; nothing is left at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.lab import disks, engine, plan
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


def finish(lab: plan.Lab) -> None:
    assert create(lab).wait() == 0, (lab.folder / "create.log").read_text()


def running(lab: plan.Lab) -> list[str]:
    return engine.containers(lab.names.labels, running=True)


def on(lab: plan.Lab, name: str, *words: str) -> str:
    command = ["ssh", "-F", str(lab.folder / "ssh" / "config"), name, "sudo", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def written(lab: plan.Lab, name: str) -> list[str]:
    """Return the folders of a machine in which the file of the test is."""
    return on(lab, name, "sh", "-c", "'ls -d /*/written 2>/dev/null || true'").split()


def test_a_killed_creation_is_finished_by_the_next_one(lab: plan.Lab) -> None:
    first = create(lab)
    deadline = time.monotonic() + 300
    while not running(lab) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()

    finish(lab)
    assert len(running(lab)) == len(NAMES)
    assert [on(lab, name, "hostname") for name in NAMES] == list(NAMES)

    assert sorted(plan.prune(lab, ["one"])) == ["three", "two"]
    assert running(lab) == [lab.names.container("one")]
    plan.destroy(lab)
    assert engine.containers(lab.names.labels) == []
    assert engine.networks(lab.names.labels) == []
    assert engine.volumes(lab.names.labels) == []


def test_the_files_of_a_machine_are_its_own_and_last_as_long_as_it_does(lab: plan.Lab) -> None:
    files = sorted(f"/{folder}/written" for folder in disks.FOLDERS)
    finish(lab)
    for name in ("one", "two"):
        on(lab, name, "touch", *files)
    assert [written(lab, name) for name in NAMES] == [files, files, []]

    engine.docker("stop", lab.names.container("one"))
    plan.prune(lab, ["one", "three"])
    disks_of_two = set(disks.volumes(lab.names, "two"))
    assert not disks_of_two.intersection(engine.volumes(lab.names.labels))
    finish(lab)
    assert [written(lab, name) for name in NAMES] == [files, [], []]

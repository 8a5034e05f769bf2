"""Locks and journals on a real disk, with processes that race and processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.host import LocalHost
from ansible_collections.evenkeel.web.tests.unit.plugins.modules import support

KILLED = """
import os, signal, sys
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import host, lock_task
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout.test_lock import params
machine = host.LocalHost(lambda *a, **o: (0, "", ""))
effect = getattr(machine, sys.argv[2])
count = [int(sys.argv[3])]
def dying(*arguments):
    effect(*arguments)
    count[0] -= 1
    if count[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(machine, sys.argv[2], dying)
lock_task.run(params("locked", path=sys.argv[1], metrics_dir=""), machine, False)
if sys.argv[4] == "unlocked":
    lock_task.run(params("unlocked", path=sys.argv[1], metrics_dir="", summary={"outcome": "x"}), machine, False)
"""


def arguments(path: Path, run: str = "run1", **changed: Any) -> dict[str, Any]:
    return {
        "name": "backends",
        "run": run,
        "who": f"{run}@laptop",
        "verb": "deploy",
        "version": "1.4.2",
        "path": str(path),
        "metrics_dir": "",
        **changed,
    }


def do(path: Path, state: str, run: str = "run1", **changed: Any) -> dict[str, Any]:
    return support.run("rollout", state=state, **arguments(path, run, **changed))


def info(path: Path) -> dict[str, Any]:
    return dict(support.run("rollout_info", path=str(path))["groups"])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_whole_rollout(tmp_path: Path) -> None:
    path, metrics = tmp_path / "rollouts", tmp_path / "metrics"
    metrics.mkdir()
    options: dict[str, Any] = {"metrics_dir": str(metrics), "now": time.time() - 600}
    checked = do(path, "locked", check_mode=True, **options)
    assert checked["changed"]
    assert not path.exists()
    locked = do(path, "locked", controller={"pid": 1, "extra_vars": ["a"]}, **options)
    assert locked["changed"]
    assert 600 <= locked["offset"] < 660
    assert not do(path, "locked", **options)["changed"]
    event = {"at": 1.5, "event": "held", "host": "backend1", "batch": 1, "text": "é"}
    assert do(path, "noted", step="drain backend1", events=[event])["lock"]["step"] == "drain backend1"
    assert info(path)["backends"]["lock"]["controller"] == {"pid": 1}
    ended = do(path, "unlocked", summary={"outcome": "succeeded", "message": "fine"}, timeline="<svg/>", **options)
    assert (ended["changed"], ended["lock"]) == (True, {})
    group = path / "backends"
    events = [json.loads(line) for line in (group / "run1/journal.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [event["event"] for event in events] == ["locked", "held", "unlocked"]
    assert (group / "run1/timeline.svg").read_text(encoding="utf-8") == "<svg/>"
    assert sorted(entry.name for entry in group.iterdir()) == [".guard", "last.json", "run1"]
    assert {mode(folder) for folder in (path, group, group / "run1")} == {0o700}
    assert {mode(file) for file in (group / "last.json", group / "run1/rollout.json")} == {0o600}
    assert 'outcome="succeeded"' in (metrics / "evenkeel_rollout_backends.prom").read_text(encoding="utf-8")
    assert [entry.name for entry in metrics.iterdir()] == ["evenkeel_rollout_backends.prom"]
    known = info(path)["backends"]
    assert (known["lock"], known["unfinished"], known["last"]["message"]) == ({}, "", "fine")


def test_of_many_that_race_exactly_one_gets_the_lock(tmp_path: Path) -> None:
    runs = [f"run{number}" for number in range(6)]
    started = [support.start("rollout", state="locked", **arguments(tmp_path / "r", run)) for run in runs]
    results = [support.result_of(process) for process in started]
    winners = [run for run, result in zip(runs, results, strict=True) if not result.get("failed")]
    assert len(winners) == 1
    assert info(tmp_path / "r")["backends"]["lock"]["run"] == winners[0]
    refused = [result for result in results if result.get("failed")]
    assert all(f"run {winners[0]}, {winners[0]}@laptop" in result["msg"] for result in refused)
    assert not any(result["lost"] for result in refused)


def kill_in(path: Path, effect: str, number: int, state: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([support.ROOT, *filter(None, sys.path)])}
    command = [sys.executable, "-c", KILLED, str(path), effect, str(number), state]
    assert subprocess.run(command, check=False, env=environment).returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("effect", "number", "state"),
    [
        ("write", 1, "locked"),
        ("append", 1, "locked"),
        ("write", 2, "unlocked"),
        ("write", 3, "unlocked"),
        ("append", 2, "unlocked"),
        ("remove", 1, "unlocked"),
    ],
)
def test_one_that_is_killed_leaves_a_readable_lock_that_another_may_break(
    tmp_path: Path, effect: str, number: int, state: str
) -> None:
    kill_in(tmp_path, effect, number, state)
    held = effect != "remove"
    lock = info(tmp_path)["backends"]["lock"]
    assert lock.get("run", "") == ("run1" if held else "")
    refused = do(tmp_path, "locked", "run2")
    if held:
        assert "ansible-playbook unlock.yml -e run=run1" in refused["msg"]
        taken = do(tmp_path, "locked", "run2", gone=["run1"])
        assert taken["broken"] == ["run1"]
        # Its form depends on the version of ansible-core.
        assert "the lock of run run1" in str(taken["warnings"][0])
    assert info(tmp_path)["backends"]["lock"]["run"] == "run2"


def test_the_same_run_goes_on_after_it_was_killed(tmp_path: Path) -> None:
    kill_in(tmp_path, "append", 2, "unlocked")
    assert do(tmp_path, "unlocked", summary={"outcome": "x"})["changed"]
    assert not do(tmp_path, "unlocked", summary={"outcome": "x"})["changed"]
    known = info(tmp_path)["backends"]
    assert (known["lock"], known["last"]["outcome"]) == ({}, "x")


def test_a_line_that_was_cut_off_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    do(tmp_path, "locked")
    path = tmp_path / "backends/run1/journal.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write('{"at": 1.0, "eve')
    do(tmp_path, "noted", events=[{"at": 2, "event": "held"}])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[-1])["event"] == "held"
    assert len(lines) == 3


def test_breaking_a_lock_by_its_name(tmp_path: Path) -> None:
    do(tmp_path, "locked")
    broken = support.run(
        "rollout", name="backends", state="unlocked", break_run="run1", who="bob", path=str(tmp_path), metrics_dir=""
    )
    assert (broken["changed"], broken["broken"], broken["lock"]) == (True, ["run1"], {})
    lost = do(tmp_path, "noted", step="x")
    assert (lost["failed"], lost["lost"]) == (True, True)
    assert "broken (by name) by bob" in lost["msg"]


def test_all_findings_are_told_at_once(tmp_path: Path) -> None:
    result = do(tmp_path, "locked", run="../x", keep=0, events=[{"event": "Held"}])
    assert len(result["findings"]) == 4


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = do(tmp_path / "file", "locked")
    assert result["failed"]
    assert str(tmp_path / "file") in result["msg"]


def test_only_one_is_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{LocalHost.__module__}.ALONE_TIMEOUT", 0.1)
    first, second = (LocalHost(lambda *_args, **_options: (0, "", "")) for _number in range(2))
    with first.alone(str(tmp_path)), pytest.raises(Exception, match="another process"), second.alone(str(tmp_path)):
        pass
    with second.alone(str(tmp_path)):
        pass

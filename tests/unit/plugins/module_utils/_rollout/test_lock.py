from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import info_task, lock, lock_task
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout.fakes import FakeFiles

FOLDER = "/r/backends"
METRICS = "/metrics/evenkeel_rollout_backends.prom"


def params(state: str, run: str = "run1", **changed: Any) -> dict[str, Any]:
    return {
        "name": "backends",
        "state": state,
        "run": run,
        "who": f"{run}@laptop",
        "verb": "deploy",
        "version": "1.4.2",
        "step": "",
        "events": [],
        "controller": {"machine": "m", "boot": "b", "pid": 812, "started": 90210, "now": 1.0, "gone": []},
        "now": 0.0,
        "gone": [],
        "beside": [],
        "break_run": "",
        "summary": {},
        "timeline": "",
        "keep": 20,
        "path": "/r/",
        "metrics_dir": "/metrics",
        **changed,
    }


def do(host: FakeFiles, state: str, run: str = "run1", check_mode: bool = False, **changed: Any) -> dict[str, Any]:
    return lock_task.run(params(state, run, **changed), host, check_mode)


def events(host: FakeFiles, run: str = "run1") -> list[str]:
    text = host.files.get(f"{FOLDER}/{run}/journal.jsonl", "")
    return [json.loads(line)["event"] for line in text.splitlines()]


def info(host: FakeFiles, name: str = "backends") -> dict[str, Any]:
    return dict(info_task.run({"name": name, "path": "/r"}, host, False)["groups"])


def test_taking_the_lock_writes_who_has_it() -> None:
    host = FakeFiles()
    result = do(host, "locked", step="begin", now=host.wall() - 2.5)
    assert result["changed"]
    assert (result["offset"], result["broken"], result["warnings"]) == (2.5, [], [])
    assert json.loads(host.files[f"{FOLDER}/lock.json"]) == {
        "run": "run1",
        "who": "run1@laptop",
        "verb": "deploy",
        "version": "1.4.2",
        "step": "begin",
        "taken": host.wall(),
        "seen": host.wall(),
        "controller": {"machine": "m", "boot": "b", "pid": 812, "started": 90210},
    }
    assert host.modes[f"{FOLDER}/lock.json"] == 0o600
    assert events(host) == ["locked"]


def test_the_same_again_changes_nothing() -> None:
    host = FakeFiles()
    event = {"at": 1.0, "event": "planned"}
    do(host, "locked", events=[event])
    before = dict(host.files)
    host.sleep(5.0)
    result = do(host, "locked", events=[event])
    assert (result["changed"], result["lock"]["age"]) == (False, 5.0)
    assert host.files == before


def test_a_lock_of_another_run_is_refused_with_all_that_is_known() -> None:
    host = FakeFiles()
    do(host, "locked", step="drain backend2")
    host.sleep(34.0)
    with pytest.raises(TaskError) as caught:
        do(host, "locked", "run2")
    assert str(caught.value) == (
        "backends: locked on lb1 by deploy of 1.4.2, run run1, run1@laptop, last step 'drain backend2' 34 s ago by "
        "this host's clock. If that run is dead: ansible-playbook unlock.yml -e run=run1"
    )
    assert (caught.value.details["lost"], caught.value.details["lock"]["run"]) == (False, "run1")
    assert events(host, "run2") == []


def test_a_lock_of_another_group_is_broken_in_that_group() -> None:
    host = FakeFiles()
    do(host, "locked", name="frontends")
    with pytest.raises(TaskError, match=r"ansible-playbook unlock\.yml -e rollout_group=frontends -e run=run1$"):
        do(host, "locked", "run2", name="frontends")


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_run_that_is_proven_dead_loses_its_lock_with_a_warning(check_mode: bool) -> None:
    host = FakeFiles()
    do(host, "locked")
    before = dict(host.files)
    result = do(host, "locked", "run2", check_mode, gone=["run0", "run1"])
    assert (result["changed"], result["broken"], result["lock"]["run"]) == (True, ["run1"], "run2")
    assert "the lock of run run1 of run1@laptop was broken" in result["warnings"][0]
    if check_mode:
        assert host.files == before
    else:
        assert events(host) == ["locked", "lock_broken"]
        assert events(host, "run2") == ["lock_broken", "locked"]


def test_a_group_that_has_the_same_hosts_is_given_way_to() -> None:
    host = FakeFiles()
    do(host, "locked", "run2", name="api")
    with pytest.raises(TaskError) as refused:
        do(host, "locked", beside=["web servers", "api"])
    assert str(refused.value) == (
        "backends: not locked, because api has hosts of it and is locked on lb1 by deploy of 1.4.2, run run2, "
        "run2@laptop, last seen 0 s ago by this host's clock. If that run is dead: "
        "ansible-playbook unlock.yml -e rollout_group=api -e run=run2"
    )
    assert (info(host)["backends"]["lock"], info(host, "api")["api"]["lock"]["run"]) == ({}, "run2")
    assert do(host, "locked", beside=["api"], gone=["run2"])["lock"]["run"] == "run1"


class Interrupted(FakeFiles):
    """Files of a host on which another run takes the lock of api behind one of the effects of this one."""

    def __init__(self, moment: int) -> None:
        super().__init__()
        self.left = moment
        self.taken: list[str] = []

    def read(self, path: str) -> str | None:
        found = super().read(path)
        self.passes()
        return found

    def write(self, path: str, text: str, mode: int = 0o600) -> None:
        super().write(path, text, mode)
        self.passes()

    def passes(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.take(FakeFiles(files=self.files), "run2", "api", "backends")

    def take(self, host: FakeFiles, run: str, name: str, beside: str) -> None:
        with contextlib.suppress(TaskError):
            do(host, "locked", run, name=name, beside=[beside])
            self.taken.append(name)


@pytest.mark.parametrize("moment", range(1, 7))
def test_two_groups_that_have_the_same_hosts_never_both_believe_that_they_are_alone(moment: int) -> None:
    host = Interrupted(moment)
    host.take(host, "run1", "backends", "api")
    assert len(host.taken) < 2


def test_the_lock_is_read_only_while_alone() -> None:
    class Late(FakeFiles):
        """Another run takes the lock while this one waits to be alone."""

        @contextlib.contextmanager
        def alone(self, folder: str) -> Iterator[None]:
            self.files[f"{FOLDER}/lock.json"] = json.dumps({"run": "run2", "seen": self.wall()})
            with super().alone(folder):
                yield

    with pytest.raises(TaskError, match="run run2"):
        do(Late(), "locked")


def test_noting_writes_the_step_and_the_new_events_only() -> None:
    host = FakeFiles()
    do(host, "locked")
    held = {"at": 1.0, "event": "held", "host": "backend1", "batch": 1}
    assert do(host, "noted", events=[held], step="drain backend1")["changed"]
    host.sleep(3.0)
    result = do(host, "noted", events=[held, {"at": "2.0", "event": "drained"}])
    assert (result["changed"], result["lock"]["step"], result["lock"]["age"]) == (True, "drain backend1", 0.0)
    assert events(host) == ["locked", "held", "drained"]
    assert not do(host, "noted", events=[held])["changed"]


@pytest.mark.parametrize("state", ["noted", "unlocked"])
def test_a_lock_that_was_broken_is_lost_and_says_by_whom(state: str) -> None:
    host = FakeFiles()
    do(host, "locked")
    do(host, "unlocked", "", break_run="run1", who="bob@desk")
    with pytest.raises(TaskError, match=r"run1 has lost its lock on lb1: .* broken \(by name\) by bob@desk") as caught:
        do(host, state)
    assert caught.value.details["lost"]
    do(host, "locked", "run2")
    with pytest.raises(TaskError, match=r"now it is held by deploy of 1\.4\.2, run run2"):
        do(host, state)


def test_a_lock_file_that_was_removed_by_hand_is_lost_too() -> None:
    host = FakeFiles()
    do(host, "locked")
    del host.files[f"{FOLDER}/lock.json"]
    with pytest.raises(TaskError, match=r"/r/backends/lock\.json is gone"):
        do(host, "noted")


def test_unlocking_leaves_the_evidence() -> None:
    host = FakeFiles(present={"/metrics"})
    do(host, "locked")
    started = host.wall()
    host.sleep(60.0)
    summary = {"outcome": "succeeded", "message": "all well", "requests": {"seen": 10, "failed": 0}}
    arguments: dict[str, Any] = {"summary": summary, "timeline": "<svg/>", "who": "", "verb": "", "version": ""}
    result = do(host, "unlocked", **arguments)
    assert (result["changed"], result["lock"]) == (True, {})
    assert json.loads(host.files[f"{FOLDER}/run1/rollout.json"]) == summary
    assert host.files[f"{FOLDER}/run1/timeline.svg"] == "<svg/>"
    last = info(host)["backends"]["last"]
    assert (last["run"], last["verb"], last["version"], last["who"]) == ("run1", "deploy", "1.4.2", "run1@laptop")
    assert (last["outcome"], last["message"]) == ("succeeded", "all well")
    assert (last["started"], last["finished"]) == (started, host.wall())
    assert events(host) == ["locked", "unlocked"]
    assert 'outcome="succeeded"' in host.files[METRICS]
    assert host.modes[METRICS] == 0o644
    before = dict(host.files)
    assert not do(host, "unlocked", **arguments)["changed"]
    assert host.files == before


def test_metrics_are_written_only_where_the_directory_is() -> None:
    host = FakeFiles()
    do(host, "locked")
    assert not any(path.startswith("/metrics") for path in host.files)
    host = FakeFiles(present={"/metrics"})
    do(host, "locked")
    assert 'running{group="backends"} 1' in host.files[METRICS]
    do(host, "unlocked")
    assert 'running{group="backends"} 0' in host.files[METRICS]


def test_unlocking_where_the_run_never_came_is_nothing() -> None:
    host = FakeFiles()
    assert not do(host, "unlocked")["changed"]
    assert host.files == {}


def test_breaking_by_name() -> None:
    host = FakeFiles()
    assert not do(host, "unlocked", "", break_run="run1")["changed"]
    do(host, "locked")
    with pytest.raises(TaskError, match=r"locked on lb1 by deploy of 1\.4\.2, run run1"):
        do(host, "unlocked", "", break_run="run9")
    result = do(host, "unlocked", "", break_run="run1")
    assert (result["changed"], result["broken"], result["lock"]) == (True, ["run1"], {})
    assert events(host) == ["locked", "lock_broken"]
    assert do(host, "locked", "run2")["changed"]


@pytest.mark.parametrize("state", ["locked", "unlocked"])
def test_check_mode_tells_and_writes_nothing(state: str) -> None:
    host = FakeFiles(present={"/metrics"})
    if state == "unlocked":
        do(host, "locked")
    before = dict(host.files)
    assert do(host, state, check_mode=True, summary={"a": 1} if state == "unlocked" else {})["changed"]
    assert host.files == before


def test_only_the_newest_runs_are_kept() -> None:
    host = FakeFiles()
    for number in range(5):
        do(host, "locked", f"2026112{number}")
        do(host, "unlocked", f"2026112{number}", keep=3)
    assert host.folders(FOLDER) == ["20261122", "20261123", "20261124"]


def test_a_lock_that_cannot_be_read_is_held_by_nobody_knows_whom() -> None:
    host = FakeFiles(files={f"{FOLDER}/lock.json": '{"run": "r'})
    with pytest.raises(TaskError, match=r"locked on lb1 by /r/backends/lock.json cannot be read: look at it"):
        do(host, "locked")
    assert info(host)["backends"]["lock"]["run"] == ""


def test_a_run_without_an_end_is_unfinished_until_a_later_one_ends() -> None:
    host = FakeFiles()
    assert info(host) == {"backends": {"lock": {}, "last": {}, "unfinished": ""}}
    assert info(host, "") == {}
    do(host, "locked")
    assert info(host, "")["backends"]["unfinished"] == "run1"
    do(host, "unlocked", "", break_run="run1")
    assert info(host)["backends"]["unfinished"] == "run1"
    do(host, "locked", "run2")
    do(host, "unlocked", "run2")
    assert info(host)["backends"]["unfinished"] == ""


@pytest.mark.parametrize(
    ("changed", "option"),
    [
        ({"name": "../etc"}, "name"),
        ({"run": "a/b"}, "run"),
        ({"run": ""}, "run"),
        ({"run": ".."}, "run"),
        ({"break_run": "run1"}, "break_run"),
        ({"summary": {"a": 1}}, "summary"),
        ({"timeline": "x"}, "timeline"),
        ({"keep": 0}, "keep"),
        ({"events": [{}]}, "events[0].event"),
    ],
)
def test_options_that_cannot_be_used(changed: dict[str, Any], option: str) -> None:
    with pytest.raises(ConfigError) as caught:
        lock_task.run({**params("locked"), **changed}, FakeFiles(), False)
    assert option in [finding.path for finding in caught.value.findings]


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (119.0, "119 s"), (300.0, "5 min"), (9000.0, "2.5 h")])
def test_an_age_is_said_as_people_do(seconds: float, text: str) -> None:
    assert lock.duration(seconds) == text

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import release
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout.fakes import FakeReleases

PATH = "/srv/notes-backend1"
UNIT = {
    "ActiveState": "active",
    "SubState": "running",
    "MainPID": "812",
    "NRestarts": "2",
    "ActiveEnterTimestampMonotonic": "400000000",
}


def host(**changed: Any) -> FakeReleases:
    return FakeReleases(
        links={f"{PATH}/current": "releases/1.10.0", f"{PATH}/previous": "releases/1.9.0"},
        tree={f"{PATH}/releases": ["1.10.0", "1.11.0", "1.9.0"]},
        times={f"{PATH}/releases/1.9.0/.complete": 10.0, f"{PATH}/releases/1.10.0/.complete": 20.0},
        **{"properties": UNIT, "directory": f"{PATH}/releases/1.9.0/app", **changed},
    )


def look(machine: FakeReleases, **changed: Any) -> dict[str, Any]:
    files = {"mark": "", "marks_after": [], "started_file": ""}
    where = {"path": PATH, "folder": "releases", "marker": ".complete"}
    params = {**where, "unit": "notes-backend1", "listen": "", **files, **changed}
    result = release.run(params, machine, False)
    assert result["changed"] is False
    return dict(result["release"])


def test_what_is_switched_to_and_what_runs_are_told_apart() -> None:
    assert look(host()) == {
        "path": PATH,
        "current": "1.10.0",
        "previous": "1.9.0",
        "staged": ["1.10.0", "1.11.0", "1.9.0"],
        "complete": ["1.9.0", "1.10.0"],
        "unit": "notes-backend1",
        "active": "active",
        "sub": "running",
        "main_pid": 812,
        "running": "1.9.0",
        "restarts": 2,
        "since": 600.0,
        "rivals": [],
        "restart_due": False,
    }


def test_a_host_without_a_release_is_no_error() -> None:
    seen = look(FakeReleases(properties={"ActiveState": "inactive", "MainPID": "0", "NRestarts": "[not set]"}))
    assert (seen["current"], seen["previous"], seen["complete"], seen["running"]) == ("", "", [], "")
    assert (seen["active"], seen["main_pid"], seen["since"], seen["restarts"]) == ("inactive", 0, 0.0, 0)


def test_without_a_unit_nothing_runs() -> None:
    seen = look(host(), unit="")
    assert (seen["active"], seen["running"], seen["current"]) == ("", "", "1.10.0")


@pytest.mark.parametrize(
    ("pid", "rivals"),
    [
        ("812", []),
        ("99", ["10.0.0.1:5000 is taken: python3 (process 812) listens on 10.0.0.1:5000"]),
        # It has ended, and somebody else answers.
        ("0", ["10.0.0.1:5000 is taken: python3 (process 812) listens on 10.0.0.1:5000"]),
    ],
)
def test_who_listens_in_the_place_of_the_main_process(pid: str, rivals: list[str]) -> None:
    listeners = 'LISTEN 0 128 10.0.0.1:5000 0.0.0.0:* users:(("python3",pid=812,fd=4))'
    machine = host(listeners=listeners, properties={**UNIT, "MainPID": pid})
    assert look(machine, listen="10.0.0.1:5000")["rivals"] == rivals
    assert look(machine)["rivals"] == []


def test_a_socket_of_nobody_known_is_no_rival() -> None:
    machine = host(listeners="LISTEN 0 128 10.0.0.1:5000 0.0.0.0:*")
    assert look(machine, listen="10.0.0.1:5000")["rivals"] == []


@pytest.mark.parametrize(
    ("directory", "version"),
    [
        (f"{PATH}/releases/1.9.0/app", "1.9.0"),
        (f"{PATH}/releases/1.9.0", "1.9.0"),
        (f"{PATH}/releases/1.9.0/app (deleted)", "1.9.0"),
        (f"{PATH}/releases/1.9.0 (deleted)", "1.9.0"),
        (f"{PATH}/releases", ""),
        (f"{PATH}-other/releases/1.9.0/app", ""),
        ("/", ""),
        ("", ""),
    ],
)
def test_the_release_of_a_working_directory(directory: str, version: str) -> None:
    assert release.running_in(directory, PATH) == version


@pytest.mark.parametrize(
    ("target", "version"),
    [
        ("releases/1.0.0", "1.0.0"),
        ("/srv/notes/releases/1.0.0/", "1.0.0"),
        ("1.0.0", ""),
        ("../other/1.0.0", ""),
        ("", ""),
    ],
)
def test_the_version_of_a_link(target: str, version: str) -> None:
    assert release.version_of(target, "releases") == version


@pytest.mark.parametrize(
    ("times", "started_file", "due"),
    [
        ({}, "/run/started", False),
        ({"/run/started": 100.0}, "/run/started", False),
        ({"/run/started": 100.0, "/etc/env": 99.0}, "/run/started", False),
        ({"/run/started": 100.0, "/etc/env": 101.0}, "/run/started", True),
        ({"/run/started": 100.0, "/mark": 1.0}, "/run/started", True),
        # What does not run needs no restart.
        ({"/mark": 1.0, "/etc/env": 101.0}, "/run/started", False),
        ({"/mark": 1.0}, "", True),
        ({"/etc/env": 101.0}, "", False),
    ],
)
def test_a_restart_is_due(times: dict[str, float], started_file: str, due: bool) -> None:
    assert release.restart_due(FakeReleases(times=times), "/mark", ["/etc/env", "/etc/unit"], started_file) is due

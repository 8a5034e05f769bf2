"""A release on disk, and a process that works in it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.web.tests.unit.plugins.modules import support

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
SYSTEMCTL = """#!/bin/sh
[ "$1" = show ] && [ "$3" = -- ] && [ "$4" = notes.service ] || exit 1
echo LoadState=loaded
echo ActiveState=active
echo SubState=running
echo MainPID=%d
echo NRestarts=1
echo ActiveEnterTimestampMonotonic=1
"""


@pytest.fixture(name="path")
def path_fixture(tmp_path: Path) -> Path:
    path = tmp_path / "srv"
    for number, version in enumerate(("1.9.0", "1.10.0", "1.11.0")):
        folder = path / "releases" / version / "app"
        folder.mkdir(parents=True)
        if version != "1.11.0":
            complete = folder.parent / ".complete"
            complete.touch()
            os.utime(complete, (number, number))
    (path / "current").symlink_to("releases/1.10.0")
    (path / "previous").symlink_to("releases/1.9.0")
    return path


def look(path: Path, tmp_path: Path, pid: int, **changed: Any) -> dict[str, Any]:
    (tmp_path / "systemctl").write_text(SYSTEMCTL % pid, encoding="utf-8")
    (tmp_path / "systemctl").chmod(0o755)
    return support.run("release_info", programs=str(tmp_path), path=str(path), unit="notes.service", **changed)


def test_the_release_that_the_process_works_in(path: Path, tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP, cwd=path / "releases/1.9.0/app") as process:
        try:
            seen = look(path, tmp_path, process.pid)["release"]
            assert (seen["current"], seen["previous"], seen["running"]) == ("1.10.0", "1.9.0", "1.9.0")
            assert (seen["staged"], seen["complete"]) == (["1.10.0", "1.11.0", "1.9.0"], ["1.9.0", "1.10.0"])
            assert (seen["active"], seen["main_pid"], seen["restarts"]) == ("active", process.pid, 1)
            assert seen["since"] > 0
            shutil.rmtree(path / "releases/1.9.0")
            assert look(path, tmp_path, process.pid, check_mode=True)["release"]["running"] == "1.9.0"
            # Behind a symlink it is the same directory.
            (tmp_path / "link").symlink_to(path)
            assert look(tmp_path / "link", tmp_path, process.pid)["release"]["running"] == "1.9.0"
        finally:
            process.kill()


def test_a_process_that_has_ended_runs_in_nothing(path: Path, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert look(path, tmp_path, process.pid)["release"]["running"] == ""


def test_a_configuration_newer_than_the_process_asks_for_a_restart(path: Path, tmp_path: Path) -> None:
    started, changed, mark = tmp_path / "started", tmp_path / "environment", tmp_path / "mark"
    options: dict[str, Any] = {
        "mark": str(mark),
        "marks_after": [str(changed), str(tmp_path / "none")],
        "started_file": str(started),
    }
    assert not look(path, tmp_path, 0, **options)["release"]["restart_due"]
    started.touch()
    changed.touch()
    os.utime(started, (200, 200))
    os.utime(changed, (100, 100))
    assert not look(path, tmp_path, 0, **options)["release"]["restart_due"]
    mark.touch()
    assert look(path, tmp_path, 0, **options)["release"]["restart_due"]
    mark.unlink()
    os.utime(changed, (300, 300))
    assert look(path, tmp_path, 0, **options)["release"]["restart_due"]


def test_another_process_that_listens_is_told(path: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, subprocess.Popen(SLEEP) as process:
        listen = f"127.0.0.1:{server.getsockname()[1]}"
        try:
            assert look(path, tmp_path, os.getpid(), listen=listen)["release"]["rivals"] == []
            (rival,) = look(path, tmp_path, process.pid, listen=listen)["release"]["rivals"]
            assert f"(process {os.getpid()}) listens on {listen}" in rival
        finally:
            process.kill()


def test_systemd_that_does_not_answer_is_an_error(path: Path, tmp_path: Path) -> None:
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho no bus >&2; exit 1\n", encoding="utf-8")
    (tmp_path / "systemctl").chmod(0o755)
    result = support.run("release_info", programs=str(tmp_path), path=str(path), unit="x.service")
    assert result["failed"]
    assert "no bus" in result["msg"]


def test_without_a_marker_a_directory_is_whole_unless_it_is_hidden(tmp_path: Path) -> None:
    for number, name in enumerate(("new", "old", ".incoming")):
        (tmp_path / "builds" / name).mkdir(parents=True)
        os.utime(tmp_path / "builds" / name, (9 - number, 9 - number))
    (tmp_path / "current").symlink_to("builds/new")
    (tmp_path / "previous").symlink_to("releases/old")
    seen = support.run("release_info", path=str(tmp_path), folder="builds", marker="")["release"]
    assert (seen["current"], seen["previous"]) == ("new", "")
    assert (seen["staged"], seen["complete"]) == ([".incoming", "new", "old"], ["old", "new"])


def test_a_host_without_releases_is_no_error(tmp_path: Path) -> None:
    seen = support.run("release_info", path=str(tmp_path / "none"))["release"]
    assert (seen["current"], seen["complete"], seen["active"]) == ("", [], "")

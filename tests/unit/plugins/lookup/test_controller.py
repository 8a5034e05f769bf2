"""Who runs, and which runs are dead."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from ansible_collections.evenkeel.web.plugins.lookup import controller

HERE, BOOT = controller.machine(), controller.text_of(controller.BOOT_ID)


def lock(run: str, pid: int, started: int, machine: str = HERE, boot: str = BOOT) -> dict[str, Any]:
    return {"run": run, "controller": {"machine": machine, "boot": boot, "pid": pid, "started": started}}


def gone(*locks: dict[str, Any]) -> list[str]:
    return controller.gone(locks, HERE, BOOT)


def test_a_process_that_lives_is_not_gone_and_one_with_its_number_is_another() -> None:
    pid = os.getpid()
    started = controller.process(pid)[1]
    assert started > 0
    assert gone(lock("run1", pid, started), {}, {"run": "run2"}) == []
    assert gone(lock("run1", pid, started + 1)) == ["run1"]


def test_a_process_that_was_killed_is_gone_also_before_its_parent_has_looked() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        known = lock("run1", process.pid, controller.process(process.pid)[1])
        assert gone(known) == []
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert gone(known) == ["run1"]
    assert gone(known, known) == ["run1"]


def test_of_another_machine_or_boot_nothing_is_proven() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert gone(lock("run1", process.pid, 1, machine="other"), lock("run2", process.pid, 1, boot="other")) == []
    assert gone(lock("run3", 0, 1), lock("run4", process.pid, 0)) == []
    assert controller.gone([lock("run5", process.pid, 1, boot="")], HERE, "") == []
    assert gone(lock("run6", process.pid, 1)) == ["run6"]


def test_who_names_user_and_host() -> None:
    assert "@" in controller.who()
    assert controller.playbook() == os.getpid()

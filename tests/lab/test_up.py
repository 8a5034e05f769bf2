"""What an interrupted `make up` leaves does not stop the next one."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tools.lab import up


def test_only_the_lock_of_a_run_that_is_gone_is_removed(tmp_path: Path) -> None:
    left, held, secret = (tmp_path / name for name in ("a.ansible_lockfile", "b.ansible_lockfile", "mysql_app"))
    for path in (left, held, secret):
        path.touch()
    old = time.time() - 60
    for path in (left, secret):
        os.utime(path, (old, old))
    up.forget_locks(tmp_path)
    assert sorted(tmp_path.iterdir()) == [held, secret]


def test_a_lab_without_secrets_has_no_locks(tmp_path: Path) -> None:
    up.forget_locks(tmp_path / "secrets")

"""What the kernel refuses, and locks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import HostError, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._common.host import locked, sync, told


def test_what_the_kernel_refuses_is_a_sentence_with_the_path(tmp_path: Path) -> None:
    path = str(tmp_path / "a/b")
    with pytest.raises(TaskError, match=f"{path}: No such file or directory$") as caught, told(path):
        Path(path).read_text(encoding="utf-8")
    assert caught.value.details == {"path": path}


@pytest.mark.parametrize(("user", "advice"), [(0, ""), (1000, ": the task needs become: true")])
def test_who_may_not_is_told_what_the_task_needs(user: int, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(HostError) as caught, told("/etc/x"):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert str(caught.value) == f"/etc/x: Permission denied{advice}"


def test_a_lock_is_had_once_until_it_is_closed(tmp_path: Path) -> None:
    first, second = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _number in range(2))
    assert (locked(first), locked(second)) == (True, False)
    os.close(first)
    assert locked(second)
    os.close(second)


def test_a_folder_that_is_not_there_cannot_be_synced(tmp_path: Path) -> None:
    sync(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        sync(str(tmp_path / "none"))

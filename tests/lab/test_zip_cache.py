"""What the machines keep of the modules that Ansible sends: never something else than the zip holds."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.lab.image import ROOTFS

CACHE = ROOTFS / "usr/lib/python3/dist-packages"
PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:3]
import lab_zip_cache
lab_zip_cache.FOLDER = sys.argv[3]
import sent
print(sent.VALUE)
"""


def value(archive: Path, folder: Path) -> str:
    command = [sys.executable, "-c", PROGRAM, str(archive), str(CACHE), str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def send(archive: Path, source: str) -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("sent.py", source)
    return archive


def test_a_source_is_compiled_once_and_another_one_again(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    assert value(send(tmp_path / "one.zip", "VALUE = 1"), folder) == "1"
    (first,) = folder.iterdir()
    assert value(send(tmp_path / "again.zip", "VALUE = 1"), folder) == "1"
    assert list(folder.iterdir()) == [first]
    assert value(send(tmp_path / "one.zip", "VALUE = 2"), folder) == "2"
    assert len(list(folder.iterdir())) == 2


def test_what_is_kept_is_used(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    value(send(tmp_path / "one.zip", "VALUE = 1"), one)
    value(send(tmp_path / "other.zip", "VALUE = 'the other'"), other)
    (kept,), (others,) = one.iterdir(), other.iterdir()
    kept.write_bytes(others.read_bytes())
    assert value(tmp_path / "one.zip", one) == "the other"


@pytest.mark.parametrize("folder", ["/proc/lab-zip-cache", "/dev/null"])
def test_where_nothing_can_be_kept_modules_work_as_ever(tmp_path: Path, folder: str) -> None:
    assert value(send(tmp_path / "one.zip", "VALUE = 1"), Path(folder)) == "1"


def test_the_machines_load_it() -> None:
    command = [sys.executable, "-c", "import site, sys; site.addsitedir(sys.argv[1]); print(*sys.modules)", str(CACHE)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "lab_zip_cache" in done.stdout and done.stderr == ""

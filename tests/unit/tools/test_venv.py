"""The environment of the checkout is made anew where it was interrupted, and kept where it is whole."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
UV = """#!/bin/sh
echo "$1" >> calls
"""


def executable(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize(("there", "calls"), [(["python"], ["venv", "pip"]), (["python", "pip"], ["pip"])])
def test_an_environment_that_has_no_pip_is_made_anew(there: list[str], calls: list[str], tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/venv", tmp_path / "tools/venv")
    for name in ("requirements-uv.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("")
    executable(tmp_path / ".uv/bin/uv", UV)
    made = subprocess.run(
        ["sha256sum", "requirements-uv.txt"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    (tmp_path / ".uv/.complete").write_text(made.stdout)
    for name in there:
        executable(tmp_path / ".venv/bin" / name)
    subprocess.run(["tools/venv"], cwd=tmp_path, check=True)
    assert (tmp_path / "calls").read_text().split() == calls

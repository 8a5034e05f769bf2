"""The state of a lab: JSON files in its folder, each written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def default_lab_dir() -> Path:
    """Return the folder of the lab that commands mean when none is named."""
    return Path(os.environ.get("EVENKEEL_LAB_DIR") or ROOT / ".lab" / "site").absolute()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; it goes away with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a state file, empty where there is none."""
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def write_text(path: Path, text: str, mode: int = 0o644) -> bool:
    """Write a file in one step and say whether that changed it."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.chmod(mode)
    temporary.replace(path)
    return True


def write_json(path: Path, content: object) -> bool:
    """Write a state file in one step and say whether that changed it."""
    return write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")

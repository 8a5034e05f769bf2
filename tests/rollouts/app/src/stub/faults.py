"""What is wrong with this release.

Words separated by space, each `name` or `name:seconds`, from three places: the environment (STUB_FAULT), the release
(stub/fault.txt), and, while it runs, `fault.<version>` in the state directory.

start-fails        the process ends as soon as it has started
slow-start:n       it takes n seconds until it answers
unhealthy          /health answers 500
redirect           /health answers 301
errors             /api/... answers 500, /health 200
ignores-sigterm    it does not stop when it is asked to
migration-fails    the migration fails
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from stub.settings import SERVICE, STATE, VERSION

RELEASE_FAULTS = Path(__file__).resolve().parent / "fault.txt"
RUNTIME_FAULTS = STATE / f"fault.{VERSION}"


class BrokenReleaseError(Exception):
    """This release does not start."""


def parse(text: str) -> dict[str, float]:
    """Return the faults that a text names, each with its seconds."""
    pairs = (word.partition(":") for word in text.split())
    return {name: float(seconds or 0) for name, _, seconds in pairs}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


BUILT_IN = parse(os.environ.get("STUB_FAULT", "")) | parse(_read(RELEASE_FAULTS))


def faults() -> dict[str, float]:
    """Return the faults of this moment."""
    return BUILT_IN | parse(_read(RUNTIME_FAULTS))


def start() -> None:
    """Do what is wrong with the start of a worker."""
    found = faults()
    if not SERVICE:
        return
    if "start-fails" in found:
        raise BrokenReleaseError("this release does not start (fault start-fails)")
    time.sleep(found.get("slow-start", 0))


def ignore_sigterm() -> None:
    """Ignore the signal to stop, if that is what is wrong."""
    if "ignores-sigterm" in faults():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

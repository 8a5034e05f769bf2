"""Who this process is, and where it keeps what it remembers."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

# <release>/app/stub/settings.py: resolve() goes through `current`, so this is the version that really runs.
RELEASE_FILE = Path(__file__).resolve().parents[2] / "release.json"


def read_version(path: Path = RELEASE_FILE) -> str:
    """Return the version in release.json, or "dev" where there is none (a checkout)."""
    return str(json.loads(path.read_text(encoding="utf-8"))["version"]) if path.exists() else "dev"


VERSION = os.environ.get("STUB_VERSION") or read_version()
INSTANCE = os.environ.get("INSTANCE_ID") or socket.gethostname()
# Only a service has both: a release that is imported while it is staged shows no fault.
SERVICE = "INSTANCE_ID" in os.environ
STATE = Path(os.environ.get("STATE_DIRECTORY", "/nonexistent").split(":")[0])
HEADERS = {"X-Served-By": INSTANCE, "X-App-Version": VERSION}

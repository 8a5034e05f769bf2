"""Settings: the instance comes from the environment, the version from the release."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

# <release>/app/echo/settings.py: resolve() goes through `current`, so this is the version that really runs.
RELEASE_FILE = Path(__file__).resolve().parents[2] / "release.json"


@dataclass(frozen=True)
class Settings:
    """The settings of one instance."""

    instance_id: str
    version: str


def read(release: Path = RELEASE_FILE) -> Settings:
    """Read the settings; a checkout has no release.json, its version is "dev"."""
    version = json.loads(release.read_text(encoding="utf-8"))["version"] if release.exists() else "dev"
    return Settings(instance_id=os.environ.get("INSTANCE_ID") or socket.gethostname(), version=str(version))

"""The stub: the application of the rollout tests, packed as versions that have faults."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.site.lab import ROOT

APP = Path(__file__).resolve().parent / "app"
# Each fault is a version of its own, because a version never changes: 2.0.0-unhealthy and so on.
FAULTS = {
    "start-fails": "start-fails",
    "unhealthy": "unhealthy",
    "redirect": "redirect",
    "errors": "errors",
    "slow": "slow-start:4",
    "ignores-sigterm": "ignores-sigterm",
    "migration-fails": "migration-fails",
}


def pack(version: str, out: Path, interface: str = "wsgi", fault: str = "", pythons: str = "") -> Path:
    """Pack a version of the stub into a directory and return the artefact.

    :param pythons: of the hosts, such as "3.11"; empty: those of artefact.toml
    """
    with tempfile.TemporaryDirectory() as scratch:
        app = Path(scratch) / "app"
        shutil.copytree(APP, app, ignore=shutil.ignore_patterns("__pycache__"))
        toml = app / "artefact.toml"
        toml.write_text(toml.read_text().replace("wsgi", interface))
        if fault:
            (app / "src/stub/fault.txt").write_text(f"{fault}\n")
        command = [sys.executable, "tools/artefact.py", "--version", version, "--app", str(app), "--out", str(out)]
        command += ["--pythons", pythons]
        done = subprocess.run([*command, "--force"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return out / f"stub-{version}.tar.gz"

"""What the tests of actions share: ansible-playbook in a throw-away site, with nothing of whoever runs the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def run(site: Path, *arguments: str) -> tuple[int, str]:
    """Run play.yml with the collections of a site; return exit code and output."""
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(site / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(site / "temporary"),
        "ANSIBLE_HOME": str(site / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    }
    done = subprocess.run(
        ["ansible-playbook", *arguments, "play.yml"],
        cwd=site,
        env={name: value for name, value in environment.items() if name != "ANSIBLE_CONFIG"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr

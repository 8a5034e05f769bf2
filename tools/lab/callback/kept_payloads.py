"""Keeps the payloads that ansible-playbook builds of modules: each run builds them anew, a sixth of its processor time.

They are kept by the content of all plugins and the version of ansible-core, so none is ever wrong. For the tests, which
run hundreds of playbooks; Ansible itself guards a file that two runs build at once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__

DOCUMENTATION = """
name: kept_payloads
type: aggregate
short_description: Keep the payloads of modules between runs
description:
  - Keeps the payloads of modules between runs.
"""
ROOT = Path(__file__).resolve().parents[3]


def place(root: Path) -> Path:
    """Return the directory of the payloads that belong to what the plugins of a checkout are now."""
    total = hashlib.sha256(__version__.encode())
    for path in sorted((root / "plugins").rglob("*.py")):
        total.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return root / ".cache/payloads" / total.hexdigest()[:16]


class CallbackModule(CallbackBase):
    """Points the directory of payloads of this run to the one that is kept."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kept_payloads"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        """Do it before the first task."""
        super().__init__()
        kept = place(ROOT)
        kept.mkdir(parents=True, exist_ok=True)
        (Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache").symlink_to(kept)

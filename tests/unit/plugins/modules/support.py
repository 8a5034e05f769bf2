"""Run a module as Ansible does on a host: in a process of its own, with its arguments on standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import host

COLLECTION = "ansible_collections.evenkeel.web.plugins.modules"
ROOT = str(Path(host.__file__).parents[6])
PROGRAM = """
import runpy, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
"""


def start(name: str, /, check_mode: bool = False, programs: str = "", **arguments: Any) -> subprocess.Popen[bytes]:
    """Start a module.

    :param programs: a directory whose programs come before those of the system
    """
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([ROOT, *filter(None, sys.path)]),
        "PATH": os.pathsep.join(filter(None, [programs, os.environ.get("PATH", os.defpath)])),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"{COLLECTION}.{name}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check_mode}}).encode())
    process.stdin.close()
    process.stdin = None
    return process


def result_of(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Wait for a module and return what it says."""
    output, _errors = process.communicate(timeout=60)
    return dict(json.loads(output))


def run(module: str, /, **arguments: Any) -> dict[str, Any]:
    """Run a module and return what it says."""
    return result_of(start(module, **arguments))

"""Runs a module of the collection on a machine, as ansible does, and kills it where a test wants that.

    python3 module_runner.py NAME [--count | --die-at N] < '{"ANSIBLE_MODULE_ARGS": ...}'

The modules know nothing of this: the effects of their host.py are wrapped here.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

COLLECTION = "ansible_collections.evenkeel.web.plugins"
# The functions of host.py after which the world is another one.
EFFECTS = ("write", "remove", "set_record", "set_undo", "settle", "prepare", "announce", "signal")


def wrapped(effect: Callable[..., Any], name: str, seen: list[str], die_at: int) -> Callable[..., Any]:
    @functools.wraps(effect)
    def call(*arguments: Any, **options: Any) -> Any:
        result = effect(*arguments, **options)
        seen.append(name)
        if len(seen) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def watch(die_at: int) -> list[str]:
    """Wrap the effects; after the one with this number the process dies as by SIGKILL."""
    seen: list[str] = []
    host = importlib.import_module(f"{COLLECTION}.module_utils._nginx.host")
    for name in EFFECTS:
        setattr(host.LocalHost, name, wrapped(getattr(host.LocalHost, name), name, seen, die_at))
    return seen


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--die-at", type=int, default=0)
    arguments = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    from ansible.module_utils import basic

    basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
    basic._ANSIBLE_PROFILE = "legacy"
    seen = watch(arguments.die_at) if arguments.count or arguments.die_at else []
    try:
        runpy.run_module(f"{COLLECTION}.modules.{arguments.module}", run_name="__main__", alter_sys=True)
    finally:
        if arguments.count:
            sys.stderr.write(" ".join(seen))


main()

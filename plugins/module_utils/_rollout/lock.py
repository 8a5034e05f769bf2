# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""The lock of a rollout on one load balancer: who has it, since when, and what it did last."""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import RolloutHost

LOCK = "lock.json"
LAST = "last.json"
# Both become names of directories.
RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}")
NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,63}")
# Seconds up to which an age is told in seconds, and in minutes.
IN_SECONDS, IN_MINUTES = 120, 7200
# What proves later that a run is dead.
CONTROLLER = ("machine", "boot", "pid", "started")
Lock = dict[str, t.Any]


def read(host: RolloutHost, folder: str) -> Lock:
    """Return the lock of a group as it is on disk; empty: nobody has it."""
    text = host.read(f"{folder}/{LOCK}")
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found.get("run"):
        return {"run": "", "error": f"{folder}/{LOCK} cannot be read: look at it, and remove it"}
    return found


def write(host: RolloutHost, folder: str, lock: Lock) -> None:
    """Put a lock on disk; only while alone in the directory."""
    host.write(f"{folder}/{LOCK}", json.dumps(lock) + "\n")


def remove(host: RolloutHost, folder: str) -> None:
    """Remove the lock; only while alone in the directory."""
    host.remove(f"{folder}/{LOCK}")


def taken(params: Mapping[str, t.Any], now: float) -> Lock:
    """Return a new lock.

    :param now: this host's clock, since the epoch
    """
    controller = {key: params["controller"][key] for key in CONTROLLER if key in params["controller"]}
    wanted = {key: params[key] for key in ("run", "who", "verb", "version", "step")}
    return {**wanted, "taken": now, "seen": now, "controller": controller}


def with_age(lock: Lock, now: float) -> Lock:
    """Return a lock with the seconds since its last step; empty stays empty."""
    return {**lock, "age": round(max(now - float(lock.get("seen", now)), 0.0), 1)} if lock else {}


def last(host: RolloutHost, folder: str) -> dict[str, t.Any]:
    """Return how the last rollout that ended did so; empty: there was none."""
    try:
        found = json.loads(host.read(f"{folder}/{LAST}") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def duration(seconds: float) -> str:
    """Return seconds as people say them."""
    if seconds < IN_SECONDS:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < IN_MINUTES else f"{seconds / 3600:.1f} h"


def held(lock: Lock, now: float) -> str:
    """Say who has a lock.

    :param now: this host's clock, since the epoch
    """
    if not lock["run"]:
        return str(lock["error"])
    version = f" of {lock['version']}" if lock.get("version") else ""
    what = f"{lock.get('verb') or 'rollout'}{version}"
    step = f"last step '{lock['step']}'" if lock.get("step") else "last seen"
    age = duration(with_age(lock, now)["age"])
    who = f", {lock['who']}" if lock.get("who") else ""
    return f"{what}, run {lock['run']}{who}, {step} {age} ago by this host's clock"

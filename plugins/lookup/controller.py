# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell who runs this playbook, in which process, and which other runs are dead."""

from __future__ import annotations

DOCUMENTATION = r"""
name: controller
author: Contributors to the evenkeel.web collection (@evenkeel)
version_added: 0.3.0
short_description: Tell who runs this playbook, in which process, and which other runs are dead
description:
  - Looks at the controller, and changes nothing.
  - A run is proven dead when it ran on this machine, since the same boot, and its process is gone or is another one by
    now. Of a run on another machine nothing can be proven.
options:
  _terms:
    description: Not used.
  locks:
    description: Locks of rollouts, as M(evenkeel.web.rollout_info) returns them. Empty ones are skipped.
    type: list
    elements: dict
    default: []
seealso:
  - module: evenkeel.web.rollout
"""

EXAMPLES = r"""
- name: Say who is at work
  ansible.builtin.debug:
    msg: "{{ lookup('evenkeel.web.controller').who }}"

- name: Say which runs are dead
  ansible.builtin.debug:
    msg: "{{ lookup('evenkeel.web.controller', locks=[rollouts.groups.backends.lock]).gone }}"
"""

RETURN = r"""
_raw:
  description: One dictionary.
  type: list
  elements: dict
  contains:
    who:
      description: User and host.
      type: str
    machine:
      description: What identifies this machine, or the container that Ansible runs in.
      type: str
    boot:
      description: What identifies its boot. Empty if the system does not tell.
      type: str
    pid:
      description: The process of C(ansible-playbook).
      type: int
    started:
      description: When the process started, in ticks since the boot. V(0) if the system does not tell.
      type: int
    extra_vars:
      description: Names of the variables that were given with C(-e), sorted.
      type: list
      elements: str
    rollout_extra_vars:
      description:
        - For each of these variables whose name begins with C(rollout_) what gives it again, behind C(-e).
        - The group, the verb and the version are left out, as a command names them, and what a vault holds.
      type: dict
      sample: {rollout_serial: rollout_serial=2, rollout_monitor: '{"rollout_monitor": {"seconds": 2}}'}
    typed:
      description:
        - How the command was typed, as the next one must be - C(playbook), a form for its verb, and C(options), which
          name the inventory, where another one than the configured was given, and what opens the vault.
      type: dict
      sample: {playbook: "{}.yml", options: ["-i", "inventories/yours"]}
    now:
      description: The clock of the controller, in seconds since the epoch.
      type: float
    gone:
      description: Runs of O(locks) that are proven dead.
      type: list
      elements: str
"""

import getpass
import hashlib
import multiprocessing
import os
import socket
import time
import typing as t
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible import constants, context
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.words import extra_vars, typed

MACHINE_ID = Path("/etc/machine-id")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Only its parent has to wait for it: it does nothing any more.
DEAD = ("Z", "X")


def who() -> str:
    """Return the user and the host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def machine() -> str:
    """Return what identifies this machine. Containers of one image share an id, so their process numbers count too."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return hashlib.sha256("\n".join((text_of(MACHINE_ID), socket.gethostname(), namespace)).encode()).hexdigest()[:16]


def text_of(path: Path) -> str:
    """Return the text of a file; empty: it cannot be read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def playbook() -> int:
    """Return the process of ansible-playbook: a lookup runs in it or in a worker of it."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


def typed_here() -> dict[str, t.Any]:
    """Return how the command of this run was typed."""
    playbooks, options = context.CLIARGS.get("args") or [""], dict(context.CLIARGS)
    # Ansible has made them absolute; whoever types the next command is where they have typed this one.
    here = f"{Path.cwd()}/"
    for name in ("inventory", "vault_password_files"):
        options[name] = [str(value).removeprefix(here) for value in options.get(name) or ()]
    usual = [str(source).removeprefix(here) for source in constants.DEFAULT_HOST_LIST]
    return typed(str(playbooks[0]), options, usual)


def process(pid: int) -> tuple[str, int]:
    """Return a process's state and when it started, in ticks since the boot; empty and 0: it cannot be told."""
    columns = text_of(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (columns[0], int(columns[19])) if len(columns) > 19 else ("", 0)


def is_gone(pid: int, started: int) -> bool:
    """Whether it is certain that a process of this machine does not run any more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        # It belongs to somebody else, so it is there.
        pass
    state, now = process(pid)
    return state in DEAD or (now != 0 and now != started)


def gone(locks: Iterable[Mapping[str, t.Any]], here: str, boot: str) -> list[str]:
    """Return the runs that are proven dead.

    :param here: this machine
    :param boot: its boot; empty: nothing can be proven
    """
    found = []
    for lock in locks:
        controller = lock.get("controller") or {}
        run, pid, started = lock.get("run"), int(controller.get("pid") or 0), int(controller.get("started") or 0)
        ours = boot and (controller.get("machine"), controller.get("boot")) == (here, boot)
        if run and ours and pid > 0 and started > 0 and run not in found and is_gone(pid, started):
            found.append(str(run))
    return found


class LookupModule(LookupBase):
    """Look at the controller."""

    def run(
        self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        """Return what the controller is."""
        self.set_options(var_options=variables, direct=kwargs)
        here, boot, pid = machine(), text_of(BOOT_ID), playbook()
        given = {str(name): value for name, value in load_extra_vars(self._loader).items()}
        return [
            {
                "who": who(),
                "machine": here,
                "boot": boot,
                "pid": pid,
                "started": process(pid)[1],
                "extra_vars": sorted(given),
                "rollout_extra_vars": extra_vars(given),
                "typed": typed_here(),
                "now": time.time(),
                "gone": gone(self.get_option("locks"), here, boot),
            }
        ]

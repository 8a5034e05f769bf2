# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""What rollout_info tells: locks, the last rollouts, and the runs that did not end."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import journal, lock
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import RolloutHost


def run(params: Mapping[str, t.Any], host: RolloutHost, check_mode: bool) -> dict[str, t.Any]:
    """Look, and return what was seen. Takes no lock: every file is replaced in one step.

    :param check_mode: makes no difference, as nothing is ever changed
    :raises ConfigError: options that cannot be used
    """
    name, path = params["name"], params["path"].rstrip("/")
    if name and not lock.NAME.fullmatch(name):
        raise ConfigError([Finding("name", name, "must be letters, digits and _ . -, or empty for all groups")])
    clock = host.wall()
    names = [name] if name else [found for found in host.folders(path) if lock.NAME.fullmatch(found)]
    return {
        "changed": False,
        "clock": clock,
        "groups": {found: _group(host, f"{path}/{found}", clock) for found in names},
    }


def _group(host: RolloutHost, folder: str, clock: float) -> dict[str, t.Any]:
    return {
        "lock": lock.with_age(lock.read(host, folder), clock),
        "last": lock.last(host, folder),
        "unfinished": _unfinished(host, folder),
    }


def _unfinished(host: RolloutHost, folder: str) -> str:
    """Return the newest run if it has not told how it ended; a later one that has makes an earlier one history."""
    runs = [run for run in host.folders(folder) if lock.RUN.fullmatch(run)]
    return runs[-1] if runs and not journal.has_end(host, f"{folder}/{runs[-1]}") else ""

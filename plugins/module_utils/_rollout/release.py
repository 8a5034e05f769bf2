# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""Which release a host has, and which one its process really runs in."""

from __future__ import annotations

import posixpath
import typing as t
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.listeners import port_conflicts
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import ReleaseHost

RELEASES = "releases"
# What the kernel writes behind the path of a directory that was removed.
DELETED = " (deleted)"


def run(params: Mapping[str, t.Any], host: ReleaseHost, check_mode: bool) -> dict[str, t.Any]:
    """Look, and return what was seen.

    :param check_mode: makes no difference, as nothing is ever changed
    :raises HostError: the host refuses to tell
    """
    path = params["path"].rstrip("/") or "/"
    folder = params["folder"]
    staged = host.folders(f"{path}/{folder}")
    return {
        "changed": False,
        "release": {
            "path": path,
            "current": version_of(host.link(f"{path}/current"), folder),
            "previous": version_of(host.link(f"{path}/previous"), folder),
            "staged": staged,
            "complete": _complete(host, f"{path}/{folder}", params["marker"], staged),
            "unit": params["unit"],
            **_unit(host, path, params["unit"], params["listen"]),
            "restart_due": restart_due(host, params["mark"], params["marks_after"], params["started_file"]),
        },
    }


def version_of(target: str, folder: str) -> str:
    """Return the version that a link C(current) leads to; empty: to none.

    :param folder: the name of the directory of all versions
    """
    above, name = posixpath.split(target.rstrip("/"))
    return name if posixpath.basename(above) == folder else ""


def running_in(directory: str, path: str) -> str:
    """Return the version of the release that a working directory belongs to; empty: to none.

    :param path: the directory of C(releases), behind symlinks
    """
    inside = f"{path.rstrip('/')}/{RELEASES}/"
    directory = directory.removesuffix(DELETED)
    return directory[len(inside) :].split("/")[0] if directory.startswith(inside) else ""


def restart_due(host: ReleaseHost, mark: str, marks_after: list[str], started_file: str) -> bool:
    """Whether the process is older than its configuration. What does not run needs no restart."""
    started = host.modified(started_file) if started_file else None
    if started_file and started is None:
        return False
    if mark and host.modified(mark) is not None:
        return True
    configured = [host.modified(path) for path in marks_after]
    return started is not None and any(changed is not None and changed > started for changed in configured)


def _complete(host: ReleaseHost, inside: str, marker: str, staged: list[str]) -> list[str]:
    """Return the versions that can be switched to, oldest first."""
    # A hidden one is not whole yet, also where the directory itself is the mark.
    whole = [version for version in staged if not version.startswith(".")]
    times = {version: host.modified(posixpath.join(inside, version, marker)) for version in whole}
    found = [(time, version) for version, time in times.items() if time is not None]
    return [version for _time, version in sorted(found)]


def _unit(host: ReleaseHost, path: str, unit: str, listen: str) -> dict[str, t.Any]:
    known = host.unit(unit) if unit else {}
    pid = _number(known.get("MainPID"))
    entered = _number(known.get("ActiveEnterTimestampMonotonic"))
    active = known.get("ActiveState", "")
    since = host.now() - entered / 1e6 if active == "active" and entered else 0.0
    return {
        "active": active,
        "sub": known.get("SubState", ""),
        "main_pid": pid,
        "running": running_in(host.working_directory(pid), host.real(path)) if pid else "",
        "restarts": _number(known.get("NRestarts")),
        "since": round(max(since, 0.0), 1),
        "rivals": _rivals(host.listening(), listen, pid) if listen else [],
    }


def _rivals(listening: str, listen: str, pid: int) -> list[str]:
    """Return who else listens there. Workers have the socket from the main process, so it has it too."""
    # A host that hides whose a socket is must not look as if somebody had taken the port.
    known = [line for line in listening.splitlines() if "users:(" in line]
    return port_conflicts("\n".join(known), [listen], str(pid))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What nginx_upstream_info tells: what is on disk, who holds which server, and what nginx does."""

from __future__ import annotations

import posixpath
import typing as t
from collections.abc import Collection, Iterable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import reload as reloading
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import rotation, sight, values
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import UpstreamSite
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drain import Look, OldWorker
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import FEATURES, has
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold, Server
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Host
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.sight import Seen
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.sockets import BUSY, endpoint


def run(params: Mapping[str, t.Any], host: Host, check_mode: bool) -> dict[str, t.Any]:
    """Look, and return what was seen.

    :param check_mode: makes no difference, as nothing is ever changed
    :raises TaskError: there is no upstream of a name that was asked for
    """
    seen = sight.see(host, host.build())
    look = host.look(current=True)
    now = values.moment_of(host.wall())
    record = host.record()
    sites = _wanted(seen.configuration.upstreams, params["name"])
    return {
        "changed": False,
        "nginx": {
            "version": seen.build.text,
            "running": host.master() is not None,
            "config_file": host.conf_path,
            "refused": "" if seen.tested.ok else reloading.refused(seen.tested.messages),
            "features": {name: has(seen.build, name) for name in FEATURES},
        },
        "upstreams": [_upstream(site, look, now) for site in sites],
        "live": sight.live(host, seen, record.reload),
        "last_reload": dict(record.last),
        "old_workers": [_worker(worker) for worker in look.old_workers],
        "announced": host.announced(),
        "leftovers": host.leftovers(_folders(host, seen)),
        "warnings": _warnings(host, seen, sites, now),
    }


def _wanted(sites: Iterable[UpstreamSite], names: Collection[str] | None) -> list[UpstreamSite]:
    sites = list(sites)
    unknown = sorted(set(names or ()) - {site.name for site in sites})
    if unknown:
        known = ", ".join(sorted({site.name for site in sites})) or "none"
        raise TaskError(f"name: {', '.join(unknown)} is no upstream of this nginx; there are: {known}")
    return [site for site in sites if names is None or site.name in names]


def _upstream(site: UpstreamSite, look: Look, now: str) -> dict[str, t.Any]:
    upstream = site.upstream
    return {
        "name": site.name,
        "file": site.path,
        "line": site.line,
        "ours": site.ours,
        "method": upstream.method,
        "in_rotation": len(upstream.in_rotation()),
        "servers": [_server(server, look, now) for server in upstream.servers],
    }


def _server(server: Server, look: Look, now: str) -> dict[str, t.Any]:
    return {
        "address": server.address,
        "comment": server.comment,
        "state": "enabled" if server.enabled else "held",
        "backup": server.backup,
        "alone": server.alone is not None,
        "holds": [_hold(known, now) for known in server.holds],
        "sockets": {
            "current": _connections(look.current_workers, server.address),
            "old": _connections(look.old_workers, server.address),
        },
    }


def _hold(known: Hold, now: str) -> dict[str, t.Any]:
    age = values.seconds_between(known.since, now) if known.since else None
    return {**rotation.as_data([known])[0], "overdue": rotation.overdue(known, now), "age": age}


def _connections(workers: Iterable[OldWorker], address: str) -> int:
    wanted = endpoint(address)
    return sum(s.remote == wanted and s.state in BUSY for worker in workers for s in worker.sockets)


def _worker(worker: OldWorker) -> dict[str, t.Any]:
    busy = sum(socket.state in BUSY for socket in worker.sockets)
    return {"pid": worker.pid, "age": round(worker.age, 1), "memory_kib": worker.memory_kib, "sockets": busy}


def _folders(host: Host, seen: Seen) -> set[str]:
    folders = {posixpath.dirname(host.real(path)) for path in seen.configuration.files}
    return {*folders, posixpath.dirname(host.conf_path), host.upstreams_dir}


def _warnings(host: Host, seen: Seen, sites: Iterable[UpstreamSite], now: str) -> list[str]:
    told = [line for line in seen.tested.messages.splitlines() if "[warn]" in line]
    if not seen.tested.ok:
        told.append(f"{reloading.refused(seen.tested.messages)} What nginx serves is older.")
    loading = reloading.Loading(seen.build, seen.configuration, seen.fingerprint)
    window, cannot = reloading.announcement(host, loading)
    told += cannot
    window = window or seen.configuration.keepalive_min_timeout or 0.0
    if window and seen.configuration.keepalive_timeout > window:
        told.append(
            f"clients may stay idle for {seen.configuration.keepalive_timeout:g} s (keepalive_timeout), longer than a "
            f"reload waits for them ({window:g} s), which then breaks their connections"
        )
    for site in sites:
        told += rotation.warnings(site.upstream, now)
    return told

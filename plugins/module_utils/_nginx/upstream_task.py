# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What nginx_upstream does: make the file of an upstream what is wanted, and wait for servers that left it."""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import planner, rotation, transaction, values
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.arguments import read_upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.checker import check
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drainer import Drained, wait_until_drained
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import Build, has
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.owned import read_file, without_extras
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Host

WHAT = "nginx_upstream"


def run(params: Mapping[str, t.Any], host: Host, check_mode: bool) -> dict[str, t.Any]:
    """Do what the options say and return the result.

    :raises ConfigError: options that cannot be used, or no server would stay in rotation
    :raises TaskError: anything else
    """
    wanted = _fitting(read_upstream(params), host.build())
    if params["state"] == "present":
        findings = check(wanted, host.build())
        if findings:
            raise ConfigError(findings)
    path = f"{host.upstreams_dir}/{wanted.name}.conf"
    plans: list[planner.Plan] = []

    def plan(configuration: Configuration) -> transaction.Change:
        found = _found(host, configuration, path, wanted.name, params["adopt"])
        present = params["state"] == "present"
        plans.append(planner.present(wanted, found, params["label"]) if present else planner.absent(found))
        text = plans[-1].text
        files = {} if host.read(path) == text else {path: text}
        return transaction.Change(files=files, drain=_gone(configuration, wanted.name, plans[-1]))

    applied = transaction.apply(host, WHAT, plan, check_mode, reload=params["reload"])
    drained = Drained()
    if params["wait"] and params["reload"] and applied.pending_drain and not check_mode:
        drained = wait_until_drained(host, applied.configuration, applied.pending_drain, params["drain_timeout"])
    if drained.waiting:
        raise TaskError(
            f"drain_timeout: {params['drain_timeout']:g} s were not enough: {', '.join(sorted(drained.waiting))} left "
            f"{wanted.name}, but still has requests. {drained.sentence()} Keep its host; the same task waits again.",
            drain=drained.as_data(),
            changed=applied.changed,
        )
    done = plans[-1]
    return {
        **transaction.as_result(applied),
        "file": path,
        "added": list(done.added),
        "removed": list(done.removed),
        "held": _held(done.upstream),
        "drain": drained.as_data(),
        "warnings": [*applied.warnings, *_warnings(done.upstream, values.moment_of(host.wall()))],
    }


def _fitting(wanted: Upstream, build: Build) -> Upstream:
    """Return the upstream without what this nginx need not be told: to keep no connections, where it never does."""
    if wanted.keepalive == 0 and not has(build, "keepalive 0"):
        return dataclasses.replace(wanted, keepalive=None)
    return wanted


def _found(host: Host, configuration: Configuration, path: str, name: str, adopt: bool) -> Upstream | None:
    """Return what the file of this upstream says, None where there is none.

    :raises TaskError: the file is somebody else's, or the upstream stands somewhere else
    """
    elsewhere = [site for site in configuration.upstreams if site.name == name and site.path != path]
    if elsewhere:
        raise TaskError(
            f"name: upstream {name} stands in {elsewhere[0].path}, line {elsewhere[0].line}; remove it there, or "
            f"choose another name. Only a whole file {path} can be taken over (adopt)."
        )
    folder = posixpath.dirname(path)
    if not configuration.reads(path, posixpath.dirname(host.conf_path)):
        raise TaskError(
            f"upstreams_dir: nginx does not read {folder}; add 'include {folder}/*.conf;' to the http block of "
            f"{host.conf_path}."
        )
    text = host.read(path)
    found = None if text is None else read_file(text, path, name, adopt)
    return without_extras(found) if found and host.real(path) in configuration.blamed else found


def _gone(configuration: Configuration, name: str, plan: planner.Plan) -> tuple[str, ...]:
    """Return the removed servers that no other upstream has: nothing waits for one that stays in use."""
    used = {s.address for site in configuration.upstreams if site.name != name for s in site.upstream.servers}
    return tuple(address for address in plan.removed if address not in used)


def _held(upstream: Upstream | None) -> list[dict[str, t.Any]]:
    servers = upstream.servers if upstream else ()
    return [{"address": s.address, "holds": rotation.as_data(s.holds)} for s in servers if s.holds]


def _warnings(upstream: Upstream | None, now: str) -> list[str]:
    return rotation.warnings(upstream, now) if upstream else []

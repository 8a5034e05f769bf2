# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""From what Ansible has gathered to what the plan and the report are made of."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.membership import servers_of
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.words import count

# The fact that the role of the application leaves on each host: what release_info returned.
RELEASE_FACT = "__evenkeel_release"

Results = Sequence[Mapping[str, t.Any]]


def members(
    hosts: Sequence[str],
    hostvars: Mapping[str, Mapping[str, t.Any]],
    port: int,
    selected: Iterable[str],
    probe_port: int = 0,
) -> list[dict[str, t.Any]]:
    """Return the members of a group as the plan reads them.

    :param hosts: the whole group, in the order of the inventory
    :param port: the port of a host without C(upstream_port)
    :param selected: the hosts of the play, fewer than the group under C(--limit)
    :param probe_port: the port that health checks ask; 0 is the server's own
    :raises ConfigError: an address or a parameter of a host cannot be used
    """
    servers, findings = servers_of(hosts, hostvars, port, "rollout_port")
    if findings:
        raise ConfigError(findings)
    chosen = set(selected)
    found = []
    for name, server in zip(hosts, servers, strict=True):
        address = server.endpoint
        probed = f"{address.rpartition(':')[0]}:{probe_port}" if probe_port else address
        found.append(
            {
                "name": name,
                "address": address,
                "backup": server.backup,
                "selected": name in chosen,
                "release": hostvars[name].get(RELEASE_FACT) or {},
                "target": {"name": name, "address": probed},
            }
        )
    return found


def views(
    names: Sequence[str],
    infos: Results,
    healths: Results,
    rollouts: Results,
    group: str,
    groups: Mapping[str, Sequence[str]],
) -> list[dict[str, t.Any]]:
    """Return what each load balancer sees, as the plan reads it.

    :param names: the load balancers, in the order in which the other lists were made
    :param infos: results of nginx_upstream_info
    :param healths: results of health_check
    :param rollouts: results of rollout_info
    :param group: the group that rolls
    :param groups: the hosts of each group of the inventory
    """
    shared = {name: [host for host in groups.get(group, ()) if host in hosts] for name, hosts in groups.items()}
    found = []
    for name, info, health, rollout in zip(names, infos, healths, rollouts, strict=True):
        lost = next((result for result in (info, health, rollout) if result.get("unreachable")), None)
        known = rollout.get("groups", {})
        found.append(
            {
                "name": name,
                "reachable": lost is None,
                "error": str(lost.get("msg", "")) if lost else "",
                "info": {} if lost else info,
                "health": {target["name"]: target for target in health.get("targets", ())},
                "rollout": known.get(group, {}),
                # Locks of groups that have hosts of this one.
                "others": [
                    {"group": other, "shared": shared[other], **state["lock"]}
                    for other, state in sorted(known.items())
                    if other != group and shared.get(other) and state.get("lock")
                ],
            }
        )
    return found


def rotated(names: Sequence[str], results: Results, now: float) -> dict[str, t.Any]:
    """Return what became of one change of rotation on each load balancer.

    :param names: the load balancers, in the order of the results: one was changed after the other
    :param results: results of nginx_upstream_server
    :param now: when the last one had returned, epoch in seconds by the controller's clock
    :return: C(at) (when the last one had reloaded), C(reloads), C(left) (load balancers that could not be told, with
        the reason), C(away) (those of them that did not answer at all), C(waiting) (servers with requests, per load
        balancer), C(foreign) (servers that somebody else holds, and who)
    """
    reloads: list[dict[str, t.Any]] = []
    left, waiting, foreign = {}, {}, dict[str, str]()
    at, changed = now, 0.0
    for name, result in reversed(list(zip(names, results, strict=True))):
        if result.get("unreachable") or result.get("failed"):
            left[name] = first_line(result.get("msg"))
            continue
        drain, reload = result.get("drain") or {}, result.get("reload") or {}
        foreign.update(result.get("held_by_others") or {})
        at -= drain.get("seconds", 0.0)
        changed = changed or at
        if reload.get("performed"):
            kept = ("idle_clients", "window", "waited", "proof", "seconds")
            reloads.insert(0, {"lb": name, "at": at, **{key: reload[key] for key in kept}})
            at -= reload["waited"] + reload["seconds"]
        if drain.get("waiting"):
            waiting[name] = drain["waiting"]
    away = [name for name, result in zip(names, results, strict=True) if result.get("unreachable")]
    found = {"reloads": reloads, "left": left, "away": away, "waiting": waiting, "foreign": foreign}
    return {"at": changed or now, **found}


def logs(names: Sequence[str], results: Results, offsets: Mapping[str, float | str]) -> list[dict[str, t.Any]]:
    """Return what was read from the access log of each load balancer, as the report reads it.

    :param names: the load balancers, in the order of the results
    :param results: results of access_log_info; what could not be read is left out
    :param offsets: seconds by which the clock of each load balancer is ahead of the controller's; templates give text
    """
    kept = ("position", "total", "servers", "seconds", "lines", "unreadable")
    return [
        {"lb": name, "offset": float(offsets.get(name, 0.0)), **{key: result[key] for key in kept}}
        for name, result in zip(names, results, strict=True)
        if all(key in result for key in kept)
    ]


def cut(waiting: Mapping[str, Mapping[str, Sequence[t.Any]]], addresses: Mapping[str, str]) -> list[dict[str, t.Any]]:
    """Return what is cut when the servers stop although requests are left.

    :param waiting: per load balancer and server who still has a request
    :param addresses: the address of each host
    """
    hosts = {address: host for host, address in addresses.items()}
    return [
        {
            "host": hosts.get(address, address),
            "lb": lb,
            "sockets": len(holders),
            "text": f"{count(len(holders), 'connection')} through {lb} outlived the drain",
        }
        for lb, servers in waiting.items()
        for address, holders in servers.items()
    ]


def events(
    hosts: Iterable[str], event: str, plan: Mapping[str, t.Any], at: float, text: str = ""
) -> list[dict[str, t.Any]]:
    """Return an event of the journal for each host.

    :param at: epoch in seconds by the controller's clock
    """
    batches = {name: host["batch"] for name, host in plan["hosts"].items()}
    return [
        {"event": event, "at": at, "host": host, "batch": batches.get(host, 0), "text": text.strip()} for host in hosts
    ]


def failure(task: str, result: Mapping[str, t.Any]) -> str:
    """Return what failed and why, in one paragraph.

    :param task: the name of the task
    :param result: its result; of a loop the first item that failed is told
    """
    items = [item for item in result.get("results", ()) if item.get("failed") or item.get("unreachable")]
    message = (items[0] if items else result).get("msg") or result.get("msg") or "no message"
    return f"{task}: {' '.join(str(message).split())}"


def first_line(message: object) -> str:
    """Return the first line of a message, which may be missing."""
    return (str(message or "").strip().splitlines() or ["no message"])[0]

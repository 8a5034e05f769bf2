# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""The state of a group on one screen: versions, rotation, holds, health, old workers, locks, the last rollout."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import lock, words
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.table import GAP, columns, wrapped

# What nginx_upstream_info says of nginx, as people say it.
LIVE = {
    "same": "serves what is on its disk",
    "different": "does NOT serve what is on its disk",
    "stopped": "does NOT run",
    "unknown": "cannot tell whether it serves what is on its disk",
}
View = Mapping[str, t.Any]


def lines(request: Mapping[str, t.Any]) -> list[str]:
    """Return the state of a group.

    :param request: C(name), C(members) and C(load_balancers) as the plan reads them, C(now) (epoch in seconds by
        the controller's clock) and C(typed) (how the command was typed; default as in a checkout)
    :raises ConfigError: something of it is missing
    """
    found = list(findings(request))
    if found:
        raise ConfigError(found)
    members, views = request["members"], request["load_balancers"]
    told = [f"{request['name']} at {words.clock(float(request['now']), '%Y-%m-%d %H:%M:%S')} UTC: {_skew(members)}", ""]
    head = ["host", "address", "release", *(view["name"] for view in views)]
    told += [*columns(head, (_member(member, views) for member in members), left=len(head)), ""]
    told += _section([*_holds(members, views), *_health(members, views), *_releases(request, members)])
    told += _section(line for view in views for line in _load_balancer(view))
    told += _section([*_locks(request, views), *_last(views)])
    return told[:-1]


def findings(request: Mapping[str, t.Any]) -> Iterator[Finding]:
    """Return everything that is wrong with a request."""
    for name in ("members", "load_balancers"):
        value = request.get(name)
        if not isinstance(value, Sequence) or isinstance(value, str):
            yield Finding(name, value, "must be a list, as the filter rollout_plan reads it")
    try:
        known = math.isfinite(float(request.get("now", "")))
    except (TypeError, ValueError):
        known = False
    if not known:
        yield Finding("now", request.get("now"), "must be seconds since the epoch")
    if not request.get("name"):
        yield Finding("name", request.get("name"), "must be the name of the group")


def _section(texts: Iterable[str]) -> list[str]:
    told = [line for text in texts for line in wrapped(text, GAP)]
    return [*told, ""] if told else []


def _skew(members: Sequence[View]) -> str:
    """Return which versions run, and on how many hosts."""
    counts: dict[str, int] = {}
    for member in members:
        version = _running(member) or "unknown"
        counts[version] = counts.get(version, 0) + 1
    if not counts:
        return "no hosts"
    if len(counts) == 1:
        version = next(iter(counts))
        return (
            f"{version} on {words.count(len(members), 'host')}"
            if len(members) == 1
            else f"{version} on all {len(members)} hosts"
        )
    each = ", ".join(f"{version} on {number}" for version, number in sorted(counts.items()))
    return f"VERSIONS DIFFER: {each}"


def _running(member: View) -> str:
    """Return the version that runs, or else the one that is to run."""
    release = member.get("release") or {}
    return str(release.get("running") or release.get("current") or "")


def _member(member: View, views: Sequence[View]) -> list[str]:
    release = member.get("release") or {}
    current, running = release.get("current") or "", release.get("running") or ""
    shown = running or current or "unknown"
    if current and running and current != running:
        shown = f"{running} (not {current})"
    if member.get("backup"):
        shown += ", backup"
    return [member["name"], member["address"], shown, *(_seen(member, view) for view in views)]


def _seen(member: View, view: View) -> str:
    """Return rotation and health of a member as one load balancer sees them."""
    if not view.get("reachable"):
        return "unreachable"
    servers = _servers(view, member["address"])
    if not servers:
        return "not there"
    held = [server for server in servers if server["state"] == "held"]
    rotation = "in" if not held else "held" if len(held) == len(servers) else "held in part"
    return f"{rotation}, {_healthy(member, view)}"


def _healthy(member: View, view: View) -> str:
    result = (view.get("health") or {}).get(member["name"])
    if not result:
        return "not asked"
    return "healthy" if result.get("healthy") else "UNHEALTHY"


def _servers(view: View, address: str) -> list[View]:
    upstreams = (view.get("info") or {}).get("upstreams") or ()
    return [server for upstream in upstreams for server in upstream["servers"] if server["address"] == address]


def _holds(members: Iterable[View], views: Sequence[View]) -> Iterator[str]:
    """Say who holds whom, once for all load balancers that say the same."""
    for member in members:
        known: dict[str, tuple[View, list[str]]] = {}
        for view in views:
            for hold in (hold for server in _servers(view, member["address"]) for hold in server.get("holds") or ()):
                on = known.setdefault(str(hold.get("owner")), (hold, []))[1]
                if view["name"] not in on:
                    on.append(view["name"])
        for owner, (hold, on) in known.items():
            where = "" if len(on) == len(views) else f", only on {words.listing(on)}"
            yield f"{member['name']} is held by {owner}{_reason(hold)}{where}"


def _reason(hold: View) -> str:
    why = f" ({hold['reason']})" if hold.get("reason") else ""
    age = f" for {words.duration(hold['age'])}" if hold.get("age") is not None else ""
    until = f", until {hold['until']}" if hold.get("until") else ""
    return f"{why}{age}{until}{', OVERDUE' if hold.get('overdue') else ''}"


def _health(members: Iterable[View], views: Sequence[View]) -> Iterator[str]:
    for member in members:
        for view in views:
            result = (view.get("health") or {}).get(member["name"])
            if result and not result.get("healthy"):
                why = words.first_line(result.get("error")) or f"status {result.get('status')}"
                yield f"{member['name']} is not healthy, asked from {view['name']}: {why}"


def _releases(request: View, members: Iterable[View]) -> Iterator[str]:
    restart = words.command({"name": request["name"], "typed": request.get("typed")}, "restart")
    for member in members:
        release = member.get("release") or {}
        if not release:
            yield f"{member['name']} told nothing about its release: it is unreachable, or nothing is installed"
            continue
        if release.get("active") not in (None, "", "active"):
            yield f"{member['name']}: {release.get('unit') or 'its unit'} is {release['active']}"
        if release.get("restart_due"):
            yield f"{member['name']} has a configuration that is newer than its process: {restart}"
        if release.get("restarts"):
            yield f"{member['name']}: systemd has restarted its process {words.count(int(release['restarts']), 'time')}"


def _load_balancer(view: View) -> Iterator[str]:
    name = view["name"]
    if not view.get("reachable"):
        yield f"{name} is UNREACHABLE: {words.first_line(view.get('error')) or 'no message'}"
        return
    info = view.get("info") or {}
    live = LIVE.get(info.get("live", ""), LIVE["unknown"])
    version = (info.get("nginx") or {}).get("version", "")
    yield f"{name}: nginx {version} {live}{_last_reload(info)}{_old_workers(info)}"
    if info.get("announced") is not None:
        yield (
            f"{name} has announced a reload for {words.duration(info['announced'])}, so clients connect anew for each "
            "request: a run is about to reload it, or was killed"
        )
    yield from (f"{name}: {warning}" for warning in info.get("leftovers") or ())


def _last_reload(info: View) -> str:
    last = info.get("last_reload") or {}
    return f"; last reload {last['at']}, {last.get('outcome', '')}" if last.get("at") else ""


def _old_workers(info: View) -> str:
    workers = info.get("old_workers") or ()
    if not workers:
        return "; no old workers"
    oldest = max(float(worker.get("age") or 0.0) for worker in workers)
    open_ones = sum(int(worker.get("sockets") or 0) for worker in workers)
    holding = words.count(open_ones, "connection")
    return f"; {words.count(len(workers), 'old worker')} with {holding}, the oldest for {words.duration(oldest)}"


def _rollouts(views: Iterable[View]) -> Iterator[tuple[str, View]]:
    return ((view["name"], view.get("rollout") or {}) for view in views if view.get("reachable"))


def _locks(request: View, views: Sequence[View]) -> Iterator[str]:
    locked = False
    for name, rollout in _rollouts(views):
        held = rollout.get("lock") or {}
        if held:
            locked = True
            # The age was taken by the load balancer's own clock.
            yield f"{name} is locked by {lock.held({'run': '', **held, 'seen': 0.0}, float(held.get('age') or 0.0))}"
            if held.get("run"):
                yield f"If that run is dead: {words.unlock(request['name'], held['run'], request.get('typed'))}"
        elif rollout.get("unfinished"):
            run = f"run {rollout['unfinished']} of {request['name']}"
            yield f"{name}: {run} did not end, and the next one goes on from there"
    if not locked:
        yield "no lock"


def _last(views: Sequence[View]) -> Iterator[str]:
    newest: View = {}
    for _name, rollout in _rollouts(views):
        last = rollout.get("last") or {}
        if last and float(last.get("finished") or 0.0) >= float(newest.get("finished") or 0.0):
            newest = last
    if not newest:
        yield "no rollout yet"
        return
    when = words.clock(float(newest.get("finished") or 0.0), "%Y-%m-%d %H:%M:%S")
    by = f" by {newest['who']}" if newest.get("who") else ""
    outcome = str(newest.get("outcome", "")).replace("_", " ")
    yield f"last rollout: {words.subject(newest)}{by}, {outcome}, {when} UTC, run {newest.get('run', '')}"
    if newest.get("message"):
        yield f"{GAP}{words.first_line(newest['message'])}"

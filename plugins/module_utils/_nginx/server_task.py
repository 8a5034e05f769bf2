# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What nginx_upstream_server does: hold servers out of rotation until they are drained, or put them back."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import rotation, transaction, values
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration, UpstreamSite
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drainer import Drained, wait_until_drained
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import BY_HAND, Hold, Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Host
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.selection import (
    Selection,
    known_servers,
    rewrite,
    select,
)

WHAT = "nginx_upstream_server"


@dataclasses.dataclass
class Decision:
    """What the plan found and decided, under the lock."""

    selection: Selection
    pairs: list[tuple[UpstreamSite, Upstream]]

    @property
    def released(self) -> list[str]:
        """Servers that return to rotation although they were not named."""
        return sorted(
            {
                before.address
                for site, after in self.pairs
                for before, server in zip(site.upstream.servers, after.servers, strict=True)
                if server.holds != before.holds and before.address not in self.selection.addresses
            }
        )

    def held_by_others(self, owner: str) -> dict[str, str]:
        """Servers of these upstreams, named or not, that somebody else holds, and who."""
        return {
            server.address: rotation.owners(others)
            for _site, after in self.pairs
            for server in after.servers
            if (others := [known for known in server.holds or rotation.by_hand(server) if known.owner != owner])
        }


def run(params: Mapping[str, t.Any], host: Host, check_mode: bool) -> dict[str, t.Any]:
    """Do what the options say and return the result.

    :raises ConfigError: options that cannot be used, or too few servers would stay in rotation
    :raises TaskError: anything else
    """
    params = _checked(params)
    decisions: list[Decision] = []

    def plan(configuration: Configuration) -> transaction.Change:
        decisions.append(_decide(configuration, params, values.moment_of(host.wall())))
        return transaction.Change(files=rewrite(configuration, decisions[-1].pairs))

    applied = transaction.apply(host, WHAT, plan, check_mode)
    decision = decisions[-1]
    drained = Drained()
    if params["state"] == "drained" and params["wait"] and not check_mode:
        drained = wait_until_drained(host, applied.configuration, decision.selection.addresses, params["drain_timeout"])
    if drained.waiting and params["on_timeout"] == "fail":
        raise _put_back(host, params, decision, drained)
    return {
        **transaction.as_result(applied),
        "servers": _describe(decision, params, drained),
        "released": decision.released,
        "not_found": list(decision.selection.not_found),
        "held_by_others": decision.held_by_others(params["owner"]),
        "drain": drained.as_data(),
        "warnings": [*applied.warnings, *_still_held(decision, params), *drained.warnings()],
    }


def _checked(params: Mapping[str, t.Any]) -> dict[str, t.Any]:
    findings = []
    checked = dict(params)
    try:
        checked["until"] = values.moment(params["until"]) if params["until"] else ""
    except values.NotAllowedError as error:
        findings.append(Finding("until", params["until"], str(error)))
    try:
        rotation.required(params["min_enabled"], 1)
    except ValueError:
        findings.append(Finding("min_enabled", params["min_enabled"], "must be a whole number >= 0 or 0% to 100%"))
    if params["exclusive"] and params["state"] != "drained":
        findings.append(Finding("exclusive", True, "is only for the state drained"))
    if params["force"] and params["state"] != "enabled":
        findings.append(Finding("force", True, "is only for the state enabled"))
    if not params["servers"] and not params["exclusive"]:
        findings.append(Finding("servers", [], "must name a server, unless exclusive releases all others"))
    for name in ("owner", "reason"):
        if "\n" in params[name] or (name == "owner" and not params[name].strip()):
            findings.append(Finding(name, params[name], "must be one line of text, and an owner not empty"))
    if findings:
        raise ConfigError(findings)
    return checked


def _decide(configuration: Configuration, params: Mapping[str, t.Any], now: str) -> Decision:
    owner = params["owner"]
    selection = select(configuration, params["servers"], params["upstream"], owner if params["exclusive"] else "")
    if selection.not_found and params["fail_on_not_found"]:
        told = f"servers: {', '.join(selection.not_found)} is in no upstream; there are {known_servers(configuration)}"
        raise TaskError(told, not_found=list(selection.not_found))
    wanted = Hold(owner, params["reason"], now, params["until"])
    pairs = []
    findings = []
    for site in selection.sites:
        if params["state"] == "drained":
            after = rotation.drain(site.upstream, selection.addresses, wanted, params["exclusive"])
        else:
            after = rotation.enable(site.upstream, selection.addresses, None if params["force"] else owner)
        finding = rotation.too_few(site.upstream, after, params["min_enabled"])
        findings.extend([finding] if finding else [])
        pairs.append((site, after))
    if findings:
        raise ConfigError(findings)
    return Decision(selection, pairs)


def _put_back(host: Host, params: Mapping[str, t.Any], decision: Decision, drained: Drained) -> TaskError:
    """Undo the holds of this task, whatever others did meanwhile, and return the error to raise."""
    before = {
        (site.name, server.address): server for site, _after in decision.pairs for server in site.upstream.servers
    }
    moved = {
        (site.name, server.address)
        for site, after in decision.pairs
        for server in after.servers
        if server.holds != before[site.name, server.address].holds
    }

    def restored(site: UpstreamSite) -> Upstream:
        def one(server: Server) -> Server:
            key = (site.name, server.address)
            return rotation.put_back(server, before[key], params["owner"]) if key in moved else server

        return rotation.protect(site.upstream.with_servers(one(server) for server in site.upstream.servers))

    def plan(configuration: Configuration) -> transaction.Change:
        return transaction.Change(rewrite(configuration, [(site, restored(site)) for site in configuration.upstreams]))

    applied = transaction.apply(host, WHAT, plan, check_mode=False)
    names = ", ".join(sorted(drained.waiting))
    return TaskError(
        f"drain_timeout: {params['drain_timeout']:g} s were not enough: {names} still has requests, and is back as it "
        f"was. {drained.sentence()} Give drain_timeout more than the longest request, or on_timeout: proceed to go on.",
        drain=drained.as_data(),
        reloads=2 if moved else 0,
        changed=False,
        reload=transaction.as_result(applied)["reload"],
    )


def _describe(decision: Decision, params: Mapping[str, t.Any], drained: Drained) -> list[dict[str, t.Any]]:
    found: dict[str, tuple[list[str], set[Hold]]] = {}
    for site, after in decision.pairs:
        for server in after.servers:
            if server.address in decision.selection.addresses:
                upstreams, holds = found.setdefault(server.address, ([], set()))
                upstreams.append(site.name)
                # In a file of others it may be down without a hold.
                holds.update(server.holds or rotation.by_hand(server))
    return [
        {
            "address": address,
            "upstreams": upstreams,
            "state": _state(address, bool(holds), params, drained),
            "holds": rotation.as_data(sorted(holds)),
        }
        for address, (upstreams, holds) in sorted(found.items())
    ]


def _state(address: str, held: bool, params: Mapping[str, t.Any], drained: Drained) -> str:
    if not held:
        return "enabled"
    return "drained" if params["state"] == "enabled" or address in drained.drained else "draining"


def _still_held(decision: Decision, params: Mapping[str, t.Any]) -> list[str]:
    if params["state"] != "enabled":
        return []
    return [
        f"{server.address} stays out of rotation in {site.name}: held by {rotation.owners(server.holds) or BY_HAND}"
        for site, after in decision.pairs
        for server in after.servers
        if server.address in decision.selection.addresses and not server.enabled
    ]

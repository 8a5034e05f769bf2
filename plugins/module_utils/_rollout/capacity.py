# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What the load balancers see of a group: who serves, who is held and by whom, and where they disagree."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import BY_HAND

Member = Mapping[str, t.Any]
View = Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Seen:
    """A group as all load balancers see it."""

    # Hosts that we hold, hosts that others hold (with who and why), and unhealthy ones (with what was seen).
    ours: tuple[str, ...]
    skipped: dict[str, str]
    unhealthy: dict[str, str]
    # Members that get requests now: healthy everywhere, held nowhere, and no backup.
    serving: tuple[str, ...]
    upstreams: tuple[str, ...]
    # Of those that we hold: what for, as the load balancers have it.
    reasons: dict[str, tuple[str, ...]]


def look(members: Sequence[Member], views: Sequence[View], owner: str) -> Seen:
    """Return what the load balancers see together.

    :param owner: whose holds are ours
    """
    holds = {member["name"]: _holds(member, views) for member in members}
    reasons = {
        name: tuple(dict.fromkeys(str(hold.get("reason") or "") for hold in found if hold["owner"] == owner))
        for name, found in holds.items()
    }
    ours = tuple(name for name, found in reasons.items() if found)
    skipped = {
        name: "; ".join(dict.fromkeys(_told(hold) for hold in found if hold["owner"] != owner))
        for name, found in holds.items()
        if any(hold["owner"] != owner for hold in found)
    }
    unhealthy = {member["name"]: told for member in members if (told := _unhealthy(member["name"], views))}
    out = {*ours, *skipped, *unhealthy}
    serving = tuple(m["name"] for m in members if m["name"] not in out and not m["backup"])
    upstreams = sorted(
        {up["name"] for view in views for up, _server in _servers(view, {m["address"] for m in members})}
    )
    return Seen(ours, skipped, unhealthy, serving, tuple(upstreams), reasons)


def disagreements(members: Sequence[Member], views: Sequence[View], owner: str) -> list[str]:
    """Return where load balancers differ: in the members that they know, or in what others hold out."""
    found = []
    for member in members:
        knows = {view["name"]: bool(_servers(view, {member["address"]})) for view in views}
        lacking = [lb for lb, known in knows.items() if not known]
        if lacking:
            what = f"{member['name']} ({member['address']}) is in no upstream on {', '.join(lacking)}"
            found.append(f"{what}; apply site.yml, so that all load balancers have the same servers")
            continue
        held = {view["name"]: _foreign(view, member, owner) for view in views}
        if len(set(held.values())) > 1:
            told = "; ".join(f"on {lb} {'held by ' + who if who else 'in rotation'}" for lb, who in held.items())
            mend = "put it back (undrain.yml) or hold it (drain.yml) on all"
            found.append(f"the load balancers disagree about {member['name']}: {told}; {mend}")
    return found


def emptied(views: Sequence[View], owner: str, batches: Sequence[Collection[str]]) -> dict[tuple[str, ...], list[str]]:
    """Return what the hold refuses (rotation.too_few): that a batch takes the last servers in rotation of an upstream.

    As there, whether a server is healthy makes no difference, a backup does not count, and a batch releases what this
    owner holds else.

    :param batches: the addresses of each batch
    :return: by upstream and those of its servers that are taken, the load balancers
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for view in views:
        for upstream in view["info"].get("upstreams", ()):
            regular = [server for server in upstream["servers"] if not server["backup"]]
            had = {server["address"] for server in regular if server["state"] != "held"}
            free = had | {
                server["address"] for server in regular if all(hold["owner"] == owner for hold in _held(server))
            }
            for batch in batches:
                left = free.difference(batch)
                if had and not left:
                    found.setdefault((upstream["name"], *sorted(free)), []).append(view["name"])
                had = left
    return found


def held_by(view: View, owner: str) -> list[str]:
    """Return the addresses of the servers that somebody holds on a load balancer, each once."""
    servers = [server for upstream in view["info"].get("upstreams", ()) for server in upstream["servers"]]
    held = [server["address"] for server in servers if any(hold["owner"] == owner for hold in _held(server))]
    return list(dict.fromkeys(held))


def _foreign(view: View, member: Member, owner: str) -> str:
    holds = [hold for _up, server in _servers(view, {member["address"]}) for hold in _held(server)]
    return ", ".join(sorted({hold["owner"] for hold in holds if hold["owner"] != owner}))


def _servers(view: View, addresses: set[str]) -> list[tuple[Mapping[str, t.Any], Mapping[str, t.Any]]]:
    return [
        (upstream, server)
        for upstream in view["info"].get("upstreams", ())
        for server in upstream["servers"]
        if server["address"] in addresses
    ]


def _holds(member: Member, views: Sequence[View]) -> list[Mapping[str, t.Any]]:
    return [hold for view in views for _up, server in _servers(view, {member["address"]}) for hold in _held(server)]


def _held(server: Mapping[str, t.Any]) -> Sequence[Mapping[str, t.Any]]:
    """Return the holds of a server; in a file that is not ours it may be down without one."""
    if server["holds"] or server.get("state") != "held":
        return list(server["holds"])
    return [{"owner": BY_HAND, "reason": "down was written by hand"}]


def _told(hold: Mapping[str, t.Any]) -> str:
    reason = f" ({hold['reason']})" if hold.get("reason") else ""
    since = f" since {hold['since']}" if hold.get("since") else ""
    until = f" until {hold['until']}" if hold.get("until") else ""
    return f"held by {hold['owner']}{reason}{since}{until}{', overdue' if hold.get('overdue') else ''}"


def _unhealthy(name: str, views: Sequence[View]) -> str:
    told = []
    for view in views:
        target = view["health"].get(name) or {"healthy": False, "error": "it was not asked"}
        if not target["healthy"]:
            what = target.get("error") or f"status {target.get('status')}"
            told.append(f"{what} (asked from {view['name']})")
    return "; ".join(told)

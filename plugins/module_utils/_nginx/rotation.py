# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Taking servers out of rotation and putting them back: values in, values out."""

from __future__ import annotations

import dataclasses
import math
import typing as t
from collections.abc import Collection, Iterable

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import Finding
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import BY_HAND, Hold, Server, Upstream


def hold(server: Server, wanted: Hold) -> Server:
    """Return the server held by this owner too. Who holds it already keeps `since`, and what is not given anew."""
    held = {known.owner: known for known in server.holds or by_hand(server)}
    before = held.get(wanted.owner)
    held[wanted.owner] = _renewed(before, wanted) if before else wanted
    return dataclasses.replace(server, down=True, holds=tuple(held[owner] for owner in sorted(held)))


def release(server: Server, owner: str | None) -> Server:
    """Return the server without the hold of this owner (None: of anybody); it is up when no other hold is left."""
    holds = server.holds or by_hand(server)
    left = tuple(known for known in holds if owner is not None and known.owner != owner)
    if left == holds:
        return server
    return dataclasses.replace(server, down=server.down and bool(left), holds=left)


def drain(upstream: Upstream, addresses: Collection[str], wanted: Hold, exclusive: bool = False) -> Upstream:
    """Return the upstream with these servers held.

    :param exclusive: afterwards this owner holds no other server here
    """

    def one(server: Server) -> Server:
        if server.address in addresses:
            return hold(server, wanted)
        return release(server, wanted.owner) if exclusive and held_by(server, wanted.owner) else server

    return protect(upstream.with_servers(one(server) for server in upstream.servers))


def enable(upstream: Upstream, addresses: Collection[str], owner: str | None) -> Upstream:
    """Return the upstream with these servers released by this owner (None: whoever holds them)."""
    return protect(
        upstream.with_servers(
            release(server, owner) if server.address in addresses else server for server in upstream.servers
        )
    )


def put_back(now: Server, before: Server, owner: str) -> Server:
    """Return the server with the hold of this owner as it was before, whatever others did meanwhile."""
    released = release(now, owner)
    former = next((known for known in before.holds if known.owner == owner), None)
    return hold(released, former) if former else released


def protect(upstream: Upstream) -> Upstream:
    """Return the upstream whose last server in rotation never counts as failed, and no other server so.

    One failure of the only server that is not `down` makes nginx answer 502 to everybody for fail_timeout: only a
    server that is alone in its block is exempt (ngx_http_upstream_round_robin.c, peers->single). With a backup server
    in rotation there is somewhere to go, so nothing is changed.
    """
    last = upstream.in_rotation()
    primaries = [server for server in upstream.servers if not server.backup]
    backups = any(server.enabled and server.backup for server in upstream.servers)
    needed = len(last) == 1 and len(primaries) > 1 and not backups
    return upstream.with_servers(_guard(server, needed and server == last[0]) for server in upstream.servers)


def too_few(before: Upstream, after: Upstream, min_enabled: int | str) -> Finding | None:
    """Tell when a change takes out servers so that fewer than `min_enabled` stay in rotation.

    :param min_enabled: a number, or a share of the servers that are no backup, such as 50% (rounded up)
    """
    left, had = len(after.in_rotation()), len(before.in_rotation())
    total = sum(not server.backup for server in after.servers)
    if left >= had or left >= required(min_enabled, total):
        return None
    names = ", ".join(server.address for server in after.in_rotation()) or "none"
    told = f"would leave {left} of {total} servers of {after.name} in rotation ({names}); {held_out(after)}"
    return Finding("min_enabled", min_enabled, told)


def required(min_enabled: int | str, total: int) -> int:
    """Return how many of so many servers must stay.

    :raises ValueError: neither a whole number >= 0 nor a share from 0% to 100%
    """
    text = str(min_enabled).strip()
    if text.endswith("%"):
        share = float(text[:-1])
        if not 0 <= share <= 100:
            raise ValueError(text)
        return math.ceil(total * share / 100)
    if int(text) < 0:
        raise ValueError(text)
    return int(text)


def held_out(upstream: Upstream) -> str:
    """Return who holds which server of an upstream, as one clause."""
    held = [f"{server.address} by {owners(server.holds)}" for server in upstream.servers if not server.enabled]
    return f"held: {', '.join(held)}" if held else "no server is held"


def owners(holds: Iterable[Hold]) -> str:
    """Return the owners, with their reasons."""
    return " and ".join(f"{known.owner} ({known.reason})" if known.reason else known.owner for known in holds)


def overdue(known: Hold, now: str) -> bool:
    """Whether the time until which a server should be held has passed; both times are UTC in the same form."""
    return bool(known.until) and known.until < now


def _renewed(before: Hold, wanted: Hold) -> Hold:
    reason, until = wanted.reason or before.reason, wanted.until or before.until
    return dataclasses.replace(before, reason=reason, until=until)


def by_hand(server: Server) -> tuple[Hold, ...]:
    """Return the hold that a `down` means which stands there without one."""
    return (Hold(BY_HAND, reason="down was written by hand"),) if server.down else ()


def held_by(server: Server, owner: str) -> bool:
    """Whether this owner holds the server."""
    return any(known.owner == owner for known in server.holds)


def _guard(server: Server, alone: bool) -> Server:
    if server.alone is not None:
        server = dataclasses.replace(server, max_fails=int(server.alone) if server.alone else None, alone=None)
    if alone and server.max_fails != 0:
        former = "" if server.max_fails is None else str(server.max_fails)
        server = dataclasses.replace(server, max_fails=0, alone=former)
    return server


def as_data(holds: Iterable[Hold]) -> list[dict[str, t.Any]]:
    """Return holds as plain data."""
    return [dataclasses.asdict(known) for known in holds]


def warnings(upstream: Upstream, now: str) -> list[str]:
    """Return a sentence for every server of an upstream that is held, and say where its time has passed."""
    told = []
    for server in upstream.servers:
        for known in server.holds:
            name = f"{server.address} ({server.comment})" if server.comment else server.address
            since = f" since {known.since}" if known.since else ""
            until = f" until {known.until}" if known.until else ""
            late = ", which has passed: undrain it, or hold it for longer" if overdue(known, now) else ""
            told.append(f"{upstream.name}: {name} is held out by {owners([known])}{since}{until}{late}")
    return told

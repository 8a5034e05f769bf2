# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What the plugins know of an upstream: its servers, and who holds which of them out of rotation.

A model is a value: nothing here changes once made, and what nginx writes that the model has no field for is kept in
`extra`, word for word.
"""

from __future__ import annotations

import dataclasses
import typing as t

# Who holds a server whose `down` somebody wrote by hand, without saying who or why.
BY_HAND = "by-hand"


@dataclasses.dataclass(frozen=True, order=True)
class Hold:
    """Why a server is out of rotation. A server may have several, one per owner; it returns when none is left."""

    owner: str
    reason: str = ""
    # UTC, as 2026-11-28T01:30:00Z; empty: unknown.
    since: str = ""
    # UTC; empty: until it is released. Once it has passed the hold stays, and is reported as overdue.
    until: str = ""


@dataclasses.dataclass(frozen=True)
class Server:
    """One server line. None means that the parameter is not written, so that nginx's default holds."""

    # As nginx writes it: 192.0.2.1:5000, [2001:db8::1]:5000, name:80, unix:/run/app.sock.
    address: str
    weight: int | None = None
    max_conns: int | None = None
    max_fails: int | None = None
    fail_timeout: str | None = None
    backup: bool = False
    # `down` stands on the line; in a file of ours it always has a hold beside it.
    down: bool = False
    # The sticky drain of nginx >= 1.29.6: sessions stay, new ones go elsewhere.
    drain: bool = False
    resolve: bool = False
    service: str | None = None
    route: str | None = None
    # Parameters that the model does not know (slow_start=30s), word for word.
    extra: tuple[str, ...] = ()
    # What a human wrote behind the line, without the notes of ours.
    comment: str = ""
    # One per owner, in the order of their names.
    holds: tuple[Hold, ...] = ()
    # The server is the last one in rotation: its max_fails is 0 and was this before ("" where it was not written).
    alone: str | None = None

    @property
    def enabled(self) -> bool:
        """Whether nginx may send it a request."""
        return not self.down and not self.holds


@dataclasses.dataclass(frozen=True)
class Upstream:
    """An upstream block."""

    name: str
    servers: tuple[Server, ...] = ()
    # The name of an entry of METHODS.
    method: str = "round_robin"
    key: str = ""
    consistent: bool = False
    # `two` of the method random, and the method that chooses between the two ("" where it is not written).
    two: bool = False
    two_method: str = ""
    # header or last_byte, and whether requests under way count: least_time.
    measure: str = ""
    inflight: bool = False
    zone: str = ""
    # As nginx writes it (64k); empty: not written.
    zone_size: str = ""
    keepalive: int | None = None
    keepalive_local: bool = False
    keepalive_timeout: str | None = None
    keepalive_requests: int | None = None
    keepalive_time: str | None = None
    # The words behind the directive, such as "cookie srv_id expires=1h"; empty: not written.
    sticky: str = ""
    # Such as "127.0.0.53 valid=10s"; empty: not written.
    resolver: str = ""
    resolver_timeout: str | None = None
    # Directives and comment lines that the model does not know, word for word, without indentation.
    extra: tuple[str, ...] = ()

    def server(self, address: str) -> Server | None:
        """Return the server with this address, None where there is none."""
        return next((server for server in self.servers if server.address == address), None)

    def in_rotation(self) -> tuple[Server, ...]:
        """Return the servers that get requests as long as none has failed: enabled, and no backup."""
        return tuple(server for server in self.servers if server.enabled and not server.backup)

    def with_servers(self, servers: t.Iterable[Server]) -> Upstream:
        """Return the same upstream with other servers."""
        return dataclasses.replace(self, servers=tuple(servers))

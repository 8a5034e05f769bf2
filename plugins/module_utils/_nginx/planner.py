# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What has to change in an upstream's file: what is wanted, joined with what only the file knows."""

from __future__ import annotations

import dataclasses

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import rotation
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import render


@dataclasses.dataclass(frozen=True)
class Plan:
    """The smallest change that makes an upstream what is wanted."""

    upstream: Upstream | None
    # What the file must hold; None: it must go.
    text: str | None
    # Servers that were there and will not be.
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def present(wanted: Upstream, found: Upstream | None, label: str = "") -> Plan:
    """Plan an upstream that is there with these servers.

    The inventory owns which servers there are and their parameters; the file owns who is held out of rotation, and
    what the model does not know.

    :param found: what the file says now; None: there is no file
    :param label: what the upstream is for, in the first line of the file
    :raises ConfigError: the result would leave no server in rotation
    """
    merged = rotation.protect(_merge(wanted, found)) if found else rotation.protect(wanted)
    before = {server.address for server in found.servers} if found else set()
    after = {server.address for server in merged.servers}
    if not merged.in_rotation() and not (found and before == after and not found.in_rotation()):
        raise ConfigError([_nobody_left(merged)])
    return Plan(merged, render(merged, label), tuple(sorted(before - after)), tuple(sorted(after - before)))


def absent(found: Upstream | None) -> Plan:
    """Plan an upstream that is not there."""
    return Plan(None, None, tuple(sorted(server.address for server in found.servers)) if found else ())


def _merge(wanted: Upstream, found: Upstream) -> Upstream:
    known = {server.address: server for server in found.servers}
    servers = (_keep(server, known[server.address]) if server.address in known else server for server in wanted.servers)
    extra = (*wanted.extra, *(text for text in found.extra if text not in wanted.extra))
    return dataclasses.replace(wanted, servers=tuple(servers), extra=extra)


def _keep(wanted: Server, found: Server) -> Server:
    """Return the wanted server with its rotation, a comment where none is wanted, and what the model does not know."""
    return dataclasses.replace(
        wanted,
        holds=found.holds,
        down=found.down,
        drain=wanted.drain or found.drain,
        comment=wanted.comment or found.comment,
        extra=found.extra,
    )


def _nobody_left(upstream: Upstream) -> Finding:
    addresses = [server.address for server in upstream.servers]
    if not addresses:
        return Finding("servers", addresses, "must name at least one server; state: absent removes an upstream")
    return Finding("servers", addresses, f"would leave no server in rotation: {rotation.held_out(upstream)}")

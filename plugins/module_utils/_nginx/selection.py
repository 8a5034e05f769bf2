# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Which servers a user means, in the upstreams that nginx has."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import values
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import (
    Configuration,
    UpstreamSite,
    edit,
    replace_server,
)
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.rotation import held_by


@dataclasses.dataclass(frozen=True)
class Selection:
    """Upstreams, and which of their servers are meant."""

    sites: tuple[UpstreamSite, ...]
    addresses: frozenset[str]
    not_found: tuple[str, ...]


def select(
    configuration: Configuration, words: Sequence[str], upstreams: Sequence[str] | None, owner: str = ""
) -> Selection:
    """Return the upstreams that have one of these servers, or those that are named.

    :param words: an address with or without its port, or the comment behind a server's line
    :param owner: where no upstream is named, those in which this owner holds a server belong to it too
    :raises TaskError: there is no upstream of that name
    """
    sites = configuration.upstreams
    if upstreams is not None:
        unknown = sorted(set(upstreams) - {site.name for site in sites})
        if unknown:
            known = ", ".join(sorted({site.name for site in sites})) or "none"
            raise TaskError(f"upstream: {', '.join(unknown)} is not in nginx's configuration; there are: {known}")
        sites = tuple(site for site in sites if site.name in upstreams)
    meant = {word: {s.address for site in sites for s in site.upstream.servers if matches(s, word)} for word in words}
    addresses = frozenset().union(*meant.values())
    if upstreams is None:
        sites = tuple(
            site for site in sites if any(s.address in addresses or held_by(s, owner) for s in site.upstream.servers)
        )
    return Selection(sites, addresses, tuple(word for word in words if not meant[word]))


def matches(server: Server, word: str) -> bool:
    """Whether a user may call this server so."""
    if word in (server.address, server.comment):
        return bool(word)
    host = server.address.rpartition(":")[0] or server.address
    try:
        return values.literal(word) == host
    except values.NotAllowedError:
        return word == host


def known_servers(configuration: Configuration) -> str:
    """Return all servers as one clause, for an error message."""
    lines = []
    for site in configuration.upstreams:
        names = (f"{s.address} ({s.comment})" if s.comment else s.address for s in site.upstream.servers)
        lines.append(f"{site.name}: {', '.join(names) or 'no server'}")
    return "; ".join(lines) or "there is no upstream"


def rewrite(configuration: Configuration, after: Sequence[tuple[UpstreamSite, Upstream]]) -> dict[str, str]:
    """Return the new text of every file in which a server's line changes; nothing else in it is touched."""
    changes: dict[str, dict[tuple[int, int], str]] = {}
    for site, upstream in after:
        for place, server in zip(site.servers, upstream.servers, strict=True):
            if place.server != server:
                start, end, text = replace_server(configuration.files[place.path], place, server)
                changes.setdefault(place.path, {})[(start, end)] = text
    return {path: edit(configuration.files[path].text, spans) for path, spans in changes.items()}

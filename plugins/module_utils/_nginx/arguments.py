# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The options of nginx_upstream, read into a model."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import values
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server, Upstream

# Options whose names and meanings are those of the model.
SERVER_FIELDS = ("weight", "max_conns", "max_fails", "fail_timeout", "backup", "resolve", "service", "route")
UPSTREAM_FIELDS = (
    "method",
    "key",
    "consistent",
    "two",
    "two_method",
    "measure",
    "inflight",
    "keepalive",
    "keepalive_local",
    "keepalive_timeout",
    "keepalive_requests",
    "keepalive_time",
    "sticky",
    "resolver",
    "resolver_timeout",
)


def read_upstream(params: Mapping[str, t.Any]) -> Upstream:
    """Return the upstream that the options describe; whether nginx can do it is the checker's to say.

    :raises ConfigError: a name or an address that cannot be one
    """
    findings: list[Finding] = []
    try:
        name = values.name(params["name"])
    except values.NotAllowedError as error:
        findings.append(Finding("name", params["name"], str(error)))
        name = ""
    servers = []
    for index, item in enumerate(params.get("servers") or ()):
        try:
            servers.append(read_server(item))
        except values.NotAllowedError as error:
            findings.append(Finding(f"servers[{index}].address", item["address"], str(error)))
    if findings:
        raise ConfigError(findings)
    given = {field: params[field] for field in UPSTREAM_FIELDS if params.get(field) is not None}
    return Upstream(
        name=name,
        servers=tuple(servers),
        zone=params.get("zone") or name,
        zone_size=params.get("zone_size") or "",
        **given,
    )


def read_server(item: Mapping[str, t.Any]) -> Server:
    """Return one server.

    :raises NotAllowedError: its address cannot be one
    """
    given = {field: item[field] for field in SERVER_FIELDS if item.get(field) is not None}
    return Server(address=endpoint(item["address"], item.get("port")), comment=item.get("comment") or "", **given)


def endpoint(address: str, port: int | None) -> str:
    """Return address and port as nginx writes them.

    :raises NotAllowedError: no address, or one with a port where another port is given
    """
    if address.startswith("unix:"):
        if port is not None:
            raise values.NotAllowedError("is a unix socket, which has no port")
        return address
    try:
        host, own = _host(address), ""
    except values.NotAllowedError:
        head, _colon, own = address.rpartition(":")
        if not head:
            raise
        host = _host(head)
    if own and port is not None:
        raise values.NotAllowedError("has a port already; give the port in one place")
    number = own or port
    return host if number is None else f"{host}:{values.port(number)}"


def _host(text: str) -> str:
    try:
        return values.literal(text)
    except values.NotAllowedError:
        if ":" in text:
            raise
        return values.host(text)

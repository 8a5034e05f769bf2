# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""Which servers belong to an upstream: the hosts of an inventory group with their parameters.

No effects: the groups and the variables of the hosts come in, servers and findings go out. Variables of a host
are templated when they are read, so only those named here are ever touched.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import Finding
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import values
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.methods import DEFAULT_METHOD, METHODS

Groups = Mapping[str, Sequence[str]]
HostVars = Mapping[str, Mapping[str, t.Any]]

# The less busy one of two: a plain random choice is worse than taking turns.
RANDOM: dict[str, dict[str, t.Any]] = {"random": {"two": True, "two_method": "least_conn"}}

# The methods that need no option which a role would have to pass on.
OFFERED = {name: method for name, method in METHODS.items() if method.needs <= {"key"}}

# What nginx itself assumes: a parameter with this value is left out.
NGINX_DEFAULTS: dict[str, t.Any] = {
    "weight": 1,
    "max_fails": 1,
    "fail_timeout": "10s",
    "max_conns": 0,
    "backup": False,
}


@dataclasses.dataclass(frozen=True)
class Member:
    """A host of the inventory as a server of an upstream."""

    name: str
    address: str
    port: int
    weight: int = 1
    max_fails: int = 1
    fail_timeout: str = "10s"
    max_conns: int = 0
    backup: bool = False

    @property
    def endpoint(self) -> str:
        """Return address and port as nginx writes them."""
        return f"{self.address}:{self.port}"

    def as_dict(self) -> dict[str, t.Any]:
        """Return an item of the option `servers` of nginx_upstream; the comment is the name of the host."""
        given = {name: getattr(self, name) for name, usual in NGINX_DEFAULTS.items() if getattr(self, name) != usual}
        return {"address": self.address, "port": self.port, **given, "comment": self.name}


@dataclasses.dataclass(frozen=True)
class Pool:
    """The hosts of a group as an upstream."""

    name: str
    members: tuple[Member, ...]
    method: str = DEFAULT_METHOD
    key: str = ""
    consistent: bool = False
    keepalive: int = 32
    keepalive_timeout: str = "60s"

    def as_dict(self) -> dict[str, t.Any]:
        """Return the options of nginx_upstream."""
        return {
            "name": self.name,
            "method": self.method,
            **({"key": self.key, "consistent": self.consistent} if self.key else {}),
            **RANDOM.get(self.method, {}),
            "keepalive": self.keepalive,
            **({"keepalive_timeout": self.keepalive_timeout} if self.keepalive else {}),
            "servers": [member.as_dict() for member in self.members],
        }


class _Reader:
    """Reads values one by one and keeps what was wrong with them."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def read(self, path: str, value: t.Any, reader: Callable[[t.Any], t.Any], fallback: t.Any = None) -> t.Any:
        """Return the value as its reader understands it, or the fallback and a finding."""
        try:
            return reader(value)
        except values.NotAllowedError as error:
            self.note(path, value, str(error))
            return fallback

    def note(self, path: str, value: t.Any, allowed: str) -> None:
        """Keep a finding."""
        self.findings.append(Finding(path, value, allowed))


_SERVER_READERS: dict[str, tuple[str, Callable[[t.Any], t.Any]]] = {
    "weight": ("upstream_weight", lambda value: values.whole_number(value, 1)),
    "max_fails": ("upstream_max_fails", values.count),
    "fail_timeout": ("upstream_fail_timeout", values.time),
    "max_conns": ("upstream_max_conns", values.count),
    "backup": ("upstream_backup", values.flag),
}


def server_of(
    host: str, variables: Mapping[str, t.Any], port: t.Any, where: str, **defaults: t.Any
) -> tuple[Member | None, list[Finding]]:
    """Return the server that a host is, or None and what is wrong with its variables."""
    reader = _Reader()
    address_variable = "upstream_address" if "upstream_address" in variables else "ansible_host"
    if address_variable in variables:
        address = reader.read(f"host {host}: {address_variable}", variables[address_variable], values.literal)
    else:
        address = None
        reader.note(f"host {host}: upstream_address", None, "is not set, nor is ansible_host: an IP is needed")
    own_port = "upstream_port" in variables
    number = reader.read(
        f"host {host}: upstream_port" if own_port else where,
        variables["upstream_port"] if own_port else port,
        values.port,
    )
    settings = dict(defaults)
    for parameter, (variable, read) in _SERVER_READERS.items():
        if variable in variables:
            settings[parameter] = reader.read(f"host {host}: {variable}", variables[variable], read)
    if reader.findings:
        return None, reader.findings
    return Member(name=host, address=address, port=number, **settings), []


def servers_of(
    hosts: Sequence[str], hostvars: HostVars, port: t.Any, where: str = "port", **defaults: t.Any
) -> tuple[list[Member], list[Finding]]:
    """Return the servers of these hosts in the order of the inventory, and everything that is wrong with them."""
    servers: list[Member] = []
    findings: list[Finding] = []
    seen: dict[str, str] = {}
    for host in hosts:
        server, complaints = server_of(host, hostvars[host], port, where, **defaults)
        findings.extend(complaint for complaint in complaints if complaint not in findings)
        if server is None:
            continue
        if server.endpoint in seen:
            told = f"is also the address of {seen[server.endpoint]}; give one of them another upstream_port"
            findings.append(Finding(f"host {host}", server.endpoint, told))
        seen[server.endpoint] = host
        servers.append(server)
    return servers, findings


class Resolver:
    """Turns the upstreams as the user wrote them into upstreams with servers."""

    def __init__(self, groups: Groups, hostvars: HostVars, variable: str) -> None:
        self.groups = groups
        self.hostvars = hostvars
        self.variable = variable

    def resolve(self, wanted: Sequence[Mapping[str, t.Any]]) -> tuple[list[Pool], list[Finding]]:
        """Return every upstream that could be built, and all findings of all of them."""
        upstreams: list[Pool] = []
        findings: list[Finding] = []
        for index, item in enumerate(wanted):
            where = f"{self.variable}[{index}]"
            upstream, complaints = self._one(where, item)
            if item.get("name") in [known.get("name") for known in wanted[:index]]:
                complaints.append(Finding(f"{where}.name", item.get("name"), "must not be used twice"))
            findings.extend(complaint for complaint in complaints if complaint not in findings)
            if upstream is not None and not complaints:
                upstreams.append(upstream)
        return upstreams, findings

    def _one(self, where: str, item: Mapping[str, t.Any]) -> tuple[Pool | None, list[Finding]]:
        reader = _Reader()
        settings = self._settings(where, item, reader)
        servers = self._servers(where, item, reader)
        if reader.findings or not servers:
            return None, reader.findings
        return Pool(members=tuple(servers), **settings), []

    def _settings(self, where: str, item: Mapping[str, t.Any], reader: _Reader) -> dict[str, t.Any]:
        method = item.get("method", DEFAULT_METHOD)
        # Checked here as well, as no host may be there to use it.
        reader.read(f"{where}.port", item.get("port"), values.port)
        settings = {
            "name": reader.read(f"{where}.name", item.get("name"), values.name),
            "method": method,
            "keepalive": reader.read(f"{where}.keepalive", item.get("keepalive", 32), values.count),
            "keepalive_timeout": reader.read(
                f"{where}.keepalive_timeout", item.get("keepalive_timeout", "60s"), values.time
            ),
            "consistent": reader.read(f"{where}.consistent", item.get("consistent", False), values.flag),
        }
        if method not in OFFERED:
            reader.note(f"{where}.method", method, f"must be one of: {', '.join(OFFERED)}")
            return settings
        for option in ("key", "consistent"):
            given = bool(item.get(option))
            if given and option not in METHODS[method].takes:
                takers = ", ".join(name for name, entry in METHODS.items() if option in entry.takes)
                reader.note(f"{where}.{option}", item[option], f"is only for the method {takers}, not for {method}")
            if not given and option in METHODS[method].needs:
                reader.note(f"{where}.{option}", item.get(option), f"is needed by the method {method}")
        if item.get("key"):
            settings["key"] = reader.read(f"{where}.key", item["key"], values.key)
        return settings

    def _servers(self, where: str, item: Mapping[str, t.Any], reader: _Reader) -> list[Member]:
        hosts = self._hosts(where, item, reader)
        defaults = {
            "max_fails": reader.read(f"{where}.max_fails", item.get("max_fails", 3), values.count),
            "fail_timeout": reader.read(f"{where}.fail_timeout", item.get("fail_timeout", "10s"), values.time),
        }
        servers, findings = servers_of(hosts, self.hostvars, item.get("port"), f"{where}.port", **defaults)
        reader.findings.extend(findings)
        backups = [server.name for server in servers if server.backup]
        method = METHODS.get(item.get("method", DEFAULT_METHOD))
        policy = item.get("backup_servers", "keep")
        if policy not in ("keep", "omit"):
            reader.note(f"{where}.backup_servers", policy, "must be one of: keep, omit")
        elif policy == "omit":
            servers = [server for server in servers if not server.backup]
        elif method is not None and "backup" in method.forbids and backups:
            told = f"cannot have a backup server ({', '.join(backups)}); use least_conn, or backup_servers: omit"
            reader.note(f"{where}.method", method.name, told)
        if backups and all(server.backup for server in servers):
            reader.note(f"{where}.group", item["group"], "has only backup servers; at least one must not be a backup")
        return servers

    def _hosts(self, where: str, item: Mapping[str, t.Any], reader: _Reader) -> Sequence[str]:
        group = item.get("group", "")
        hosts = self.groups.get(group, [])
        if hosts or item.get("optional", False):
            return hosts
        if group in self.groups:
            reader.note(f"{where}.group", group, "is a group without hosts; at least one is needed")
        else:
            known = sorted(name for name in self.groups if name not in ("all", "ungrouped"))
            told = f"is no group of the inventory; there are: {', '.join(known) or 'none'}"
            reader.note(f"{where}.group", group, told)
        return []

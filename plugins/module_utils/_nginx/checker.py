# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Whether an upstream can be what it is asked to be: rules, all of them tried, each with a reason.

A new rule is a function and a line in RULES.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
from collections.abc import Callable, Iterator

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import Finding
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import notes, values
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import FEATURES, Build, has
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.lexer import is_words
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.methods import METHODS, OPTIONS
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server, Upstream

# Where a value stands, what it is, and what would be allowed.
Complaint = tuple[str, t.Any, str]

_SECONDS = re.compile(r"(?=.)(\d+y)?(\d+M)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s?)?", re.ASCII)
_MILLISECONDS = re.compile(r"(?=.)(\d+y)?(\d+M)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+(ms)?)?", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,12})([kKmMgG]?)")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS = re.compile(r"unix:/[^\s:]+|(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+)(?::([0-9]{1,5}))?")
_LITERAL = re.compile(r"[0-9.]+|\[.*\]")

# nginx wants eight pages, and more than this for each server.
_LEAST_ZONE = 32 * 1024
_ZONE_PER_SERVER = 512


@dataclasses.dataclass(frozen=True)
class Rule:
    """One thing that must be so."""

    name: str
    complaints: Callable[[Upstream, Build], Iterator[Complaint]]
    # Whether `nginx -t` refuses it too. Otherwise nginx takes it, and it would not do what it seems to say.
    enforced: bool


def check(upstream: Upstream, build: Build, path: str = "") -> list[Finding]:
    """Return everything that is wrong with an upstream on this nginx.

    :param path: where the upstream stands in what the user wrote; empty: at the top
    """
    prefix = f"{path}." if path else ""
    return [
        Finding(f"{prefix}{where}", value, allowed, rule.name)
        for rule in RULES
        for where, value, allowed in rule.complaints(upstream, build)
    ]


def _each(upstream: Upstream) -> Iterator[tuple[str, Server]]:
    for index, server in enumerate(upstream.servers):
        yield f"servers[{index}]", server


def _name(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    try:
        values.name(upstream.name)
    except values.NotAllowedError as error:
        yield "name", upstream.name, str(error)


def _features(upstream: Upstream, build: Build) -> Iterator[Complaint]:
    used: list[tuple[str, t.Any, str]] = [
        ("zone", upstream.zone, "zone"),
        ("keepalive", upstream.keepalive is not None and upstream.keepalive > 0, "keepalive"),
        ("keepalive", upstream.keepalive == 0, "keepalive 0"),
        ("keepalive_local", upstream.keepalive_local, "keepalive_local"),
        ("keepalive_timeout", upstream.keepalive_timeout is not None, "keepalive_timeout"),
        ("keepalive_requests", upstream.keepalive_requests is not None, "keepalive_requests"),
        ("keepalive_time", upstream.keepalive_time is not None, "keepalive_time"),
        ("sticky", upstream.sticky, "sticky"),
        ("resolver", upstream.resolver, "resolver"),
        ("resolver_timeout", upstream.resolver_timeout is not None, "resolver"),
    ]
    for field, given, feature in used:
        if given and not has(build, feature):
            yield field, getattr(upstream, field), _needs(FEATURES[feature], build)
    for where, server in _each(upstream):
        for field in ("resolve", "service", "route", "drain", "max_conns"):
            feature = field if field in FEATURES else f"server.{field}"
            value = getattr(server, field)
            if value is not None and value is not False and not has(build, feature):
                yield f"{where}.{field}", value, _needs(FEATURES[feature], build)


def _needs(version: tuple[int, int, int], build: Build) -> str:
    return f"needs nginx {'.'.join(map(str, version))}; this is nginx {build.text}"


def _method(upstream: Upstream, build: Build) -> Iterator[Complaint]:
    method = METHODS.get(upstream.method)
    if method is None:
        yield "method", upstream.method, f"must be one of: {', '.join(METHODS)}"
    elif build.version < method.since:
        yield "method", upstream.method, _needs(method.since, build)


def _method_needs(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    method = METHODS.get(upstream.method)
    for option in OPTIONS:
        if method and option in method.needs and not getattr(upstream, option):
            yield option, getattr(upstream, option), f"is needed by the method {method.name}"
    if upstream.measure and upstream.measure not in ("header", "last_byte"):
        yield "measure", upstream.measure, "must be header or last_byte"
    if upstream.two_method and not upstream.two:
        yield "two_method", upstream.two_method, "chooses between two servers: it needs two: true"
    if upstream.two_method not in ("", "least_conn"):
        yield "two_method", upstream.two_method, "must be least_conn; nginx has no other outside NGINX Plus"


def _method_takes(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    method = METHODS.get(upstream.method)
    for option in OPTIONS:
        if method and option not in method.takes and getattr(upstream, option):
            takers = ", ".join(name for name, entry in METHODS.items() if option in entry.takes)
            yield option, getattr(upstream, option), f"is only for the method {takers}, not for {method.name}"


def _method_forbids(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    method = METHODS.get(upstream.method)
    for where, server in _each(upstream):
        for field in sorted(method.forbids) if method else ():
            if getattr(server, field):
                yield f"{where}.{field}", getattr(server, field), f"cannot be used with the method {upstream.method}"


def _servers(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    if not upstream.servers:
        yield "servers", [], "must name at least one server"
    elif all(server.backup for server in upstream.servers):
        yield "servers", _addresses(upstream), "must not all be backup servers"


def _rotation(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    primaries = [server for server in upstream.servers if not server.backup]
    if primaries and not upstream.in_rotation():
        yield "servers", _addresses(upstream), "must not all be out of rotation: nginx would answer 502 to everybody"


def _addresses(upstream: Upstream) -> list[str]:
    return [server.address for server in upstream.servers]


def _duplicates(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    seen: dict[str, str] = {}
    for where, server in _each(upstream):
        if server.address in seen:
            yield f"{where}.address", server.address, f"must not be used twice; it is that of {seen[server.address]}"
        seen.setdefault(server.address, where)


def _address(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    for where, server in _each(upstream):
        match = _ADDRESS.fullmatch(server.address)
        if match is None or (match[1] is not None and not 0 < int(match[1]) < 65536):
            told = "must be an IP address or a name with a port from 1 to 65535 or without one, or unix:/path"
            yield f"{where}.address", server.address, told


def _numbers(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    numbers: list[tuple[str, int | None, int]] = [
        ("keepalive", upstream.keepalive, 0),
        ("keepalive_requests", upstream.keepalive_requests, 0),
    ]
    for where, server in _each(upstream):
        numbers += [
            (f"{where}.weight", server.weight, 1),
            (f"{where}.max_conns", server.max_conns, 0),
            (f"{where}.max_fails", server.max_fails, 0),
        ]
    for field, number, least in numbers:
        if number is not None and number < least:
            yield field, number, f"must be a whole number >= {least}"


def _times(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    for field in ("keepalive_timeout", "keepalive_time", "resolver_timeout"):
        time = getattr(upstream, field)
        if time is not None and not _MILLISECONDS.fullmatch(time):
            yield field, time, "must be a time such as 500ms, 10s, 1m30s or 1h"
    for where, server in _each(upstream):
        if server.fail_timeout is not None and not _SECONDS.fullmatch(server.fail_timeout):
            yield f"{where}.fail_timeout", server.fail_timeout, "must be a time such as 10s, 1m30s or 1h"


def _zone_size(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    size = _SIZE.fullmatch(upstream.zone_size)
    if not upstream.zone_size:
        return
    if size is None or not upstream.zone:
        told = "must be a size such as 64k or 1m" if size is None else "is the size of the zone, which has no name"
        yield "zone_size", upstream.zone_size, told
        return
    least = max(_LEAST_ZONE, _ZONE_PER_SERVER * len(upstream.servers))
    if int(size[1]) * _UNITS[size[2].lower()] < least:
        told = (
            f"is too little for {len(upstream.servers)} servers: at least {-(-least // 1024)}k; unset, it is computed"
        )
        yield "zone_size", upstream.zone_size, told


def _resolve(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    for where, server in _each(upstream):
        if (server.resolve or server.service is not None) and not upstream.zone:
            yield f"{where}.resolve", server.resolve, "needs a zone, in which all workers keep what a name resolves to"
        if server.service is None:
            continue
        if not server.resolve:
            yield f"{where}.service", server.service, "needs resolve: true"
        if not server.service:
            yield f"{where}.service", server.service, "must name a service, such as http"
        if ":" in server.address or _LITERAL.fullmatch(server.address):
            yield f"{where}.address", server.address, "must be a name without a port, as service looks up the port"


def _keepalive(upstream: Upstream, build: Build) -> Iterator[Complaint]:
    kept = upstream.keepalive if upstream.keepalive is not None else has(build, "upstream keepalive default")
    for field in ("keepalive_timeout", "keepalive_requests", "keepalive_time"):
        if getattr(upstream, field) is not None and not kept:
            yield field, getattr(upstream, field), "says nothing without keepalive: no connection is kept"
    if upstream.keepalive_local and not upstream.keepalive:
        yield "keepalive_local", True, "says nothing without keepalive"


def _sticky(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    kind = upstream.sticky.split()[:1]
    if upstream.sticky and kind not in (["cookie"], ["route"], ["learn"]):
        yield "sticky", upstream.sticky, "must begin with cookie, route or learn"
    for where, server in _each(upstream):
        if server.route == "":
            yield f"{where}.route", "", "must not be empty"


def _words(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    """Text that goes into the file as it is must not end its statement."""
    for field in ("sticky", "resolver"):
        text = getattr(upstream, field)
        if text and ("\n" in text or not is_words(text)):
            yield field, text, "must be words only, in one line: no comment, semicolon or brace, every quote closed"


def _comments(upstream: Upstream, _build: Build) -> Iterator[Complaint]:
    for where, server in _each(upstream):
        text = server.comment
        if _CONTROL.search(text) or text != text.strip() or notes.looks_like_note(text):
            told = (
                "must be one line of text, without blanks around it, and nothing like the notes [held by=...], [alone]"
            )
            yield f"{where}.comment", text, told


RULES: tuple[Rule, ...] = (
    Rule("name", _name, enforced=False),
    Rule("features", _features, enforced=True),
    Rule("method", _method, enforced=True),
    Rule("method_needs", _method_needs, enforced=True),
    Rule("method_takes", _method_takes, enforced=False),
    Rule("method_forbids", _method_forbids, enforced=True),
    Rule("servers", _servers, enforced=True),
    Rule("rotation", _rotation, enforced=False),
    Rule("duplicates", _duplicates, enforced=False),
    Rule("address", _address, enforced=False),
    Rule("numbers", _numbers, enforced=True),
    Rule("times", _times, enforced=True),
    Rule("zone_size", _zone_size, enforced=True),
    Rule("resolve", _resolve, enforced=True),
    Rule("keepalive", _keepalive, enforced=False),
    Rule("sticky", _sticky, enforced=True),
    Rule("words", _words, enforced=False),
    Rule("comments", _comments, enforced=False),
)

# The rules that `nginx -t` enforces too, in what the renderer writes.
ENFORCED_BY_NGINX = frozenset(rule.name for rule in RULES if rule.enforced)

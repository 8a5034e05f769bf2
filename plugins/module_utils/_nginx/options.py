# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""What roles are given: plain values, and the locations of a load balancer."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Collection, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import Finding
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import values

# Answered by the load balancer itself.
RESERVED = ("/health", "/nginx_status")

_READERS: dict[str, Callable[[t.Any], t.Any]] = {
    "path": values.path,
    "read_timeout": values.time,
    "limit_rate": values.rate,
    "limit_burst": values.count,
    "limit_connections": values.count,
}


_KINDS: dict[str, Callable[[t.Any], t.Any]] = {
    "buffers": values.buffers,
    "host": values.host,
    "listen": values.listen,
    "network": values.network,
    "port": values.port,
    "size": values.size,
    "time": values.time,
    "workers": values.workers,
}


def check_value(name: str, value: t.Any, kind: str, least: t.Any = 0) -> list[Finding]:
    """Return what is wrong with a value; a list must hold values of the kind."""
    if isinstance(value, (list, tuple)):
        return [finding for i, item in enumerate(value) for finding in check_value(f"{name}[{i}]", item, kind, least)]
    try:
        if kind == "number":
            values.whole_number(value, least)
        elif kind == "moment":
            values.later_moment(value, least)
        else:
            _KINDS[kind](value)
    except values.NotAllowedError as error:
        return [Finding(name, value, str(error))]
    return []


def check_locations(
    locations: Sequence[Mapping[str, t.Any]], upstreams: Collection[str], variable: str
) -> list[Finding]:
    """Return everything that is wrong with the locations."""
    findings: list[Finding] = []
    for index, location in enumerate(locations):
        where = f"{variable}[{index}]"
        findings.extend(_check_values(location, where))
        findings.extend(check_value(f"{where}.allow", location.get("allow") or [], "network"))
        if location.get("upstream") not in upstreams:
            told = f"is no upstream; there are: {', '.join(upstreams)}"
            findings.append(Finding(f"{where}.upstream", location.get("upstream"), told))
        if location.get("path") in RESERVED:
            findings.append(Finding(f"{where}.path", location.get("path"), "is answered by the load balancer itself"))
        if location.get("path") in [other.get("path") for other in locations[:index]]:
            findings.append(Finding(f"{where}.path", location.get("path"), "must not be used twice"))
    return findings


def _check_values(location: Mapping[str, t.Any], where: str) -> list[Finding]:
    findings = []
    for option, read in _READERS.items():
        # An empty text means that the option is not used.
        if location.get(option, "") in ("", None) and option != "path":
            continue
        try:
            read(location.get(option))
        except values.NotAllowedError as error:
            findings.append(Finding(f"{where}.{option}", location.get(option), str(error)))
    return findings

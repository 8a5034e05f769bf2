# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""The requests of a rollout, from the access logs of all load balancers, by the controller's clock."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterable, Mapping

# The keys of access_log_info that are added up.
TOTALS = ("requests", "failed", "retried")
ATTEMPTS = ("attempts", "failed_attempts")
Counts = dict[str, t.Any]
Logs = Iterable[Mapping[str, t.Any]]


def requests(logs: Logs, addresses: Mapping[str, str]) -> dict[str, t.Any]:
    """Return what all load balancers saw together.

    :param logs: results of access_log_info, each with C(lb) and C(offset) (its clock minus the controller's, seconds);
        a load balancer may come several times, each time with what was logged since
    :param addresses: the address of each host
    :return: C(seen), C(failed), C(retried), C(unreadable), and the lists C(by_address), C(by_version) and
        C(by_load_balancer)
    """
    logs = list(logs)
    hosts = {address: host for host, address in addresses.items()}
    total = _sum(log.get("total") or {} for log in logs)
    servers = [server for log in logs for server in log.get("servers") or ()]
    return {
        "seen": total["requests"],
        "failed": total["failed"],
        "retried": total["retried"],
        "unreadable": sum(int(log.get("unreadable") or 0) for log in logs),
        "by_address": [
            {"host": hosts.get(counts["address"], ""), **counts}
            for counts in _grouped(servers, "address", (*TOTALS, *ATTEMPTS))
        ],
        # An attempt that was not the last one has no version in the log.
        "by_version": [row for row in _grouped(servers, "version", TOTALS) if row["requests"]],
        "by_load_balancer": _grouped(
            ({"lb": log.get("lb", ""), **(log.get("total") or {})} for log in logs), "lb", TOTALS
        ),
    }


def series(logs: Logs, addresses: Mapping[str, str]) -> list[Counts]:
    """Return the requests of each second, address and version, by the controller's clock.

    :param logs: as for the function requests
    :param addresses: the address of each host
    """
    hosts = {address: host for host, address in addresses.items()}
    groups: dict[tuple[int, str, str], list[Mapping[str, t.Any]]] = {}
    for log in logs:
        offset = float(log.get("offset") or 0.0)
        for row in log.get("seconds") or ():
            # A log tells whole seconds: rounded, or a clock that is a moment ahead moves all of them by one.
            key = (
                math.floor(float(row["at"]) - offset + 0.5),
                str(row.get("address") or ""),
                str(row.get("version") or ""),
            )
            groups.setdefault(key, []).append(row)
    return [
        {"at": at, "host": hosts.get(address, ""), "address": address, "version": version, **_sum(rows)}
        for (at, address, version), rows in sorted(groups.items())
    ]


def _sum(rows: Iterable[Mapping[str, t.Any]], keys: Iterable[str] = TOTALS) -> Counts:
    sums: Counts = dict.fromkeys(keys, 0)
    for row in rows:
        for key in sums:
            sums[key] += int(row.get(key) or 0)
    return sums


def _grouped(rows: Iterable[Mapping[str, t.Any]], name: str, keys: Iterable[str]) -> list[Counts]:
    groups: dict[str, list[Mapping[str, t.Any]]] = {}
    for row in rows:
        groups.setdefault(str(row.get(name) or ""), []).append(row)
    return [{name: value, **_sum(members, keys)} for value, members in sorted(groups.items())]

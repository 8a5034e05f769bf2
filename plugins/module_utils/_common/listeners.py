# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""Ports that somebody else listens on, read from `ss --no-header --listening --tcp --numeric --processes`."""

from __future__ import annotations

import re
from collections.abc import Iterable

_OWNER = re.compile(r'\("([^"]+)",pid=(\d+)')
_WILDCARDS = ("0.0.0.0", "*", "[::]")  # noqa: S104 - these are read, not bound


def port_conflicts(listening: str, wanted: Iterable[str], ours: str = "nginx") -> list[str]:
    """Return a sentence for every wanted address:port that a program other than ours holds.

    :param ours: the name of our program, or the number of its process
    """
    sentences = []
    for line in listening.splitlines():
        columns = line.split()
        if len(columns) < 4:
            continue
        held = columns[3]
        owners = _OWNER.findall(line)
        if any(ours in owner for owner in owners):
            continue
        who = ", ".join(f"{name} (process {pid})" for name, pid in dict(owners).items()) or "another program"
        sentences += [f"{address} is taken: {who} listens on {held}" for address in wanted if _clash(held, address)]
    return sorted(set(sentences))


def _clash(held: str, wanted: str) -> bool:
    held_address, _colon, held_port = held.rpartition(":")
    address, _colon, port = wanted.rpartition(":")
    if held_port != port:
        return False
    # An interface may follow the address: 127.0.0.53%lo
    held_address = held_address.split("%")[0]
    if held_address == address:
        return True
    if held_address == "*" or address == "*":
        return True
    same_family = held_address.startswith("[") == address.startswith("[")
    return same_family and (held_address in _WILDCARDS or address in _WILDCARDS)

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The kernel's table of TCP sockets, /proc/net/tcp and tcp6, read into values."""

from __future__ import annotations

import functools
import ipaddress
import sys
import typing as t
from collections.abc import Container

ESTABLISHED = "01"
# A socket in one of these states carries a request, or will: established, being opened, given up by the other side.
BUSY = frozenset({ESTABLISHED, "02", "08"})

Endpoint = tuple[str, int]


class Socket(t.NamedTuple):
    """One line of the table; a tuple, as there may be ten thousand per look."""

    local: Endpoint
    remote: Endpoint
    # Two hexadecimal digits, as the kernel counts states.
    state: str
    inode: int


def parse_table(text: str, v6: bool, inodes: Container[int] | None = None) -> list[Socket]:
    """Return the sockets of a table.

    :param inodes: only these; telling the kernel's numbers apart is cheap, building sockets is not
    """
    read = _v6 if v6 else _v4
    found = []
    for line in text.splitlines()[1:]:
        columns = line.split(None, 10)
        inode = int(columns[9])
        if inodes is None or inode in inodes:
            found.append(Socket(read(columns[1]), read(columns[2]), columns[3], inode))
    return found


def endpoint(address: str) -> Endpoint | None:
    """Return address and port of a server as nginx writes it; None for a name or a unix socket."""
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        host, port = address, "80"
    try:
        return str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))), int(port)
    except ValueError:
        return None


def show(point: Endpoint) -> str:
    """Return an endpoint as people write it."""
    return f"[{point[0]}]:{point[1]}" if ":" in point[0] else f"{point[0]}:{point[1]}"


def _words(text: str) -> bytes:
    """Return the bytes of an address, which the kernel prints as numbers of 32 bits in its own order."""
    raw = bytes.fromhex(text)
    if sys.byteorder == "big":
        return raw
    return b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))


@functools.lru_cache(maxsize=4096)
def _ip(text: str) -> str:
    address = ipaddress.ip_address(_words(text))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


@functools.lru_cache(maxsize=65536)
def _v4(text: str) -> Endpoint:
    return _ip(text[:8]), int(text[9:], 16)


@functools.lru_cache(maxsize=65536)
def _v6(text: str) -> Endpoint:
    return _ip(text[:32]), int(text[33:], 16)

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Models as text, always in the same order: nginx takes some orders without a word and then does something else."""

from __future__ import annotations

import dataclasses

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import notes
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.methods import METHODS
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import quote

# What the first line of a file of ours begins with.
MARK = "# Managed by evenkeel.web.nginx_upstream"
_ABOUT = (
    "# Servers and parameters come from the inventory. `down` and the note behind it stay until",
    "# evenkeel.web.nginx_upstream_server releases the server.",
)

_INDENT = "    "
_VALUES = ("weight", "max_conns", "max_fails", "fail_timeout")
_FLAGS = ("backup", "down", "drain", "resolve")
_NAMED = ("service", "route")


def parameters(server: Server) -> list[str]:
    """Return what stands behind the address of a server, word by word."""
    values = [(name, getattr(server, name)) for name in _VALUES]
    words = [f"{name}={value}" for name, value in values if value is not None]
    # Whoever is held gets no request.
    words += [name for name in _FLAGS if getattr(server, name) or (name == "down" and server.holds)]
    named = [(name, getattr(server, name)) for name in _NAMED]
    words += [f"{name}={value}" for name, value in named if value is not None]
    return [*words, *server.extra]


def server_line(server: Server) -> str:
    """Return the line of a server, without indentation."""
    words = " ".join(quote(word) for word in ("server", server.address, *parameters(server)))
    comment = notes.write(server.comment, server.holds, server.alone)
    return f"{words}; # {comment}" if comment else f"{words};"


def upstream_block(upstream: Upstream) -> str:
    """Return the block of an upstream, just as the model says."""
    lines = [
        *_shared(upstream),
        *_method(upstream),
        *_keepalive(upstream),
        *([f"sticky {upstream.sticky};"] if upstream.sticky else []),
        *upstream.extra,
        *(server_line(server) for server in upstream.servers),
    ]
    body = "".join(f"{_INDENT}{line}\n" for line in lines)
    return f"upstream {quote(upstream.name)} {{\n{body}}}\n"


def render(upstream: Upstream, label: str = "") -> str:
    """Return the file of an upstream; a zone without a size gets one.

    :param label: what the upstream is for, for the first line
    """
    first = f"{MARK} for {label}." if label else f"{MARK}."
    return "\n".join([first, *_ABOUT, "", upstream_block(sized(upstream))])


def is_header(line: str) -> bool:
    """Whether a comment line is one that `render` writes above the block."""
    return line.startswith(MARK) or line in _ABOUT


def sized(upstream: Upstream) -> Upstream:
    """Return the upstream with the size that its zone needs, where none is given."""
    if not upstream.zone or upstream.zone_size:
        return upstream
    return dataclasses.replace(upstream, zone_size=zone_size(len(upstream.servers)))


def zone_size(count: int) -> str:
    """Return how much memory so many servers need: 32 KiB and 1 KiB each, in steps of 32 KiB.

    Measured with nginx 1.31: 64 servers do not fit into 64 KiB, and a server takes 0.8 to 0.9 KiB.
    """
    return f"{max(2, 1 + -(-count // 32)) * 32}k"


def _shared(upstream: Upstream) -> list[str]:
    lines = []
    if upstream.zone:
        size = f" {quote(upstream.zone_size)}" if upstream.zone_size else ""
        lines.append(f"zone {quote(upstream.zone)}{size};")
    if upstream.resolver:
        lines.append(f"resolver {upstream.resolver};")
    if upstream.resolver_timeout is not None:
        lines.append(f"resolver_timeout {quote(upstream.resolver_timeout)};")
    return lines


def _method(upstream: Upstream) -> list[str]:
    directive = METHODS[upstream.method].directive(upstream)
    return [f"{directive};"] if directive else []


def _keepalive(upstream: Upstream) -> list[str]:
    lines = []
    if upstream.keepalive is not None:
        lines.append(f"keepalive {upstream.keepalive}{' local' if upstream.keepalive_local else ''};")
    given = (
        ("keepalive_timeout", upstream.keepalive_timeout),
        ("keepalive_requests", upstream.keepalive_requests),
        ("keepalive_time", upstream.keepalive_time),
    )
    return lines + [f"{name} {quote(str(value))};" for name, value in given if value is not None]

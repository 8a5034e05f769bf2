# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The balancing methods: one entry each. A new method is a new entry here, and a reader in reader.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import FEATURES, Version
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.lexer import quote
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Upstream

# Options of an upstream that belong to a method.
OPTIONS = ("key", "consistent", "two", "two_method", "measure", "inflight")


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to choose the server of a request."""

    name: str
    # The directive inside the upstream block, without its semicolon; empty: there is none.
    directive: Callable[[Upstream], str]
    # The first nginx that has it.
    since: Version
    # Parameters of a server that nginx refuses beside it.
    forbids: frozenset[str] = frozenset()
    # Options of the upstream that this method takes, and those it cannot do without.
    takes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


DEFAULT_METHOD = "least_conn"

_BACKUP = frozenset({"backup"})


def _fixed(words: str) -> Callable[[Upstream], str]:
    return lambda _upstream: words


def _words(*words: str) -> str:
    return " ".join(quote(word) for word in words if word)


def _hash(upstream: Upstream) -> str:
    return _words("hash", upstream.key, "consistent" if upstream.consistent else "")


def _random(upstream: Upstream) -> str:
    return _words("random", "two" if upstream.two else "", upstream.two_method)


def _least_time(upstream: Upstream) -> str:
    return _words("least_time", upstream.measure, "inflight" if upstream.inflight else "")


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("round_robin", _fixed(""), (0, 5, 0)),
        Method("least_conn", _fixed("least_conn"), FEATURES["method least_conn"]),
        Method("ip_hash", _fixed("ip_hash"), (0, 5, 0), forbids=_BACKUP),
        Method(
            "hash",
            _hash,
            FEATURES["method hash"],
            forbids=_BACKUP,
            takes=frozenset({"key", "consistent"}),
            needs=frozenset({"key"}),
        ),
        Method(
            "random",
            _random,
            FEATURES["method random"],
            forbids=_BACKUP,
            takes=frozenset({"two", "two_method"}),
        ),
        Method(
            "least_time",
            _least_time,
            FEATURES["method least_time"],
            takes=frozenset({"measure", "inflight"}),
            needs=frozenset({"measure"}),
        ),
    )
}

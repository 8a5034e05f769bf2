# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The balancing methods: one entry each. A new method is a new entry here."""

from __future__ import annotations

import dataclasses

Version = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to choose the server of a request."""

    name: str
    # The directive inside the upstream block, with {key} and {consistent} where the method takes them; empty: none.
    template: str
    # The first nginx that has it.
    since: Version
    # Parameters of a server that nginx refuses beside it.
    forbids: frozenset[str] = frozenset()
    # Options of the upstream that only this method takes, and those it cannot do without.
    takes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()

    def directive(self, key: str = "", consistent: bool = False) -> str:
        """Return the line that selects this method, without its semicolon."""
        return self.template.format(key=key, consistent=" consistent" if consistent else "")


DEFAULT_METHOD = "least_conn"

_BACKUP = frozenset({"backup"})

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("round_robin", "", (0, 5, 0)),
        Method("least_conn", "least_conn", (1, 3, 1)),
        Method("ip_hash", "ip_hash", (0, 5, 0), forbids=_BACKUP),
        Method(
            "hash",
            "hash {key}{consistent}",
            (1, 7, 2),
            forbids=_BACKUP,
            takes=frozenset({"key", "consistent"}),
            needs=frozenset({"key"}),
        ),
        Method("random", "random two least_conn", (1, 15, 1), forbids=_BACKUP),
    )
}

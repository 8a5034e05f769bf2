# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Waiting until no request is left at servers that are out of rotation."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Collection, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drain import DrainWatch, Holder
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Host
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.wait import poll

# Seconds between two looks; three in a row must agree.
INTERVAL = 0.2


@dataclasses.dataclass(frozen=True)
class Drained:
    """How a wait ended."""

    seconds: float = 0.0
    drained: frozenset[str] = frozenset()
    waiting: Mapping[str, tuple[Holder, ...]] = dataclasses.field(default_factory=dict)
    # Connections of clients to old workers for which no server has been chosen: half-sent requests, silent ones.
    unproxied: int = 0

    def as_data(self) -> dict[str, t.Any]:
        """Return plain data."""
        return {
            "seconds": round(self.seconds, 1),
            "drained": sorted(self.drained),
            "waiting": {a: [dataclasses.asdict(holder) for holder in held] for a, held in sorted(self.waiting.items())},
            "unproxied": self.unproxied,
        }

    def sentence(self) -> str:
        """Say who holds the servers."""
        told = [
            f"{address}: {holder.socket} of worker {holder.worker}, seen for {holder.age:.0f} s"
            + (f", client {holder.client}" if holder.client else "")
            for address, held in sorted(self.waiting.items())
            for holder in held
        ]
        if self.unproxied:
            told.append(f"{self.unproxied} connections to old workers have sent no whole request yet")
        return f"Held by {'; '.join(told)}." if told else ""

    def warnings(self) -> list[str]:
        """Say what is going to be cut when the application stops."""
        if not self.waiting:
            return []
        return [f"{', '.join(sorted(self.waiting))} still has requests after {self.seconds:.0f} s. {self.sentence()}"]


def wait_until_drained(host: Host, configuration: Configuration, addresses: Collection[str], timeout: float) -> Drained:
    """Look at nginx's sockets until nothing of these servers is left, or the time is over.

    :param timeout: seconds; 0 looks as often as a proof needs where nothing is left
    """
    watch = DrainWatch(addresses, configuration.listen_ports, configuration.http2, configuration.client_body_timeout)
    began = host.now()
    verdict = watch.look(host.look(), began)

    def done() -> bool | None:
        nonlocal verdict
        verdict = watch.look(host.look(), host.now())
        return True if not verdict.waiting else None

    if verdict.waiting:
        poll(host, began + max(timeout, 3 * INTERVAL), INTERVAL, done)
    seconds = host.now() - began
    if not verdict.waiting:
        host.settle(addresses)
    return Drained(seconds, verdict.drained, verdict.waiting, verdict.unproxied)

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""When a server is drained: no worker that may still send it a request is left, or none can any more.

After a reload each socket of an old worker is one request under way: old workers close their idle connections to
servers, and new workers do not connect to a server that is down. What no socket to a server shows is a request that
has not been passed on yet, such as an upload of which half has arrived: that client's connection has no counterpart
among the connections to servers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.sockets import BUSY, Socket, endpoint, show


@dataclasses.dataclass(frozen=True)
class OldWorker:
    """A worker process and its TCP sockets."""

    pid: int
    # Seconds since it started.
    age: float
    sockets: tuple[Socket, ...] = ()
    memory_kib: int = 0


@dataclasses.dataclass(frozen=True)
class Look:
    """The workers at one moment."""

    # Those that serve a configuration that was replaced, or that a dead master left behind.
    old_workers: tuple[OldWorker, ...] = ()
    # Those that serve the present one, where they were asked for.
    current_workers: tuple[OldWorker, ...] = ()


@dataclasses.dataclass(frozen=True)
class Holder:
    """A request under way that keeps a server from being drained."""

    address: str
    worker: int
    # Empty: the worker has several clients, and nothing tells which of them it is.
    client: str
    # Such as "10.0.0.1:41234 -> 10.0.0.11:5000".
    socket: str
    # Seconds since we first saw it.
    age: float


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What is known after a look."""

    drained: frozenset[str]
    # Who holds each server that is not drained; nobody is named where only the counting goes on.
    waiting: Mapping[str, tuple[Holder, ...]]
    # How many connections of clients in old workers have no counterpart: requests that may go to any server yet.
    unproxied: int
    # Workers that are waited for.
    old_workers: tuple[int, ...] = ()

    @property
    def done(self) -> bool:
        """Whether every server is drained."""
        return not self.waiting


class DrainWatch:
    """Looks in a row. A server that was drained once stays so.

    :param listen_ports: where clients connect; any other socket goes to a server
    :param http2: several requests share a client's connection, so one of them may hide behind another
    :param body_timeout: seconds after which nginx gives up a client that sends nothing
    :param looks: how many looks in a row must agree
    """

    def __init__(
        self,
        addresses: Iterable[str],
        listen_ports: Collection[int],
        http2: bool,
        body_timeout: float,
        looks: int = 3,
    ) -> None:
        self._addresses = {address: endpoint(address) for address in addresses}
        self._ports = frozenset(listen_ports)
        self._quiet_for = body_timeout if http2 else 0.0
        self._looks = looks
        self._drained: set[str] = set()
        self._quiet: dict[str, tuple[int, float]] = {}
        self._seen: dict[int, float] = {}

    def look(self, look: Look, now: float) -> Verdict:
        """Judge one look; `now` is the clock's."""
        workers = look.old_workers
        unproxied = sum(max(0, self._surplus(worker)) for worker in workers)
        waiting = {}
        for address in self._addresses:
            holders = self._holders(address, workers, now)
            if not workers or self._agreed(address, bool(holders) or unproxied > 0, now):
                self._drained.add(address)
            if address not in self._drained:
                waiting[address] = holders
        return Verdict(frozenset(self._drained), waiting, unproxied, tuple(worker.pid for worker in workers))

    def _agreed(self, address: str, busy: bool, now: float) -> bool:
        """Whether this look is the last of enough quiet ones, over a long enough time."""
        if busy or self._addresses[address] is None:
            # No table of sockets tells where a name or a unix socket leads.
            self._quiet.pop(address, None)
            return False
        count, since = self._quiet.get(address, (0, now))
        self._quiet[address] = (count + 1, since)
        return count + 1 >= self._looks and now - since >= self._quiet_for

    def _surplus(self, worker: OldWorker) -> int:
        busy = [socket for socket in worker.sockets if socket.state in BUSY]
        clients = len([socket for socket in busy if socket.local[1] in self._ports])
        return 2 * clients - len(busy)

    def _holders(self, address: str, workers: Iterable[OldWorker], now: float) -> tuple[Holder, ...]:
        wanted = self._addresses[address]
        found = []
        for worker in workers:
            for socket in worker.sockets:
                if socket.remote == wanted and socket.state in BUSY and socket.local[1] not in self._ports:
                    since = self._seen.setdefault(socket.inode, now)
                    way = f"{show(socket.local)} -> {show(socket.remote)}"
                    found.append(Holder(address, worker.pid, self._client(worker), way, now - since))
        return tuple(found)

    def _client(self, worker: OldWorker) -> str:
        clients = {socket.remote for socket in worker.sockets if socket.local[1] in self._ports}
        return show(next(iter(clients))) if len(clients) == 1 else ""

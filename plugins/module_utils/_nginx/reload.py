# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The one way to reload nginx: announce, test, HUP, prove."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from collections.abc import Collection

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import generation
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import Build, has
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import (
    BrokenConfig,
    Content,
    Host,
    ReloadError,
    Worker,
)
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.sockets import ESTABLISHED
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.wait import poll

INTERVAL = 0.05
# nginx tries five times to get an address that somebody else has; only then it gives up.
_RETRIED = re.compile(r"bind\(\) to .* failed \(98")
# Before the level stands the program or the time, behind it the process.
_MESSAGE = re.compile(r"\[(emerg|alert|crit|error|warn)\] (?:\d+#\d+: )?(.+)")
TAIL = 20

Id = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Reloaded:
    """What a reload did."""

    performed: bool = False
    # generation: a new worker answered with this reload's own word. workers: all old ones were retired, new ones run.
    proof: str = "none"
    # From the signal to the proof.
    seconds: float = 0.0
    # For how long, at least, the close was announced before, and how much of that was waited for now.
    window: float = 0.0
    waited: float = 0.0
    # The workers that were retired, and those that serve now.
    old_workers: tuple[int, ...] = ()
    new_workers: tuple[int, ...] = ()
    # Clients' connections that were open at the signal; more were not broken by it.
    idle_clients: int = 0
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Loading:
    """What is to be loaded."""

    build: Build
    configuration: Configuration
    fingerprint: str
    # The file that makes nginx tell its generation; empty: this configuration has none.
    generation_file: str = ""
    # Where nginx says why it does not take it: before the change, and after.
    logs: Collection[str] = ()
    # Where clients of the configuration before connected, beside those of this one.
    ports: frozenset[int] = frozenset()


def reload(host: Host, loading: Loading) -> Reloaded:
    """Make nginx serve the configuration on disk, and prove it. Only under the lock.

    :raises BrokenConfig: nginx refuses it; nothing was signalled
    :raises ReloadError: nothing proves that it serves
    """
    mark = _mark(host, loading)
    master = host.master()
    if master is None:
        host.announce(False)
        return Reloaded(warnings=("nginx is not running, so nothing was reloaded: it will start with this",))
    window, warnings = announcement(host, loading)
    if window and not open_clients(host, master, loading):
        window = 0.0
    try:
        waited = _wait_out(host, window)
        tested = host.test()
        if not tested.ok:
            raise BrokenConfig(refused(tested.messages), nginx=tested.messages)
        known = Reloaded(True, window=window, waited=waited, warnings=tuple(warnings))
        return _signal(host, loading, master, mark, known)
    finally:
        host.announce(False)


def announce(host: Host, loading: Loading, check_mode: bool) -> bool:
    """Announce the reload that comes, without waiting for it. Only under the lock.

    :returns: whether this was needed: not where it is announced already, no client is connected or none is harmed
    """
    master = host.master()
    if master is None or host.announced() is not None:
        return False
    window, _warnings = announcement(host, loading)
    needed = bool(window) and open_clients(host, master, loading) > 0
    if not check_mode:
        host.announce(needed)
    return needed


def _wait_out(host: Host, window: float) -> float:
    """Announce the close for so long, with what was announced already, and return for how long that was waited for."""
    if not window:
        return 0.0
    announced = host.announced()
    if announced is None:
        host.announce(True)
    left = max(window - (announced or 0.0), 0.0)
    host.sleep(left)
    return left


def announcement(host: Host, loading: Loading) -> tuple[float, list[str]]:
    """Return for how many seconds the close must be announced, and what keeps this reload from being without loss."""
    configuration, window = loading.configuration, host.target.close_window
    if has(loading.build, "keepalive_min_timeout"):
        if configuration.keepalive_min_timeout:
            return 0.0, []
        told = "keepalive_min_timeout is not set, so this reload breaks clients' connections that are idle then"
        return 0.0, [told]
    if not configuration.announces(host.target.closing_flag):
        told = (
            f"nginx {loading.build.text} breaks clients' connections that are idle when it reloads, and no location of "
            f"its configuration closes them before (if (-f {host.target.closing_flag}))"
        )
        return 0.0, [told]
    return window, []


def refused(messages: str) -> str:
    """Return the sentence that quotes nginx."""
    lines = dict.fromkeys(f"[{level}] {told}" for level, told in _MESSAGE.findall(messages))
    return f"nginx refuses its configuration: {'; '.join(lines) or messages.strip()}."


def open_clients(host: Host, master: int, loading: Loading) -> int:
    """Return how many connections clients have open."""
    ports = loading.configuration.listen_ports | loading.ports
    return sum(s.state == ESTABLISHED and s.local[1] in ports for s in host.sockets(master))


def _mark(host: Host, loading: Loading) -> generation.Generation | None:
    """Write what nginx shall answer once it serves this configuration."""
    if not loading.generation_file:
        return None
    mark = generation.Generation(host.nonce(), loading.fingerprint)
    host.write(loading.generation_file, Content(mark.text(host.target.generation_socket)))
    return mark


def _signal(
    host: Host, loading: Loading, master: int, mark: generation.Generation | None, reloaded: Reloaded
) -> Reloaded:
    before = _serving(host.workers(master))
    idle = open_clients(host, master, loading)
    sizes = host.log_sizes(loading.logs)
    began = host.now()
    host.signal(master)

    def failed(told: str) -> ReloadError:
        said = host.log_since(sizes)
        rotated = host.master() != master or bool(_serving(host.workers(master)) - before)
        return ReloadError(f"{told} {_quote(said)}", rotated, error_log=_urgent(said) or said.splitlines()[-TAIL:])

    def proven() -> str | None:
        serving = _serving(host.workers(master))
        if host.master() != master:
            raise failed("nginx ended when it was told to reload.")
        if _gave_up(host.log_since(sizes), master):
            raise failed("nginx did not take its new configuration and serves the old one.")
        if before & serving or not serving:
            return None
        return _answered(host, mark)

    proof = poll(host, began + host.target.reload_timeout, INTERVAL, proven)
    if proof is None:
        raise failed(f"nothing proves after {host.target.reload_timeout:g} s that nginx serves its new configuration.")
    return dataclasses.replace(
        reloaded,
        proof=proof,
        seconds=host.now() - began,
        old_workers=tuple(sorted(pid for pid, _started in before)),
        new_workers=tuple(sorted(pid for pid, _started in _serving(host.workers(master)))),
        idle_clients=idle,
        warnings=(*reloaded.warnings, *_lost_socket(host, mark, proof)),
    )


def _answered(host: Host, mark: generation.Generation | None) -> str | None:
    if mark is None or not host.has_socket():
        return "workers"
    return "generation" if generation.read_answer(host.ask_generation()) == mark else None


def _lost_socket(host: Host, mark: generation.Generation | None, proof: str) -> list[str]:
    if mark is None or proof == "generation":
        return []
    return [f"{host.target.generation_socket} was removed while nginx runs, so it cannot be asked; restart nginx"]


def _serving(workers: Collection[Worker]) -> set[Id]:
    return {(worker.pid, worker.started) for worker in workers if not worker.shutting_down}


def _gave_up(said: str, master: int) -> bool:
    urgent = (line for line in said.splitlines() if f"[emerg] {master}#" in line)
    return any(not _RETRIED.search(line) for line in urgent)


def _urgent(said: str) -> list[str]:
    """Return the lines that are not about requests, which a busy nginx writes meanwhile."""
    return [line for line in said.splitlines() if re.search(r"\[(emerg|alert|crit)\]", line)]


def _quote(said: str) -> str:
    told = dict.fromkeys(found[2] for line in _urgent(said) if (found := _MESSAGE.search(line)))
    return f"Its error log says: {'; '.join(told)}." if told else "Its error log does not say why."


def as_result(reloaded: Reloaded) -> dict[str, t.Any]:
    """Return plain data."""
    data = dataclasses.asdict(reloaded)
    del data["warnings"]
    return {**data, "seconds": round(reloaded.seconds, 3), "waited": round(reloaded.waited, 3)}

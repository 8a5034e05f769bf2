# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""What nginx' access log says of each server and each version: requests seen, failed and retried."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import json
import math
import re
import typing as t
from collections.abc import Collection, Iterable, Iterator, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import LogFile, LogHost

# What logrotate calls the log before this one.
ROTATED = ".1"
# nginx puts a comma between the servers that it tried, and a colon where it redirected a request inside.
TRIED = re.compile(r", | : ")
# What nginx answers a client that did not wait (ngx_http_request.h, NGX_HTTP_CLIENT_CLOSED_REQUEST).
CLIENT_CLOSED = 499
# A client that leaves sooner has changed its mind; one that has waited longer has met a server that does not answer.
IMPATIENT_SECONDS = 5.0


@dataclasses.dataclass
class Count:
    """What was seen of one server in one version."""

    requests: int = 0
    failed: int = 0
    retried: int = 0
    attempts: int = 0
    failed_attempts: int = 0


class Request(t.NamedTuple):
    """One line of the log."""

    # When it ended, in whole seconds since the epoch.
    at: int
    upstream: str
    # Of the last server that was asked; empty: none was.
    address: str
    version: str
    failed: bool
    # Another server was asked after one did not answer well.
    retried: bool
    # Each server that was asked, and whether it failed.
    attempts: tuple[tuple[str, bool], ...]


@functools.lru_cache(maxsize=256)
def moment(text: str) -> int:
    """Return the seconds since the epoch of a time as nginx writes it.

    :raises ValueError: it is none
    """
    return int(datetime.datetime.fromisoformat(text).timestamp())


def attempts_of(
    addresses: str, statuses: str, upstream: str, client_closed: bool = False
) -> tuple[tuple[str, bool], ...]:
    """Return each server that was asked, and whether it failed.

    :param addresses: C($upstream_addr)
    :param statuses: C($upstream_status)
    :param upstream: C($proxy_host), which stands for the address when no server was left to ask
    :param client_closed: the client did not wait: that the last server has not answered says nothing about it
    """
    asked = TRIED.split(addresses) if addresses and addresses != "-" else []
    said = TRIED.split(statuses)
    said += ["-"] * (len(asked) - len(said))
    last = len(asked) - 1
    return tuple(
        (address, _failed(status) and not (client_closed and status == "-" and number == last))
        for number, (address, status) in enumerate(zip(asked, said, strict=False))
        if address != upstream
    )


def _failed(status: str) -> bool:
    return status == "-" or (status[:1] == "5" and len(status) == 3)


@functools.lru_cache(maxsize=4096)
def _route(
    addresses: str, statuses: str, upstream: str, client_closed: bool
) -> tuple[str, bool, tuple[tuple[str, bool], ...]]:
    """Return who was asked last, whether it was not the first, and all attempts; a log repeats itself."""
    attempts = attempts_of(addresses, statuses, upstream, client_closed)
    last = TRIED.split(addresses)[-1]
    return attempts[-1][0] if attempts and attempts[-1][0] == last else "", ", " in addresses, attempts


def _named(addresses: str) -> str:
    """Return the upstream whose name stands for an address, as where no server was left to ask.

    An error page of nginx' own is a location that proxies nothing, so C($proxy_host) is empty in the log.
    """
    last = TRIED.split(addresses)[-1]
    return "" if ":" in last or last == "-" else last


def parse(line: bytes) -> Request:
    """Read one line.

    :raises ValueError: it is not of nginx' log in the format of the role nginx
    """
    try:
        entry = json.loads(line.decode(errors="replace"))
        upstream = entry["upstream"] or _named(entry["ua"])
        closed = entry["status"] == CLIENT_CLOSED and float(entry.get("rt") or 0) < IMPATIENT_SECONDS
        address, retried, attempts = _route(entry["ua"], entry["us"], upstream, closed)
        failed = entry["status"] >= 500
        return Request(moment(entry["ts"]), upstream, address, entry["version"], failed, retried, attempts)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not in the format evenkeel: {error!r}") from error


class Tally:
    """Counts what it is told; it grows with servers, versions and seconds, and not with requests.

    :param since: a request that ended in an earlier second is left out
    :param upstreams: names of the upstreams to count; empty: everything
    :param addresses: servers whose requests count even where an error page has taken the name of the upstream away
    """

    def __init__(self, since: float, upstreams: Collection[str], addresses: Collection[str] = ()) -> None:
        self.lines = 0
        self.unreadable = 0
        self._since = math.floor(since)
        self._upstreams = frozenset(upstreams)
        self._addresses = frozenset(addresses)
        # The attempts of each server, and the requests of each second.
        self._servers: dict[tuple[str, str], Count] = {}
        self._seconds: dict[tuple[int, str, str], Count] = {}

    def add(self, line: bytes) -> None:
        """Count one line."""
        self.lines += 1
        try:
            request = parse(line)
        except ValueError:
            self.unreadable += 1
            return
        if request.at < self._since or not self._wanted(request):
            return
        count = _count(self._seconds, (request.at, request.address, request.version))
        count.requests += 1
        count.failed += request.failed
        count.retried += request.retried
        # Only the last server has left its version in the log.
        for number, (address, failed) in enumerate(reversed(request.attempts)):
            version = request.version if number == 0 and address == request.address else ""
            count = _count(self._servers, (address, version))
            count.attempts += 1
            count.failed_attempts += failed

    def _wanted(self, request: Request) -> bool:
        if not self._upstreams or request.upstream in self._upstreams:
            return True
        return not request.upstream and any(address in self._addresses for address, _failed in request.attempts)

    def result(self) -> dict[str, t.Any]:
        """Return what was counted."""
        total = Count()
        servers = {key: dataclasses.replace(count) for key, count in self._servers.items()}
        for (_at, address, version), seen in self._seconds.items():
            for count in (total, _count(servers, (address, version))):
                count.requests += seen.requests
                count.failed += seen.failed
                count.retried += seen.retried
        return {
            "lines": self.lines,
            "unreadable": self.unreadable,
            "total": _brief(total),
            "servers": [
                {"address": address, "version": version, **dataclasses.asdict(count)}
                for (address, version), count in sorted(servers.items())
            ],
            "seconds": [
                {"at": at, "address": address, "version": version, **_brief(count)}
                for (at, address, version), count in sorted(self._seconds.items())
            ],
        }


Key = t.TypeVar("Key")


def _count(counts: dict[Key, Count], key: Key) -> Count:
    found = counts.get(key)
    if found is None:
        found = counts[key] = Count()
    return found


def _brief(count: Count) -> dict[str, int]:
    return {"requests": count.requests, "failed": count.failed, "retried": count.retried}


def run(params: Mapping[str, t.Any], host: LogHost, check_mode: bool) -> dict[str, t.Any]:
    """Read the log from a position on.

    :param check_mode: makes no difference, as nothing is ever changed
    :raises ConfigError: options that cannot be used
    :raises TaskError: there is no such log
    """
    found = list(findings(params))
    if found:
        raise ConfigError(found)
    tally = Tally(params["since"], params["upstreams"], params["addresses"])
    if params["position_only"]:
        with _opened(host, params["path"]) as log:
            position = {"inode": log.inode, "offset": _end_of_last_line(log)}
        warnings: list[str] = []
    else:
        host.sleep(params["seconds"] + params["flush"])
        position, warnings = _read(params, host, tally)
    return {
        "changed": False,
        "position": position,
        "now": host.wall(),
        **tally.result(),
        "warnings": warnings,
    }


def findings(params: Mapping[str, t.Any]) -> Iterator[Finding]:
    """Return everything that is wrong with the options."""
    for name in ("since", "seconds", "flush"):
        if not 0 <= params[name] < math.inf:
            yield Finding(name, params[name], "must be 0 or more")
    for name, value in (params["position"] or {}).items():
        if value < 0:
            yield Finding(f"position.{name}", value, "must be 0 or more")


def _read(params: Mapping[str, t.Any], host: LogHost, tally: Tally) -> tuple[dict[str, int], list[str]]:
    """Count the log before this one as far as it belongs to it, then this one, and return where it ends."""
    path, position = params["path"], params["position"]
    with _opened(host, path) as log:
        if position and position["inode"] == log.inode:
            if position["offset"] <= log.size:
                return _count_lines(log, position["offset"], tally), []
            warning = f"{path} is shorter than before: somebody has emptied it, and requests may be missing"
            return _count_lines(log, 0, tally), [warning]
        before, warnings = _read_rotated(params, host, tally)
        # A log that was rotated is written to until nginx opens the new one.
        if before and log.size == 0:
            return before, warnings
        return _count_lines(log, 0, tally), warnings


def _read_rotated(params: Mapping[str, t.Any], host: LogHost, tally: Tally) -> tuple[dict[str, int] | None, list[str]]:
    """Count what the log before this one has to tell, and return where that ends."""
    path, position = f"{params['path']}{ROTATED}", params["position"]
    with host.open_log(path) as log:
        if position:
            if log is not None and log.inode == position["inode"]:
                return _count_lines(log, min(position["offset"], log.size), tally), []
            return None, [f"the log of the position is neither {params['path']} nor {path}: requests may be missing"]
        if log is not None and 0 < params["since"] <= log.modified:
            return _count_lines(log, 0, tally), []
    return None, []


def _count_lines(log: LogFile, offset: int, tally: Tally) -> dict[str, int]:
    """Count the whole lines between an offset and the end, and return where the last of them ends."""
    for line in _whole_lines(log, offset):
        tally.add(line)
        offset += len(line)
    return {"inode": log.inode, "offset": offset}


def _whole_lines(log: LogFile, offset: int) -> Iterable[bytes]:
    for line in log.lines(offset):
        offset += len(line)
        # What is written while it is read is for the next time.
        if offset > log.size or not line.endswith(b"\n"):
            return
        yield line


def _end_of_last_line(log: LogFile) -> int:
    """Return where the last whole line ends, without reading the log."""
    begin = max(log.size - (1 << 20), 0)
    data = b"".join(log.lines(begin))[: log.size - begin]
    return begin + data.rfind(b"\n") + 1


@contextlib.contextmanager
def _opened(host: LogHost, path: str) -> Iterator[LogFile]:
    with host.open_log(path) as log:
        if log is None:
            raise TaskError(f"path: there is no log {path} on this host. Which one does access_log of nginx name?")
        yield log

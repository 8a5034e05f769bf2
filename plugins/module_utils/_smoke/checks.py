# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user of the site does, check by check.

This module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t


class CheckFailed(Exception):
    """A check saw the site misbehave.

    :param message: what was seen, with the host where one is to blame
    :param command: what to type to see why; empty where the message says it all
    """

    def __init__(self, message: str, command: str = "") -> None:
        super().__init__(message)
        self.command = command


@dataclasses.dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names are lower case."""

    status: int
    headers: t.Mapping[str, str]
    text: str

    @property
    def instance(self) -> str:
        """Who answered, from the header X-Served-By."""
        return self.headers.get("x-served-by", "")


class Client(t.Protocol):
    """The way to the site, through one load balancer; every request uses a connection of its own."""

    def request(self, method: str, path: str, body: object = None, cookie: str = "") -> Answer:
        """Send one request."""

    def echo(self, path: str, text: str) -> str:
        """Send a text to a WebSocket and return what comes back."""

    def now(self) -> float:
        """Return seconds that only ever grow."""

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""


@dataclasses.dataclass(frozen=True)
class Site:
    """What the site is expected to do; an empty path means that the check is not wanted."""

    page_path: str
    api_path: str
    write_path: str
    websocket_path: str
    status_path: str
    targets_path: str
    instances: tuple[str, ...]
    spread: str  # requests: any client reaches all; NAME of a cookie: one per value; none: one client, one instance
    max_requests: int
    targets_timeout: float
    instance_command: str
    load_balancer_command: str

    def command_for(self, instance: str) -> str:
        return self.instance_command.replace("{instance}", instance)


def expect(answer: Answer, status: int, what: str, command: str) -> Answer:
    if answer.status != status:
        who = answer.instance or "the load balancer"
        start = " ".join(answer.text.split())[:120]
        raise CheckFailed(f"{what} answered {answer.status} instead of {status} (from {who}): {start}", command)
    return answer


def page(site: Site, client: Client) -> str:
    answer = expect(client.request("GET", site.page_path), 200, site.page_path, site.load_balancer_command)
    if "html" not in answer.headers.get("content-type", ""):
        seen = answer.headers.get("content-type", "none")
        raise CheckFailed(f"{site.page_path} is no HTML page: content type {seen}", site.load_balancer_command)
    return f"{site.page_path} is an HTML page of {len(answer.text)} characters from {answer.instance or 'a frontend'}"


def api(site: Site, client: Client) -> str:
    wanted, asked = set(site.instances), 0
    seen: set[str] = set()
    while asked < site.max_requests and not wanted <= seen:
        asked += 1
        cookie = f"{site.spread}=smoke{asked}" if site.spread not in ("requests", "none") else ""
        answer = client.request("GET", site.api_path, cookie=cookie)
        command = site.command_for(answer.instance) if answer.instance else site.load_balancer_command
        seen.add(expect(answer, 200, site.api_path, command).instance)
        if site.spread == "none" and seen & wanted:
            return f"{answer.instance} answered (ip_hash: one client address reaches one backend)"
    silent = sorted(wanted - seen)
    if silent:
        raise CheckFailed(
            f"{', '.join(silent)} did not answer {site.api_path} within {asked} requests",
            site.command_for(silent[0]),
        )
    return f"all {len(wanted)} backends answered {site.api_path} within {asked} requests"


def write(site: Site, client: Client) -> str:
    posted = client.request("POST", site.write_path, {"text": "written by the smoke test"})
    command = site.command_for(posted.instance) if posted.instance else site.load_balancer_command
    expect(posted, 201, f"POST {site.write_path}", command)
    path = f"{site.write_path}/{json.loads(posted.text)['id']}"
    try:
        return _read_back(site, client, path, posted.instance)
    finally:
        client.request("DELETE", path)


def _read_back(site: Site, client: Client, path: str, writer: str) -> str:
    reader = writer
    for number in range(site.max_requests):
        cookie = f"{site.spread}=smoke{number}" if site.spread not in ("requests", "none") else ""
        answer = client.request("GET", path, cookie=cookie)
        reader = answer.instance
        expect(answer, 200, f"GET {path}, written by {writer}", site.command_for(reader or writer))
        if reader != writer or len(site.instances) == 1 or site.spread == "none":
            return f"a note written by {writer} was read back from {reader}"
    raise CheckFailed(
        f"only {writer} answered GET {path} in {site.max_requests} requests: no other backend could read the note",
        site.load_balancer_command,
    )


def websocket(site: Site, client: Client) -> str:
    said = "evenkeel smoke test"
    heard = client.echo(site.websocket_path, said)
    if heard != said:
        raise CheckFailed(f"{site.websocket_path} echoed {heard!r} instead of {said!r}", site.load_balancer_command)
    return f"{site.websocket_path} echoes"


def status(site: Site, client: Client) -> str:
    answer = expect(client.request("GET", site.status_path), 200, site.status_path, site.load_balancer_command)
    first = answer.text.strip().split("\n")[0].strip()
    if not first.startswith("Active connections"):
        raise CheckFailed(f"{site.status_path} is not nginx's status page: {first[:80]}", site.load_balancer_command)
    return f"{site.status_path} says: {first}"


def targets(site: Site, client: Client) -> str:
    """Wait until every target is up: a new Prometheus knows nothing before its first scrape."""
    deadline = client.now() + site.targets_timeout
    while True:
        answer = expect(client.request("GET", site.targets_path), 200, site.targets_path, site.load_balancer_command)
        active = json.loads(answer.text)["data"]["activeTargets"]
        waiting = [target for target in active if target["health"] != "up"]
        if active and not waiting:
            return f"all {len(active)} Prometheus targets are up"
        if client.now() >= deadline:
            raise _targets_down(active, waiting, site.targets_timeout)
        client.sleep(2)


def _targets_down(
    active: t.Sequence[t.Mapping[str, t.Any]], waiting: t.Sequence[t.Mapping[str, t.Any]], timeout: float
) -> CheckFailed:
    if not active:
        return CheckFailed(f"Prometheus has had no target for {timeout:g} s; look at /etc/prometheus/file_sd")
    first = waiting[0]
    names = ", ".join(f"{target['labels'].get('job')}/{target['labels'].get('instance')}" for target in waiting)
    reason = first.get("lastError") or f"health {first['health']}"
    return CheckFailed(
        f"{len(waiting)} of {len(active)} targets not up: {names}; {reason}", f"curl {first['scrapeUrl']}"
    )


CHECKS: t.Mapping[str, t.Callable[[Site, Client], str]] = {
    "page": page,
    "api": api,
    "write": write,
    "websocket": websocket,
    "status": status,
    "targets": targets,
}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One check: its name, whether it was wanted and held, and one line for the reader."""

    check: str
    state: str  # ok, FAILED, or off: not wanted
    detail: str
    command: str = ""

    def line(self) -> str:
        return f"{self.state:<6} {self.check:<9} {self.detail}" + (f"  ->  {self.command}" if self.command else "")


def run_all(site: Site, client: Client) -> list[Outcome]:
    """Run every check, also after one has failed: the reader wants the whole picture."""
    return [_run(name, check, site, client) for name, check in CHECKS.items()]


def _run(name: str, check: t.Callable[[Site, Client], str], site: Site, client: Client) -> Outcome:
    if not getattr(site, f"{name}_path"):
        return Outcome(name, "off", f"{name}_path is empty: not checked")
    try:
        return Outcome(name, "ok", check(site, client))
    except CheckFailed as failure:
        return Outcome(name, "FAILED", str(failure), failure.command)
    except (ValueError, KeyError, TypeError) as error:
        return Outcome(name, "FAILED", f"the answer could not be understood: {error!r}", site.load_balancer_command)


__all__ = ("CHECKS", "Answer", "CheckFailed", "Client", "Outcome", "Site", "run_all")

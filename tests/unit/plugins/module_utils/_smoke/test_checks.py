"""Each check sees the fault that it is there for."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._smoke.checks import (
    CHECKS,
    Answer,
    CheckFailed,
    Outcome,
    Site,
    run_all,
)

HTML = {"content-type": "text/html", "x-served-by": "frontend1"}
SITE = Site(
    page_path="/",
    api_path="/api/whoami",
    write_path="/api/notes",
    websocket_path="/ws/echo",
    status_path="/nginx_status",
    targets_path="/targets",
    instances=("backend1", "backend2", "backend3"),
    spread="requests",
    max_requests=30,
    targets_timeout=10,
    instance_command="journalctl -u app-{instance}",
    load_balancer_command="tail error.log",
)


@dataclasses.dataclass
class Platform:
    """A small site in memory: three backends in turn over one shared store."""

    instances: t.Sequence[str] = SITE.instances
    broken: t.Mapping[str, Answer] = dataclasses.field(default_factory=dict)
    shared_store: bool = True
    health: t.Sequence[str] = ("up",)
    says: str | None = None
    turn: int = 0
    clock: float = 0.0
    notes: dict[str, str] = dataclasses.field(default_factory=dict)
    cookies: list[str] = dataclasses.field(default_factory=list)

    def request(self, method: str, path: str, body: object = None, cookie: str = "") -> Answer:
        self.cookies.append(cookie)
        if path in self.broken:
            return self.broken[path]
        if path == "/":
            return Answer(200, HTML, "<html></html>")
        if path == "/nginx_status":
            return Answer(200, {}, "Active connections: 1 \nserver accepts")
        if path == "/targets":
            return Answer(200, {}, json.dumps({"data": {"activeTargets": self._targets()}}))
        return self._backend(method, path)

    def _targets(self) -> list[dict[str, t.Any]]:
        labels = {"job": "node", "instance": "backend1"}
        return [
            {"health": health, "labels": labels, "lastError": "refused", "scrapeUrl": "http://192.0.2.1:9100/metrics"}
            for health in self.health
        ]

    def _backend(self, method: str, path: str) -> Answer:
        instance = self.instances[self.turn % len(self.instances)]
        self.turn += 1
        headers = {"x-served-by": instance}
        if method == "POST":
            self.notes["/api/notes/1"] = instance
            return Answer(201, headers, '{"id": 1}')
        if method == "DELETE":
            self.notes.pop(path)
            return Answer(204, headers, "")
        if path.startswith("/api/notes/") and not self.shared_store and self.notes[path] != instance:
            return Answer(404, headers, "no such note")
        return Answer(200, headers, "{}")

    def echo(self, path: str, text: str) -> str:
        return text if self.says is None else self.says

    def now(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += seconds


def failure(check: str, platform: Platform, site: Site = SITE) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        CHECKS[check](site, platform)
    return caught.value


def test_a_site_that_serves_passes_every_check() -> None:
    platform = Platform()
    assert [outcome.state for outcome in run_all(SITE, platform)] == ["ok"] * len(CHECKS)
    assert platform.notes == {}, "the note of the smoke test must be deleted"


def test_a_page_that_is_no_html_fails() -> None:
    assert "content type" in str(failure("page", Platform(broken={"/": Answer(200, {}, "hello")})))


def test_a_silent_backend_is_named_with_the_command_for_it() -> None:
    failed = failure("api", Platform(instances=("backend1", "backend3")))
    assert "backend2 did not answer" in str(failed)
    assert failed.command == "journalctl -u app-backend2"


def test_an_error_of_one_backend_names_it() -> None:
    broken = Answer(500, {"x-served-by": "backend3"}, "Internal Server Error")
    failed = failure("api", Platform(broken={"/api/whoami": broken}))
    assert "500 instead of 200 (from backend3)" in str(failed)
    assert failed.command == "journalctl -u app-backend3"


def test_a_cookie_makes_a_hash_spread() -> None:
    platform = Platform()
    CHECKS["api"](dataclasses.replace(SITE, spread="sessionid"), platform)
    assert platform.cookies == ["sessionid=smoke1", "sessionid=smoke2", "sessionid=smoke3"]


def test_ip_hash_needs_one_backend_only() -> None:
    assert "ip_hash" in CHECKS["api"](dataclasses.replace(SITE, spread="none"), Platform(instances=("backend2",)))


def test_a_store_that_is_not_shared_fails() -> None:
    failed = failure("write", Platform(shared_store=False))
    assert "written by backend1 answered 404" in str(failed)


def test_a_single_answering_backend_does_not_pass_for_another() -> None:
    assert "only backend1 answered" in str(failure("write", Platform(instances=("backend1",))))


def test_a_websocket_that_says_something_else_fails() -> None:
    assert "echoed 'nonsense'" in str(failure("websocket", Platform(says="nonsense")))


def test_a_status_page_of_somebody_else_fails() -> None:
    assert "not nginx's" in str(failure("status", Platform(broken={"/nginx_status": Answer(200, {}, "<html>")})))


@pytest.mark.parametrize(
    ("health", "says"), [(("up", "down"), "1 of 2 targets not up: node/backend1; refused"), ((), "no target")]
)
def test_targets_are_awaited_until_the_deadline(health: t.Sequence[str], says: str) -> None:
    platform = Platform(health=health)
    assert says in str(failure("targets", platform))
    assert platform.clock >= SITE.targets_timeout


def test_a_check_that_is_not_wanted_says_so() -> None:
    outcomes = run_all(dataclasses.replace(SITE, write_path=""), Platform())
    assert [o.line() for o in outcomes if o.check == "write"] == ["off    write     write_path is empty: not checked"]


def test_an_answer_that_is_no_json_is_a_failure_and_the_others_still_run() -> None:
    outcomes = run_all(SITE, Platform(broken={"/targets": Answer(200, {}, "not json")}))
    assert [o.state for o in outcomes] == ["ok"] * 5 + ["FAILED"]
    assert isinstance(outcomes[-1], Outcome)

"""Health checks of real servers on loopback, also of those that misbehave."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import health
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.host import LocalHost
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import Ask
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout.test_health import params
from ansible_collections.evenkeel.web.tests.unit.plugins.modules import support

HOST = LocalHost(lambda *_args, **_options: (0, "", ""))


class Server(http.server.ThreadingHTTPServer):
    """Says what it is told to, request by request, and the last of it for ever."""

    daemon_threads = True
    together = threading.Barrier(1)

    def __init__(self, *answers: int | str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """A status, or a way to misbehave."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append({"path": self.path, **self.headers})
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.close_connection = True
        if answer == "close":
            return
        if answer == "together":
            # Nobody is answered before all are asked; one who would wait for an answer waits for ever.
            self.server.together.wait()
            answer = 200
        if answer == "slow":
            time.sleep(5)
            return
        if answer == "trickle":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _letter in range(50):
                time.sleep(0.1)
                self.wfile.write(b"x")
            return
        if answer == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            return
        if answer == "nonsense":
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            return
        self.send_response(int(answer))
        self.send_header("X-App-Version", "1.4.2")
        self.send_header("Set-Cookie", "a=b; Path=/")
        if answer == 301:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(f"status {answer}".encode())

    def log_message(self, *args: Any) -> None:
        """Keep the test's output clean."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()


@contextlib.contextmanager
def serving(*servers: Server) -> Iterator[list[dict[str, str]]]:
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield [{"name": f"backend{number}", "address": server.address} for number, server in enumerate(servers, 1)]
    for server in servers:
        server.shutdown()
        server.server_close()


def check(*servers: Server, **changed: Any) -> list[dict[str, Any]]:
    # Long enough for a machine that is busy with something else.
    options = {"interval": 0.02, "timeout": 20.0, "deadline": 300.0, **changed}
    with serving(*servers) as targets:
        return list(health.run(params(targets=targets, **options), HOST, False)["targets"])


def test_a_healthy_server() -> None:
    server = Server(200)
    seen = check(server, host="app.example.com")[0]
    assert (seen["healthy"], seen["attempts"], seen["status"]) == (True, 3, 200)
    assert seen["headers"] == {"x-app-version": "1.4.2"}
    assert [(asked["path"], asked["Host"]) for asked in server.asked] == [("/health", "app.example.com")] * 3
    assert all("Cookie" not in asked and "Authorization" not in asked for asked in server.asked)


def test_500_and_then_fine() -> None:
    seen = check(Server(500, 500, 200))[0]
    assert (seen["healthy"], seen["attempts"]) == (True, 5)


def test_flapping() -> None:
    seen = check(Server(*[200, 200, 503] * 20), max_attempts=30)[0]
    assert (seen["healthy"], seen["attempts"]) == (False, 30)


def test_a_redirect_is_not_followed() -> None:
    server = Server(301)
    seen = check(server, max_attempts=3)[0]
    assert (seen["healthy"], seen["status"]) == (False, 301)
    assert "redirects to /elsewhere, and a redirect is not healthy" in seen["error"]
    assert {asked["path"] for asked in server.asked} == {"/health"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("close", "no answer: the connection was closed without one"),
        ("slow", "no complete answer within 0.5 s"),
        ("trickle", "no complete answer within 0.5 s"),
        ("cut", "the answer broke off"),
        ("nonsense", "no answer: "),
        (404, "status 404, expected 200"),
    ],
)
def test_answers_that_are_not_healthy(answer: int | str, error: str) -> None:
    seen = check(Server(answer), passes=1, max_attempts=1, timeout=0.5 if answer in ("slow", "trickle") else 20.0)[0]
    assert not seen["healthy"]
    assert error in seen["error"]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    targets = [{"name": "b", "address": f"127.0.0.1:{port}"}]
    seen = health.run(params(targets=targets, max_attempts=3, interval=0.01), HOST, False)["targets"][0]
    assert seen["error"] == "no answer: connection refused"


def test_all_are_asked_at_the_same_time_and_told_in_their_order() -> None:
    servers = [Server("together") for _number in range(8)]
    Server.together = threading.Barrier(len(servers), timeout=20)
    seen = check(*servers, passes=1, max_attempts=1)
    assert [target["healthy"] for target in seen] == [True] * len(servers)
    assert [target["name"] for target in seen] == [f"backend{number}" for number in range(1, len(servers) + 1)]


def test_a_fault_of_ours_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        HOST.each(lambda number: 1 // number, [1, 0])


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(Server(200)) as targets:
        assert HOST.ask(Ask(f"http://{targets[0]['address']}/", "", 2.0)).status == 200


def test_the_module_fails_and_says_what_was_seen() -> None:
    with serving(Server(200), Server(500)) as targets:
        options: dict[str, Any] = {"targets": targets, "interval": 0.01, "passes": 2, "max_attempts": 2}
        result = support.run("health_check", **options)
        assert result["failed"]
        assert (result["healthy"], result["unhealthy"]) == (["backend1"], ["backend2"])
        assert "1 of 2 not healthy" in result["msg"]
        assert "status 500, expected 200; it said: status 500" in result["msg"]
        looked = support.run("health_check", **options, fail_on_unhealthy=False, check_mode=True)
    assert (looked["changed"], looked["unhealthy"], looked.get("failed", False)) == (False, ["backend2"], False)


def test_the_module_tells_everything_that_is_wrong_with_its_options() -> None:
    result = support.run("health_check", targets=[{"name": "b", "address": "x"}], passes=0)
    assert result["failed"]
    assert len(result["findings"]) == 2

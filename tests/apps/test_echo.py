"""examples/app_asgi under uvicorn."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.support import Server, WebSocket, ask, close_code, echo_server

HEADERS = {"x-served-by": "backend1", "x-app-version": "1.2.3"}


@pytest.fixture(scope="module")
def echo(echo_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = echo_server(echo_release, tmp_path_factory.mktemp("asgi"), "backend1")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/health"])
def test_every_page_answers_and_says_who(echo: Server, path: str) -> None:
    answer = ask(echo.port, path)
    assert (answer.status, answer.json) == (200, {"status": "ok", "instance": "backend1", "version": "1.2.3"})
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_whoami_shows_what_arrived(echo: Server) -> None:
    answer = ask(echo.port, "/api/whoami", headers={"X-Forwarded-For": "203.0.113.9", "X-Request-ID": "abc"})
    assert (answer.json["interface"], answer.json["instance"]) == ("asgi", "backend1")
    assert (answer.json["request"]["forwarded_for"], answer.json["request"]["id"]) == ("203.0.113.9", "abc")


@pytest.mark.parametrize(("path", "method", "status"), [("/api/nothing", "GET", 404), ("/health", "POST", 405)])
def test_errors_carry_the_headers_too(echo: Server, path: str, method: str, status: int) -> None:
    answer = ask(echo.port, path, method)
    assert answer.status == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_the_echo_answers_and_says_who(echo: Server) -> None:
    client = WebSocket(echo.port)
    assert client.status == 101
    assert {name: client.headers.get(name) for name in HEADERS} == HEADERS
    for text in ("hello", "grüße 🚀", "x" * 60000):
        client.send(text)
        assert client.receive() == (1, text.encode())
    client.send("x" * 70000)
    assert close_code(client.receive()) == 1009
    client.close()


def test_sigterm_says_good_bye_to_websockets(echo_release: Path, tmp_path: Path) -> None:
    server = echo_server(echo_release, tmp_path, "backend2")
    server.start()
    client = WebSocket(server.port)
    began = time.monotonic()
    server.send(signal.SIGTERM)
    assert close_code(client.receive()) == 1012
    client.close()
    assert server.stop(signal.SIGCONT) in {0, -signal.SIGTERM}
    assert time.monotonic() - began < 15, "the WebSocket held the process"
    assert "Traceback" not in server.log

"""The client against a real server on loopback."""

from __future__ import annotations

import http.server
import threading
import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._smoke.checks import CheckFailed
from ansible_collections.evenkeel.web.plugins.module_utils._smoke.host import UrlClient


class Handler(http.server.BaseHTTPRequestHandler):
    """Says what it was asked."""

    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/broken" else 200)
        self.send_header("X-Served-By", "backend1")
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']} {self.headers['Cookie']}".encode())

    def log_message(self, *args: t.Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture(name="url")
def url_fixture() -> t.Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def client(url: str, host: str = "") -> UrlClient:
    return UrlClient(url, host, timeout=5, validate_certs=True, ca_path=None)


def test_host_cookie_and_instance_arrive(url: str) -> None:
    answer = client(url, host="app.example.com").request("GET", "/", cookie="a=b")
    assert (answer.status, answer.instance, answer.text) == (200, "backend1", "app.example.com a=b")


def test_an_error_status_is_an_answer(url: str) -> None:
    assert client(url).request("GET", "/broken").status == 503


def test_nobody_listening_is_a_failed_check_with_a_command() -> None:
    with pytest.raises(CheckFailed, match="no answer from") as caught:
        client("http://127.0.0.1:9").request("GET", "/")
    assert caught.value.command.startswith("curl")


def test_a_server_without_websockets_is_a_failed_check(url: str) -> None:
    with pytest.raises(CheckFailed, match="no WebSocket"):
        client(url).echo("/ws/echo", "hello")

"""Use every part of the load balancer's surface from its own host, and see its effect."""

# ruff: noqa: D103, S101 - these are tests
from __future__ import annotations

import base64
import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import traceback
import typing as t
from collections.abc import Callable, Iterator

PUBLIC = "198.51.100.7"
PROXY = "127.0.0.77"
LOG = pathlib.Path("/var/log/nginx/access.log")
FLAG = pathlib.Path("/run/evenkeel/closing")


CHECKS: list[Callable[[], None]] = []


def check(function: Callable[[], None]) -> Callable[[], None]:
    """Mark a check: its name says what it shows."""
    CHECKS.append(function)
    return function


class Answer(t.NamedTuple):
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def seen(self) -> dict[str, t.Any]:
        """What reached the server."""
        return t.cast("dict[str, t.Any]", json.loads(self.body))

    @property
    def server(self) -> str:
        """Which server answered."""
        return self.headers.get("x-served-by", "")


def ask(
    path: str,
    headers: dict[str, str] | None = None,
    *,
    method: str = "GET",
    body: bytes | None = None,
    source: str = "127.0.0.1",
    address: str = "127.0.0.1",
) -> Answer:
    """Ask over a connection of its own."""
    bound = (source, 0) if "." in address else None
    connection = http.client.HTTPConnection(address, 80, timeout=10, source_address=bound)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def many(path: str, count: int, headers: dict[str, str] | None = None) -> list[Answer]:
    """Ask at once."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: ask(path, headers), range(count)))


def logged(request_id: str) -> dict[str, t.Any]:
    """Return the line of the access log for a request."""
    for _ in range(50):
        for line in LOG.read_text().splitlines():
            if request_id in line:
                return t.cast("dict[str, t.Any]", json.loads(line))
        time.sleep(0.1)
    raise AssertionError(f"{request_id} is not in {LOG}")


def same(got: object, wanted: object) -> None:
    """Compare."""
    assert got == wanted, f"{got!r} is not {wanted!r}"


def wait_for(server: str) -> None:
    """Wait until a server listens."""
    address, _, port = server.rpartition(":")
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection((address, int(port))):
            return
        time.sleep(0.1)
    raise AssertionError(f"{server} does not listen")


@contextlib.contextmanager
def stopped(*servers: str) -> Iterator[None]:
    """Stop servers for a while."""
    units = [f"upstream@{server}.service" for server in servers]
    subprocess.run(["systemctl", "stop", *units], check=True)
    try:
        yield
    finally:
        subprocess.run(["systemctl", "start", *units], check=True)
        for server in servers:
            wait_for(server)


@check
def frontends_serve_the_root() -> None:
    same({ask("/").server for _ in range(6)}, {"127.0.0.21:8081", "127.0.0.22:8081"})


@check
def weights_of_hosts_are_respected_and_backups_wait() -> None:
    counts = collections.Counter(ask("/api/x").server for _ in range(40))
    same(set(counts), {"127.0.0.11:5000", "127.0.0.12:5000"})
    assert 28 <= counts["127.0.0.11:5000"] <= 32, counts


@check
def backups_serve_when_nobody_else_does() -> None:
    with stopped("127.0.0.11:5000", "127.0.0.12:5000"):
        same({ask("/api/x").server for _ in range(5)}, {"127.0.0.13:5000"})


@check
def the_path_is_kept() -> None:
    same(ask("/api/a/../b?c=d").seen["path"], "/api/a/../b")


@check
def a_missing_slash_is_added_without_naming_a_host() -> None:
    answer = ask("/api")
    same((answer.status, answer.headers["location"]), (301, "/api/"))


def shake_hands(sock: socket.socket) -> bytes:
    """Ask for a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET /ws/echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += sock.recv(1)
    return answer


def echo(sock: socket.socket, text: bytes) -> bytes:
    """Send a masked frame and return what comes back."""
    sock.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
    head = sock.recv(2)
    return sock.recv(head[1])


@check
def websockets_outlive_the_read_timeout_of_others() -> None:
    with socket.create_connection(("127.0.0.1", 80), timeout=10) as sock:
        handshake = shake_hands(sock)
        assert handshake.startswith(b"HTTP/1.1 101"), handshake
        same(echo(sock, b"hello"), b"hello")
        time.sleep(3.5)
        same(echo(sock, b"again"), b"again")
    same(ask("/prometheus/x?sleep=4").status, 504)


@check
def a_client_keeps_its_websocket_server() -> None:
    same(len({ask("/ws/x").server for _ in range(12)}), 1)


@check
def a_session_keeps_its_server() -> None:
    servers = {}
    for session in map(str, range(12)):
        answers = {ask("/sessions/x", {"Cookie": f"sessionid={session}"}).server for _ in range(3)}
        same(len(answers), 1)
        servers[session] = answers.pop()
    same(len(set(servers.values())), 2)


@check
def turns_are_taken() -> None:
    same([count for _, count in collections.Counter(ask("/turns/").server for _ in range(10)).items()], [5, 5])


@check
def random_reaches_everybody() -> None:
    same(len({ask("/random/").server for _ in range(30)}), 2)


@check
def failures_take_a_server_out() -> None:
    # nginx forgets at a reload what had failed before.
    subprocess.run(["systemctl", "reload", "nginx.service"], check=True)
    time.sleep(1)
    answers = [ask("/fragile/") for _ in range(30)]
    same({(answer.status, answer.server) for answer in answers}, {(200, "127.0.0.41:5000")})
    tries = [logged(answer.headers["x-request-id"])["ua"] for answer in answers]
    # upstream_max_fails of the host is 2, for 30 seconds.
    same(sum("127.0.0.42" in addresses for addresses in tries), 2)


@check
def connections_to_a_server_are_limited() -> None:
    statuses = sorted(answer.status for answer in many("/narrow/?sleep=1", 3))
    same(statuses, [200, 502, 502])


@check
def an_ipv6_server_answers() -> None:
    same(ask("/six/").server, "::1:5000")


@check
def ipv6_clients_are_answered() -> None:
    answer = ask("/api/x", address="::1")
    same((answer.status, dict(answer.seen["headers"])["x-real-ip"]), (200, "::1"))


@check
def an_optional_upstream_without_servers_has_no_location() -> None:
    same(ask("/nobody/").seen["path"], "/nobody/")
    assert ask("/nobody/").server.endswith(":8081")


@check
def health_needs_no_server() -> None:
    with stopped("127.0.0.21:8081", "127.0.0.22:8081"):
        same(ask("/health")[::2], (200, b"ok\n"))
        same(ask("/").status, 502)
    # Let the failures be forgotten.
    time.sleep(10)


@check
def status_is_for_private_networks() -> None:
    assert b"Active connections" in ask("/nginx_status").body
    same(ask("/nginx_status", source=PUBLIC).status, 403)


@check
def prometheus_is_for_private_networks() -> None:
    answer = ask("/prometheus/graph")
    same((answer.server, answer.seen["path"]), ("127.0.0.31:9090", "/prometheus/graph"))
    same(ask("/prometheus/graph", source=PUBLIC).status, 403)
    same(ask("/prometheus/graph", {"X-Forwarded-For": "10.0.0.1"}, source=PUBLIC).status, 403)


LIES = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Real-IP": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil",
    "X-Forwarded-Ssl": "on",
    "Forwarded": "for=6.6.6.6",
    "X-Request-ID": "evil",
    "X_Forwarded_For": "6.6.6.6",
    "Proxy": "http://evil",
    "Host": "site.example",
}


@check
def clients_cannot_lie() -> None:
    for path in ("/api/x", "/ws/x"):
        answer = ask(path, LIES, source=PUBLIC)
        headers = {
            name: value for name, value in answer.seen["headers"] if name not in ("accept-encoding", "connection")
        }
        request_id = headers.pop("x-request-id")
        same(
            headers,
            {
                "host": "site.example",
                "x-real-ip": PUBLIC,
                "x-forwarded-for": PUBLIC,
                "x-forwarded-proto": "http",
                "x-forwarded-host": "site.example",
                "x-forwarded-port": "80",
            },
        )
        assert re.fullmatch(r"[0-9a-f]{32}", request_id), request_id
        same(answer.headers["x-request-id"], request_id)
        line = logged(request_id)
        same((line["client"], line["instance"], line["version"]), (PUBLIC, answer.server, "1.0.0"))


@check
def a_trusted_proxy_is_believed() -> None:
    headers = dict(
        ask("/api/x", {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https"}, source=PROXY).seen[
            "headers"
        ]
    )
    same((headers["x-real-ip"], headers["x-forwarded-for"]), ("203.0.113.9", "203.0.113.9"))
    same(headers["x-forwarded-proto"], "https")
    same(dict(ask("/api/x", {"X-Forwarded-Proto": "evil"}, source=PROXY).seen["headers"])["x-forwarded-proto"], "http")


@check
def text_is_compressed() -> None:
    accept = {"Accept-Encoding": "gzip"}
    same(ask("/api/x?size=5000&type=application/json", accept).headers.get("content-encoding"), "gzip")
    same(ask("/api/x?size=5000&type=image/png", accept).headers.get("content-encoding"), None)
    same(ask("/api/x?size=100&type=application/json", accept).headers.get("content-encoding"), None)
    same(ask("/api/x?size=5000").headers.get("content-encoding"), None)


@check
def responses_are_buffered() -> None:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", 80))
        sock.sendall(b"GET /prometheus/x?size=30000000&mark=slow&type=image/png HTTP/1.1\r\nHost: x\r\n\r\n")
        # The client reads nothing, and yet the server is done.
        for _ in range(80):
            if "slow" in ask("/prometheus/x").seen["finished"]:
                return
            time.sleep(0.1)
    raise AssertionError("the server waits for the client")


@check
def a_header_must_fit_the_buffer() -> None:
    same(ask("/api/x?header=3000").status, 200)
    same(ask("/api/x?header=5000").status, 502)


@check
def connections_to_servers_are_kept() -> None:
    answers = [ask("/prometheus/x") for _ in range(40)]
    # At most one for each worker.
    assert len({answer.seen["connection"] for answer in answers}) <= (os.cpu_count() or 1), "not kept"
    same({answer.seen["protocol"] for answer in answers}, {"HTTP/1.1"})
    assert "connection" not in dict(answers[0].seen["headers"])


@check
def rates_are_limited() -> None:
    answers = many("/limited/", 20)
    counts = collections.Counter(answer.status for answer in answers)
    same(set(counts), {200, 429})
    assert 6 <= counts[200] <= 9, counts
    same({answer.headers.get("retry-after") for answer in answers if answer.status == 429}, {"1"})
    same({answer.headers.get("retry-after") for answer in answers if answer.status == 200}, {None})
    same({answer.status for answer in many("/turns/", 20)}, {200})


@check
def connections_of_a_client_are_limited() -> None:
    same(sorted(answer.status for answer in many("/few/?sleep=1", 5)), [200, 200, 429, 429, 429])


@check
def large_bodies_are_refused() -> None:
    same(ask("/api/x", method="POST", body=b"x" * 900_000).seen["length"], 900_000)
    with socket.create_connection(("127.0.0.1", 80), timeout=10) as sock:
        sock.sendall(b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 413")


@check
def error_pages_leak_nothing() -> None:
    answer = ask("/nginx_status", source=PUBLIC)
    same(answer.body.decode(), f"Error 403. Request {answer.headers['x-request-id']}.\n")
    same(answer.headers["server"], "nginx")
    answer = ask("/api/x?header=5000")
    same(answer.body.decode(), f"Error 502. Request {answer.headers['x-request-id']}.\n")


@check
def the_log_is_json_with_every_time() -> None:
    answer = ask("/api/x?q=%22quoted%22", {"User-Agent": 'a "b" \\ c'})
    line = logged(answer.headers["x-request-id"])
    same(
        list(line),
        [
            *("ts", "request_id", "client", "vhost", "upstream", "method", "uri", "proto", "status", "bytes", "rt"),
            *("us", "uct", "uht", "urt", "ua", "version", "instance", "tls", "referer", "agent"),
        ],
    )
    same((line["upstream"], line["uri"], line["agent"]), ("backends", "/api/x?q=%22quoted%22", 'a "b" \\ c'))
    same((type(line["status"]), type(line["bytes"]), type(line["rt"])), (int, int, float))
    assert float(line["urt"]) >= 0


@check
def an_announced_close_changes_nothing_else() -> None:
    lasting = http.client.HTTPConnection("127.0.0.1", 80, timeout=10, source_address=("127.0.0.1", 0))

    def headers_of(path: str) -> tuple[int, str | None, set[str]]:
        lasting.request("GET", path, headers=LIES)
        response = lasting.getresponse()
        body = json.loads(response.read())
        return (
            response.status,
            response.getheader("Connection"),
            {f"{n}: {v}" for n, v in body["headers"] if "id" not in n},
        )

    before = {path: headers_of(path) for path in ("/", "/api/x", "/ws/x", "/prometheus/x")}
    FLAG.touch()
    try:
        for path, (status, _, headers) in before.items():
            now = headers_of(path)
            if (
                subprocess.run(["nginx", "-v"], check=True, capture_output=True, text=True).stderr
                < "nginx version: nginx/1.27.4"
            ):
                same(now[1], "close")
            same((now[0], now[2]), (status, headers))
        time.sleep(3)
        same(collections.Counter(a.status for a in many("/limited/", 20))[429] > 10, True)
        answer = ask("/prometheus/x", source=PUBLIC)
        same((answer.status, answer.body[:9]), (403, b"Error 403"))
        answer = ask("/api/x?header=5000")
        same((answer.status, answer.body[:9]), (502, b"Error 502"))
        same(ask("/api/x", method="POST", body=b"x" * 100_000).seen["length"], 100_000)
    finally:
        FLAG.unlink()


failed = 0
for test in CHECKS:
    if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
        continue
    try:
        test()
        print("ok    ", test.__name__)
    except Exception:
        failed += 1
        print("FAILED", test.__name__)
        print(traceback.format_exc(limit=-2))
sys.exit(failed > 0)

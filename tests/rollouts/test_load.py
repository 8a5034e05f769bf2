"""The load client proves itself: it sees what breaks, on a real nginx before the real stub."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.apps.support import Server, free_port
from tests.nginx.machines import wheel_binary
from tests.rollouts import bad_servers
from tests.rollouts.bad_servers import CHUNKED, OK
from tests.rollouts.load import Result, load, posts_findings
from tests.rollouts.stub import pack

QUICK: dict[str, float | str] = {"rate": 80, "long_rate": 6, "slow_seconds": 0.3, "session_seconds": 1, "websockets": 2}
CONFIGURATION = """user root;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    keepalive_requests {keepalive_requests};
    upstream app {{
        zone app 64k;
        {servers}
    }}
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls_port} ssl;
        http2 on;
        ssl_certificate {folder}/cert;
        ssl_certificate_key {folder}/key;
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
        location /ws/ {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }}
    }}
}}
"""


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def certify(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run([*command, "-subj", "/CN=test", "-keyout", str(folder / "key"), "-out", str(folder / "cert")])


@pytest.fixture(scope="module", name="release")
def release_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the stub as on a host: from its artefact, in its own virtual environment."""
    directory = tmp_path_factory.mktemp("stub")
    release = directory / "release"
    release.mkdir()
    run(["tar", "--extract", "--file", str(pack("1.2.3", directory)), "--directory", str(release)])
    run([sys.executable, "-m", "venv", "--without-pip", str(release / "venv")])
    pip = [sys.executable, "-m", "pip", "--python", str(release / "venv/bin/python"), "install", "--quiet"]
    pip += ["--no-index", "--find-links", str(release / "wheels"), "--require-hashes"]
    run([*pip, "--requirement", str(release / "requirements.txt")])
    return release


class Site:
    """Two instances of the stub and an nginx before them, on loopback."""

    def __init__(self, folder: Path, release: Path, keepalive_requests: int, interface: str) -> None:
        self.folder, self.interface = folder, interface
        self.port, self.tls_port = free_port(), free_port()
        self.backends = [self._backend(release, number) for number in (1, 2)]
        servers = "".join(f"server 127.0.0.1:{backend.port};" for backend in self.backends)
        ports = {"port": self.port, "tls_port": self.tls_port, "keepalive_requests": keepalive_requests}
        self.config = folder / "nginx.conf"
        self.config.write_text(CONFIGURATION.format(folder=folder, servers=servers, **ports))
        certify(folder)

    def _backend(self, release: Path, number: int) -> Server:
        state = self.folder / f"backend{number}"
        state.mkdir()
        port = free_port()
        arguments = {
            "wsgi": ["gunicorn", f"--bind=127.0.0.1:{port}", "--worker-class=gthread", "--workers=1", "--threads=16"],
            "asgi": ["uvicorn", f"--port={port}", "--no-access-log", "--timeout-keep-alive=75"],
        }
        command = [str(release / "venv/bin/python"), "-m", *arguments[self.interface], f"stub.{self.interface}:app"]
        command += ["--keep-alive=75"] if self.interface == "wsgi" else []
        environment = {"INSTANCE_ID": f"backend{number}", "STATE_DIRECTORY": str(state)}
        return Server(command, port, state, environment, cwd=release / "app", health="/health")

    @property
    def targets(self) -> list[str]:
        return [f"http://127.0.0.1:{self.port}", f"https://127.0.0.1:{self.tls_port}"]

    def nginx(self, *words: str) -> None:
        run([str(wheel_binary()), "-c", str(self.config), *words])

    def start(self) -> None:
        for backend in self.backends:
            backend.start()
        self.nginx()

    def stop(self) -> None:
        with contextlib.suppress(AssertionError):
            self.nginx("-s", "stop")
        for backend in self.backends:
            with contextlib.suppress(AssertionError):
                backend.stop()

    def kill(self, backend: Server) -> None:
        """End the main process and the worker at once, as a crash of the machine would."""
        main = backend.running.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for pid in (main, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        backend.running.wait()

    def posts(self) -> dict[str, int]:
        """Return what both databases hold."""
        counts: dict[str, int] = {}
        for backend in self.backends:
            for identity, count in self.ask(backend.port, "/api/posts")["posts"].items():
                counts[identity] = counts.get(identity, 0) + count
        return counts

    def ask(self, port: int, path: str, body: bytes | None = None) -> dict[str, dict[str, int]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=10) as answer:
            found: dict[str, dict[str, int]] = json.load(answer)
            return found

    def under_load(self, work: Callable[[], object], **options: float | str) -> Result:
        """Do something to it in the middle of a load."""
        with load(self.targets, **{**QUICK, **options}) as running:
            time.sleep(1.5)
            work()
            time.sleep(1.5)
        return running.result


@contextlib.contextmanager
def serving(release: Path, keepalive_requests: int = 1000, interface: str = "wsgi") -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="load-"))
    site = Site(folder, release, keepalive_requests, interface)
    try:
        site.start()
        yield site
    finally:
        site.stop()
        shutil.rmtree(folder)


@pytest.fixture(name="site")
def site_fixture(release: Path) -> Iterator[Site]:
    with serving(release) as site:
        yield site


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_on_a_quiet_site_nothing_breaks_and_everything_is_counted(release: Path, interface: str) -> None:
    with serving(release, interface=interface) as site:
        check_a_quiet_site(site)


def check_a_quiet_site(site: Site) -> None:
    result = site.under_load(lambda: None)
    raw = result.raw
    assert (result.lost, result.refused, result.cut) == (0, 0, 0), result.text
    assert result.sent == raw["ok"] > 200
    assert set(result.by_version) == {"1.2.3"} and set(result.by_instance) == {"backend1", "backend2"}
    protocols = {"http", "tls", "h2"}
    ways = {
        f"{method} {how} {protocol}"
        for method in ("get", "post")
        for how in ("kept", "fresh")
        for protocol in protocols
    }
    long = {f"{kind} {protocol}" for kind in ("slow", "upload", "stream") for protocol in protocols}
    assert set(raw["by_kind"]) == ways | long | {"websocket http", "websocket tls"}
    assert raw["idle"]["count"] > 20 and 0.1 < raw["idle"]["max"] < 0.6
    executed = site.posts()
    assert len(result.posts["acknowledged"]) > 80
    assert executed == dict.fromkeys(result.posts["acknowledged"], 1)
    assert posts_findings(result.posts, executed) == []


def test_a_killed_backend_is_seen(site: Site) -> None:
    result = site.under_load(lambda: site.kill(site.backends[0]), kinds="get,stream", long_rate=20, websockets=4)
    # Nginx asks the other one what it can ask again; an answer that has begun is lost.
    assert any(kind.startswith("stream") for kind in result.failed), result.text
    assert result.raw["first_failures"][0]["at"] > result.raw["began"]
    assert "without a close frame" in result.raw["cut"], result.text


def test_a_stopped_backend_closes_its_websockets_which_is_counted_apart(site: Site) -> None:
    result = site.under_load(lambda: site.backends[0].stop(), kinds="get", rate=10, websockets=6, session_seconds=3)
    assert result.raw["cut"].get("1001", 0) > 0, result.text
    assert not any(kind.startswith("websocket") for kind in result.failed), result.text


def test_errors_are_failures(site: Site) -> None:
    fault = site.folder / "backend1/fault.1.2.3"
    result = site.under_load(lambda: fault.write_text("errors"))
    assert {kind.rpartition(": ")[2] for kind in result.failed} == {"500"}, result.text


def test_what_a_plain_reload_breaks_is_on_kept_connections_or_refused(site: Site) -> None:
    def reload() -> None:
        for _ in range(4):
            site.nginx("-s", "reload")
            time.sleep(0.5)

    result = site.under_load(reload, rate=200, long_rate=0, websockets=0)
    # On loopback a client nearly always sees the close before it sends again, so there may be none.
    assert all(" kept " in kind for kind in result.failed), result.text
    assert posts_findings(result.posts, site.posts()) == []


def test_what_a_connection_that_has_had_its_requests_loses_is_counted_apart(release: Path) -> None:
    with serving(release, keepalive_requests=20) as site:
        options: dict[str, float | str] = {"protocols": "h2", "kinds": "post,slow", "rate": 60, "long_rate": 20}
        result = site.under_load(lambda: None, websockets=0, **options)
        assert result.lost == 0 and result.raw["ok"] > 100, result.text
        assert posts_findings(result.posts, site.posts()) == []


def test_a_post_that_was_executed_twice_is_seen(site: Site) -> None:
    result = site.under_load(lambda: None, kinds="post", websockets=0)
    twice, gone = result.posts["acknowledged"][:2]
    site.ask(site.port, "/api/post", json.dumps({"id": twice}).encode())
    executed = site.posts()
    del executed[gone]
    assert posts_findings({**result.posts, "refused": [twice]}, executed) == [
        f"1 POST acknowledged but not executed: {gone}",
        f"1 POST executed more than once: {twice} (2 times)",
        f"1 POST refused and yet executed: {twice}",
    ]


# --- what nginx does too rarely to wait for it: a server that breaks each second request on a connection -------------


@pytest.mark.parametrize(
    ("last", "refused", "failures"),
    [
        (1, True, set()),
        (3, False, {"get kept h2: closed without an answer"}),
        (0, False, {"get kept h2: closed without an answer"}),
    ],
)
def test_only_streams_above_the_last_one_of_goaway_are_refused(
    tmp_path: Path, last: int, refused: bool, failures: set[str]
) -> None:
    certify(tmp_path)
    with (
        bad_servers.served(bad_servers.loses_the_second_stream(tmp_path, last)) as address,
        load([f"https://{address}"], protocols="h2", kinds="get", rate=20, websockets=0) as running,
    ):
        time.sleep(1.5)
    result = running.result
    assert set(result.failed) == failures and (result.refused > 0) is refused, result.text
    assert result.sent == result.raw["ok"] + result.refused + result.lost


@pytest.mark.parametrize(
    ("second", "failure"),
    [
        (b"", "closed without an answer"),
        (OK[:-1], "closed in the middle of an answer"),
        (OK[:10], "closed in the middle of an answer"),
        (CHUNKED + b"4\r\nend\n\r\n", "closed in the middle of an answer"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "502"),
    ],
)
def test_a_broken_answer_on_a_kept_connection_is_a_failure(second: bytes, failure: str) -> None:
    with bad_servers.served(bad_servers.breaks_the_second(second)) as address:
        with load([f"http://{address}"], kinds="get", rate=50, websockets=0) as running:
            time.sleep(1.5)
        result = running.result
    assert set(result.failed) == {f"get kept http: {failure}"}, result.text
    assert result.raw["sent"] == result.raw["ok"] + result.lost


def test_a_stream_that_ends_without_its_last_line_is_a_failure() -> None:
    with (
        bad_servers.served(bad_servers.breaks_the_second(OK)) as address,
        load([f"http://{address}"], kinds="stream", long_rate=10, rate=1, websockets=0) as running,
    ):
        time.sleep(1)
    assert set(running.result.failed) == {"stream http: a stream without its end"}, running.result.text


def test_a_goodbye_that_comes_with_an_echo_is_a_session_that_was_cut() -> None:
    with (
        bad_servers.served(bad_servers.leaves_with_the_echo) as address,
        load([f"http://{address}"], kinds="get", rate=0, long_rate=0, websockets=1, session_seconds=1) as running,
    ):
        time.sleep(1)
    result = running.result
    assert set(result.raw["cut"]) == {"1001"} and not result.failed, result.text

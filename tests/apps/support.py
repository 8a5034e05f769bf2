"""Real servers for the tests: each on loopback, on a port of its own, with its data in a temporary directory."""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INSTALL = "apt-get install -y --no-install-recommends mariadb-server-core mariadb-client-core redis-tools"
DATABASE_PASSWORD = "Database-" + secrets.token_hex(8)
REDIS_PASSWORD = "Redis-" + secrets.token_hex(8)
# What docs/applications.md says the example needs, and not one privilege more.
GRANTS = "SELECT, INSERT, DELETE, CREATE, ALTER"
ACL = "resetchannels ~notes:* -@all +get +set +incrby"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(*names: str) -> str:
    """Return the first of these programs that is installed; its absence is a failure, never a skip."""
    for name in names:
        found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if found:
            return found
    raise AssertionError(f"{names[0]} is not installed. As root: {INSTALL} (that starts no service)")


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until `ready`, or fail and say what did not come."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Tell whether somebody accepts connections."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Server:
    """A process that listens on a port of loopback."""

    command: list[str]
    port: int
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    executable: str | None = None
    cwd: Path | None = None
    health: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Return what the process said."""
        return (self.directory / "log").read_text(errors="replace")

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """Return the process."""
        assert self.process is not None, "the server was not started"
        return self.process

    def start(self) -> None:
        """Start it and wait until it answers; limits are long, because a busy machine is no error."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                executable=self.executable,
                cwd=self.cwd or self.directory,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._up, 60, f"{self.command[0]} answers on port {self.port} (log in {self.directory})")

    def _up(self) -> bool:
        assert self.running.poll() is None, f"{self.command[0]} ended at once:\n{self.log[-3000:]}"
        return listens(self.port) and (not self.health or ask(self.port, self.health).status == 200)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.running.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
        """Stop it and return its status; one that does not end is killed, and that fails."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.command[0]} did not end within {seconds} s:\n{self.log[-3000:]}") from None


def mariadb(directory: Path) -> Server:
    """Return a MariaDB with the database and the user of the example."""
    data, port = directory / "data", free_port()
    common = ["--no-defaults", f"--datadir={data}", "--user=root"]
    install = [program("mariadb-install-db"), *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    users = directory / "users.sql"
    users.write_text(
        "CREATE DATABASE IF NOT EXISTS notes;\n"
        f"CREATE USER IF NOT EXISTS notes@'127.0.0.1' IDENTIFIED BY '{DATABASE_PASSWORD}';\n"
        f"GRANT {GRANTS} ON notes.* TO notes@'127.0.0.1';\n",
        encoding="utf-8",
    )
    command = [program("mariadbd"), *common, f"--socket={directory}/socket", f"--port={port}", f"--init-file={users}"]
    command += ["--bind-address=127.0.0.1", f"--pid-file={directory}/pid", "--skip-name-resolve"]
    return Server([*command, "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M"], port, directory)


def redis(directory: Path) -> Server:
    """Return a Redis whose only user is the one of the example."""
    port = free_port()
    acl = directory / "users.acl"
    acl.write_text(f"user default off\nuser notes on >{REDIS_PASSWORD} {ACL}\n", encoding="utf-8")
    # Debian's redis-server is a link to this program, which looks at the name it is called by.
    executable = program("redis-server", "redis-check-rdb")
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--aclfile", str(acl)]
    return Server(command, port, directory, executable=executable)


def notes_server(release: Path, directory: Path, environment: dict[str, str], instance: str) -> Server:
    """Return an instance of examples/app under gunicorn, as its unit would run it."""
    port = free_port()
    shared = directory / "metrics"
    shared.mkdir()
    command = [str(release / "venv/bin/python"), "-m", "gunicorn"]
    command += ["--config", "gunicorn.conf.py", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "8"]
    command += ["--worker-class", "gthread", "--graceful-timeout", "25", "--keep-alive", "75", "notes.wsgi:app"]
    ours = {"INSTANCE_ID": instance, "PROMETHEUS_MULTIPROC_DIR": str(shared)}
    return Server(command, port, directory, {**environment, **ours}, cwd=release / "app", health="/health")


def echo_server(release: Path, directory: Path, instance: str) -> Server:
    """Return an instance of examples/app_asgi under uvicorn, as its unit would run it."""
    port = free_port()
    command = [str(release / "venv/bin/python"), "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--timeout-graceful-shutdown", "25", "echo.asgi:app"]
    ours = {"INSTANCE_ID": instance}
    return Server(command, port, directory, ours, cwd=release / "app", health="/health")


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """Return the JSON in the body."""
        return json.loads(self.body)


def ask(port: int, path: str, method: str = "GET", **more: Any) -> Answer:
    """Send a request; `json` is a body to encode, `data` one that is sent as it is."""
    headers = dict(more.get("headers", {}))
    body = more.get("data")
    if "json" in more:
        body = json.dumps(more["json"]).encode()
        headers.setdefault("Content-Type", "application/json")
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, content, time.monotonic() - began)
    finally:
        connection.close()


class WebSocket:
    """As much of a WebSocket client as an echo needs."""

    def __init__(self, port: int, path: str = "/ws/echo") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._file = self._socket.makefile("rb")
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.status = int(self._file.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self._file.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()

    def send(self, text: str) -> None:
        """Send a text message."""
        data, mask = text.encode(), secrets.token_bytes(4)
        if len(data) < 126:
            size = bytes([0x80 | len(data)])
        elif len(data) < 65536:
            size = bytes([0x80 | 126]) + struct.pack(">H", len(data))
        else:
            size = bytes([0x80 | 127]) + struct.pack(">Q", len(data))
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._socket.sendall(b"\x81" + size + mask + masked)

    def receive(self) -> tuple[int, bytes]:
        """Return the opcode and the content of the next frame."""
        first, size = self._file.read(2)
        size &= 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._file.read(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._file.read(8))
        return first & 0x0F, self._file.read(size)

    def close(self) -> None:
        """Close the connection without a word."""
        self._file.close()
        self._socket.close()


def close_code(frame: tuple[int, bytes]) -> int:
    """Return the reason in a close frame."""
    assert frame[0] == 8, f"not a close frame: {frame}"
    (code,) = struct.unpack(">H", frame[1][:2])
    return int(code)

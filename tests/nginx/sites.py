"""The site that the tests put nginx in front of: configured by hand, with nothing of our roles."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import render

from tests.nginx.machines import HERE, Machine, Process, wait_for

# Where the application answers; the last one is for backends by IPv6.
PORTS = (5001, 5002, 5003)
PORT6 = 5004
SERVERS = tuple(f"127.0.0.1:{port}" for port in PORTS)
A, B, C = SERVERS
WINDOW = 0.2

MAIN = """user www-data;
worker_processes 2;
pid {pid};
error_log {logs}/error.log notice;
events {{
    worker_connections 2048;
}}
http {{
    access_log {logs}/access.log;
    client_body_temp_path /var/lib/nginx-test/body;
    proxy_temp_path /var/lib/nginx-test/proxy;
    server_names_hash_bucket_size 128;
    client_header_timeout 5s;
    client_body_timeout 5s;
    keepalive_timeout 5s;
    {versioned}
    map $http_upgrade $connection_upgrade {{
        default upgrade;
        '' '';
    }}
    {http}
    {endpoint}
    include upstreams.d/*.conf;
    include conf.d/*.conf;
}}
"""
SITE = """server {{
    listen 80 default_server;
    listen [::]:80 default_server;
    {server}
    location / {{
        {announce}
        {proxy}
    }}
    location @closing {{
        keepalive_timeout 0;
        {proxy}
    }}
}}
"""
PROXY = (
    "proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    "proxy_set_header Connection $connection_upgrade;"
)
ANNOUNCE = "error_page 418 = @closing; if (-f /run/evenkeel/closing) { return 418; }"
ENDPOINT = "include evenkeel-generation.con[f];"


def upstream(*servers: str | Server, name: str = "app", **options: Any) -> Upstream:
    """Return an upstream as nginx_upstream writes it."""
    listed = tuple(Server(server) if isinstance(server, str) else server for server in servers or SERVERS)
    return Upstream(name, listed, zone=name, zone_size="64k", **options)


def entries(*addresses: str, **options: Any) -> list[dict[str, Any]]:
    """Return the option `servers` of nginx_upstream."""
    return [{"address": address, **options} for address in addresses or SERVERS]


@dataclasses.dataclass
class Site:
    """nginx on a machine, with the application behind it."""

    machine: Machine
    endpoint: bool = True

    # ------------------------------------------------------------------------------------------------ set up

    def files(self, http: str = "", server: str = "", upstreams: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the files of the configuration."""
        flavour = self.machine.flavour
        main = MAIN.format(
            pid=flavour.pid,
            logs=flavour.logs,
            http=http,
            versioned="" if flavour.announces else "keepalive_min_timeout 5s;",
            endpoint=ENDPOINT if self.endpoint else "",
        )
        site = SITE.format(server=server, announce=ANNOUNCE if flavour.announces else "", proxy=PROXY)
        known = {"app.conf": render(upstream())} if upstreams is None else upstreams
        return {"nginx.conf": main, "conf.d/site.conf": site} | {f"upstreams.d/{n}": t for n, t in known.items()}

    def reset(self, files: Mapping[str, str], start: bool = True) -> None:
        """Make everything as if the machine were new, with this configuration."""
        machine, folder = self.machine, self.machine.flavour.config_dir
        content = json.dumps({f"{folder}/{name}": text for name, text in files.items()})
        machine.do(
            "for verb in 'kill --signal=KILL' stop reset-failed; do systemctl $verb nginx 2>/dev/null || true; done; "
            f"rm -rf {folder} /run/evenkeel /run/lock/evenkeel-* {machine.flavour.logs}; "
            f"mkdir -p {folder}/upstreams.d {folder}/conf.d {machine.flavour.logs} /var/lib/nginx-test"
        )
        script = "import json,pathlib,sys\nfor p, t in json.load(sys.stdin).items(): pathlib.Path(p).write_text(t)"
        machine.do(["python3", "-c", script], content)
        if start:
            machine.do(["systemctl", "start", "nginx"])

    def prove(self) -> None:
        """Let our endpoint serve, so that a test starts with a configuration that is known to be live."""
        self.reload()

    # -------------------------------------------------------------------------------------------- our modules

    def reload(self, **options: Any) -> dict[str, Any]:
        return self.machine.module("nginx_reload", **{"when": "needed", "close_window": WINDOW, **options})

    def upstream(self, *addresses: str, name: str = "app", **options: Any) -> dict[str, Any]:
        return self.machine.module("nginx_upstream", **self.upstream_options(*addresses, name=name, **options))

    @staticmethod
    def upstream_options(*addresses: str, name: str = "app", **options: Any) -> dict[str, Any]:
        return {"name": name, "servers": entries(*addresses), "close_window": WINDOW, **options}

    @staticmethod
    def drain_options(*servers: str, **options: Any) -> dict[str, Any]:
        return {"servers": list(servers), "state": "drained", "close_window": WINDOW, "drain_timeout": 15, **options}

    def drain(self, *servers: str, **options: Any) -> dict[str, Any]:
        return self.machine.module("nginx_upstream_server", **self.drain_options(*servers, **options))

    def enable(self, *servers: str, **options: Any) -> dict[str, Any]:
        return self.drain(*servers, **{"state": "enabled", **options})

    def info(self, **options: Any) -> dict[str, Any]:
        return self.machine.module("nginx_upstream_info", **options)

    # --------------------------------------------------------------------------------------------- the outside

    def get(self, path: str = "/", *options: str) -> str:
        """Ask nginx as a client on the machine does."""
        return self.machine.do(["curl", "-sSf", "--max-time", "20", *options, f"http://127.0.0.1{path}"])

    def answering(self, requests: int = 30) -> set[int]:
        """Return the ports that answer."""
        script = f"for i in $(seq {requests}); do echo http://127.0.0.1/; done | xargs curl -sSf --max-time 20 -w '\\n'"
        return {int(line) for line in self.machine.do(script).split()}

    def application(self, path: str) -> str:
        """Ask the application itself."""
        return self.machine.do(["curl", "-sSf", f"http://127.0.0.1:{PORTS[0]}{path}"])

    def counts(self) -> dict[int, int]:
        """Return how many requests the application had on each port."""
        counts = json.loads(self.application("/counts"))
        return {port: counts.get(str(port), 0) for port in (*PORTS, PORT6)}

    def held(self) -> int:
        """Return how many requests wait for their release."""
        return int(json.loads(self.application("/counts")).get("held", 0))

    def hold(
        self, path: str = "/hold", number: int = len(PORTS), options: tuple[str, ...] = (), port: int = 80
    ) -> list[Process]:
        """Start requests that are answered when they are released, by default one at each server."""
        wanted = self.held() + number
        command = ["curl", "-sSfN", *options, f"http://127.0.0.1:{port}{path}"]
        requests = [self.machine.start(command) for _ in range(number)]
        wait_for(lambda: self.held() == wanted, "the requests are there")
        return requests

    def release(self, requests: list[Process]) -> list[str]:
        """Let the application answer, and return what it answered."""
        self.application("/release")
        results = [request.wait(20) for request in requests]
        assert all(result.ok for result in results), results
        return [result.stdout for result in results]

    def accepted(self, number: int, port: int = 80) -> None:
        """Wait until workers of nginx have accepted so many connections from outside."""
        look = ["ss", "-Htnp", "state", "established", f"( sport = :{port} )"]
        wait_for(lambda: self.machine.do(look).count('"nginx"') >= number, "nginx has accepted the connections")

    def down(self, name: str = "app") -> set[str]:
        """Return the servers whose lines in our file say down."""
        return set(re.findall(r"^ *server ([^\s;]+)[^;#\n]* down\b", self.file(name), re.MULTILINE))

    def file(self, name: str = "app") -> str:
        return self.machine.read(self.machine.config(f"upstreams.d/{name}.conf"))

    def workers(self) -> set[int]:
        return set(self.machine.workers())

    def old_workers(self) -> set[int]:
        return {pid for pid, title in self.machine.workers().items() if "shutting down" in title}

    @contextlib.contextmanager
    def load(self, rate: float = 150) -> Iterator[dict[str, Any]]:
        """Send requests all the while; what became of them is in the result afterwards."""
        command = [sys.executable, str(HERE / "client.py"), f"{self.machine.address}:80", str(rate)]
        result: dict[str, Any] = {}
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                time.sleep(0.3)
                yield result
                output, _ = process.communicate("", timeout=60)
                result.update(json.loads(output))
            finally:
                process.kill()


def start_application(machine: Machine) -> None:
    """Start the application, once for all tests of a machine."""
    places = [*SERVERS, f"[::1]:{PORT6}"]
    code = (HERE / "stub.py").read_text()
    machine.start(["python3", "-c", code, *places])
    probe = f"curl -sS http://[::1]:{PORT6}/counts"
    wait_for(lambda: machine.run(shlex.split(probe)).ok, "the application answers")

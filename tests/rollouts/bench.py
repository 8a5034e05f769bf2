"""The standing lab of the rollout tests: two load balancers, three backends, the stub, and a compressed clock.

    python -m tests.rollouts.bench up|reset|state|destroy     (SUITE=trixie|bookworm, STUB_INTERFACE=wsgi|asgi)

`up` makes the machines, packs the versions, converges and resets; again, it changes nothing. The folder is
.lab/test-rollouts-<suite>; a user's command in it is: ansible-playbook deploy.yml -i <folder>/inventory.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
import typing as t
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tests.rollouts.scripts import CLONE, PRISTINE, REMEMBER, RESET_BACKEND, RESET_LB
from tests.rollouts.stub import FAULTS, pack
from tests.rollouts.variables import CLOCK, WIRING
from tests.site.lab import ROOT as ROOT
from tests.site.lab import Run, SiteLab
from tools.lab.state import locked

LOCAL = ROOT / "inventories/local/group_vars/all"
LOAD_BALANCERS = ("lb1", "lb2")
BACKENDS = ("backend1", "backend2", "backend3")
FIRST, SECOND = "1.0.0", "2.0.0"
PORT = 5000
RECIPE = ("roles", "plugins", "playbooks", "tests/rollouts")
RESET_SECONDS = 60
# Where a Debian has a Python that the stub's artefact.toml does not name.
PYTHONS = {"sid": "3.14"}
# A line of an upstream's file: its server, whether it is held, and what stands behind it.
SERVER = re.compile(
    r"^\s*server\s+(?P<address>\S+?)(?P<parameters>(?:\s[^;]*)?);\s*(?:#\s*(?P<comment>.*))?$", re.MULTILINE
)


@dataclasses.dataclass(frozen=True)
class Member:
    """A server as a load balancer's file has it."""

    address: str
    host: str
    held: bool
    comment: str


@dataclasses.dataclass(frozen=True)
class Bench:
    """The lab, and what a test does with it."""

    lab: SiteLab
    interface: str = "wsgi"
    load_balancers: tuple[str, ...] = LOAD_BALANCERS
    backends: tuple[str, ...] = BACKENDS
    clock: Mapping[str, t.Any] = dataclasses.field(default_factory=lambda: CLOCK)
    faults: Mapping[str, str] = dataclasses.field(default_factory=lambda: FAULTS)

    @classmethod
    def of(
        cls,
        suite: str = "",
        interface: str = "",
        variables: dict[str, t.Any] | None = None,
        name: str = "rollouts",
        **more: t.Any,
    ) -> Bench:
        """Write the inventory of the lab, whether or not the lab is there already.

        :param variables: more for group_vars/all; they win
        :param name: of the lab; the folder is .lab/test-<name>-<suite>
        :param more: load_balancers and backends (their names), clock (empty: the defaults of the roles), faults
        """
        suite = suite or os.environ.get("SUITE", "trixie")
        interface = interface or os.environ.get("STUB_INTERFACE", "wsgi")
        bench = cls(SiteLab(ROOT / ".lab" / f"test-{name}-{suite}", suite), interface, **more)
        bench.write_inventory(variables or {})
        return bench

    # ------------------------------------------------------------------------------------------------ the machines

    @property
    def folder(self) -> Path:
        return self.lab.folder

    @property
    def inventory(self) -> Path:
        return self.lab.inventory

    def write_inventory(self, variables: dict[str, t.Any]) -> None:
        """Write the inventory; what is already as it should be stays as it is."""
        site = {
            "app_name": "stub",
            "app_interface": self.interface,
            "app_application": f"stub.{self.interface}:app",
            "app_port": PORT,
            "app_migrate_command": "python -m stub.migrate",
            "app_artefact_dir": str(self.folder / "dist"),
            "release_version": FIRST,
            # Never rendered from a path: a copied inventory means this lab as well.
            "lab_dir": str(self.folder),
            "lab_published": {},
            # Its clock is a compressed one: machines of other tests wait for these, and not the other way round.
            "lab_cpu_shares": 8192,
            # A machine that a row has made silent must not hold the run for minutes.
            "ansible_ssh_extra_args": "-o ConnectTimeout=3 -o ServerAliveInterval=2 -o ServerAliveCountMax=2",
            "ansible_ssh_retries": 0,
            "rollout_report_dir": str(self.folder / "reports"),
        }
        write(self.inventory / "group_vars/all/lab.yml", (LOCAL / "lab.yml").read_text())
        content = yaml.safe_dump({**WIRING, **self.clock, **site, **variables}, sort_keys=False, width=120)
        write(self.inventory / "group_vars/all/main.yml", content)
        write(self.inventory / "host_vars/localhost.yml", "ansible_host: localhost\n")
        # Literal: a task that is delegated renders a template with the variables of another host.
        known = self.addresses()
        hosts = {
            group: {"hosts": {name: {"ansible_host": known[name]} if name in known else {} for name in names}}
            for group, names in (("load_balancers", self.load_balancers), ("backends", self.backends))
        }
        write(self.inventory / "hosts.yml", yaml.safe_dump(hosts, sort_keys=False))

    def addresses(self) -> dict[str, str]:
        """Return the address of each machine."""
        path = self.folder / "addresses.json"
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def address(self, host: str) -> str:
        return self.addresses()[host]

    def create(self) -> None:
        """Make the machines that are not there."""
        self.lab.create()
        main = yaml.safe_load((self.inventory / "group_vars/all/main.yml").read_text())
        self.write_inventory(main)

    def destroy(self) -> None:
        self.lab.destroy()

    def converge(self) -> None:
        """Bring backends and load balancers to what the inventory says, and remember it for the resets."""
        self.play("backends.yml")
        self.play("load_balancers.yml")
        self.everywhere(self.load_balancers, lambda lb: self.shell(lb, REMEMBER))

    def up(self) -> None:
        """Do everything, as far as it is not done."""
        self.pack(FIRST)
        self.pack(SECOND)
        self.pack("3.0.0")
        for name, fault in self.faults.items():
            self.pack(f"{SECOND}-{name}", fault)
        self.create()
        done, wanted = self.folder / "converged", self.recipe()
        if self.converged():
            self.reset()
            if done.exists() and done.read_text() == wanted:
                return
        done.unlink(missing_ok=True)
        self.converge()
        self.everywhere(self.backends, self._clone)
        self.reset()
        done.write_text(wanted)

    def recipe(self) -> str:
        """Return a hash of what decides how the machines are: roles, plugins, playbooks, the stub and the inventory."""
        total = hashlib.sha256()
        for folder in (*(ROOT / name for name in RECIPE), self.inventory):
            for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
                total.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
        return total.hexdigest()

    def _clone(self, host: str) -> None:
        """Have the versions with a fault on a host: the first one with a word more, as packing them makes them.

        What staging does is tried by the rows about staging, and by whoever deploys another version.
        """
        for name, fault in self.faults.items():
            self.shell(host, CLONE.format(host=host, first=FIRST, version=f"{SECOND}-{name}", fault=fault))

    def converged(self) -> bool:
        """Whether the machines have been converged before."""
        places = dict.fromkeys(self.load_balancers, PRISTINE) | {
            host: f"/srv/stub-{host}/current" for host in self.backends
        }
        found = self.everywhere(places, lambda host: self.shell(host, f"test -d {places[host]} && echo yes || true"))
        return all(found.values())

    @contextlib.contextmanager
    def alone(self) -> t.Iterator[None]:
        """Keep other runs of the tests from this lab as long as the block lasts."""
        with locked(self.folder / "bench.lock"):
            yield

    # --------------------------------------------------------------------------------------------------- playbooks

    def pack(self, version: str, fault: str = "", pythons: str = "") -> Path:
        """Pack a version of the stub, with words of stub.faults; one that exists with other content is replaced."""
        return pack(version, self.folder / "dist", self.interface, fault, pythons or PYTHONS.get(self.lab.suite, ""))

    def play(self, playbook: str, *options: str, check: bool = True) -> Run:
        """Run a playbook in the lab."""
        return self.lab.play(playbook, *options, check=check)

    def command(self, playbook: str, *options: str) -> list[str]:
        """Return the command that runs a playbook."""
        return [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.inventory), playbook, *options]

    def start(self, playbook: str, *options: str) -> subprocess.Popen[str]:
        """Start a playbook in a process group of its own, so that it can be killed: os.killpg(process.pid, 9)."""
        return subprocess.Popen(
            self.command(playbook, *options),
            cwd=ROOT,
            env=self.lab.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def deploy(self, version: str = SECOND, *options: str, check: bool = True, **variables: t.Any) -> Run:
        """Deploy a version; variables as extra variables."""
        extra = json.dumps({"release_version": version, **variables})
        return self.play("deploy.yml", "-e", extra, *options, check=check)

    # ----------------------------------------------------------------------------------------------------- by hand

    def on(self, host: str, *words: str, stdin: str = "", check: bool = True, seconds: float = 120) -> str:
        """Run a command as root on a machine and return what it printed."""
        return self.lab.on(host, *words, stdin=stdin, check=check, seconds=seconds)

    def shell(self, host: str, text: str, check: bool = True) -> str:
        """Run lines of sh as root on a machine; the first that fails ends them."""
        return self.on(host, "sh", "-e", stdin=text, check=check)

    def everywhere(self, hosts: t.Iterable[str], work: t.Callable[[str], t.Any]) -> dict[str, t.Any]:
        """Do something for several machines at once."""
        names = list(hosts)
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(work, names), strict=True))

    def container(self, host: str) -> str:
        """Return the name of a machine's container, for docker pause, kill, start."""
        names = subprocess.run(
            ["docker", "ps", "--all", "--format", "{{.Names}} {{.Networks}}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\n")
        network = json.loads((self.folder / "network.json").read_text())["name"]
        found = [line.split()[0] for line in names if line.endswith(f" {network}")]
        return next(name for name in found if name.endswith(f"-{host}"))

    def fault(self, host: str, version: str, words: str) -> None:
        """Switch faults of a version on a backend while it runs; no words: none."""
        path = f"/var/lib/stub-{host}/fault.{version}"
        # The application's own user may not read what root has written with its usual mode 0600.
        self.shell(
            host, f"rm -f {path}\n" + (f"echo {shlex.quote(words)} > {path}; chmod 644 {path}\n" if words else "")
        )

    # ------------------------------------------------------------------------------------------------ what is there

    def rotation(self, upstream: str = "backends", hosts: t.Iterable[str] = ()) -> dict[str, dict[str, Member]]:
        """Return the members of each load balancer by host, as its file on the disk has them."""
        by_address = {f"{address}:{PORT}": name for name, address in self.addresses().items()}

        def read(lb: str) -> dict[str, Member]:
            text = self.on(lb, "cat", f"/etc/nginx/upstreams.d/{upstream}.conf")
            found = {}
            for match in SERVER.finditer(text):
                host = by_address.get(match["address"], match["address"])
                held = "down" in match["parameters"].split()
                found[host] = Member(match["address"], host, held, match["comment"] or "")
            return found

        return self.everywhere(hosts or self.load_balancers, read)

    def in_rotation(self, upstream: str = "backends", hosts: t.Iterable[str] = ()) -> dict[str, list[str]]:
        """Return which backends each load balancer sends requests to."""
        members = self.rotation(upstream, hosts)
        return {lb: sorted(name for name, member in found.items() if not member.held) for lb, found in members.items()}

    def versions(self, hosts: t.Iterable[str] = ()) -> dict[str, str]:
        """Return the release that the main process of each backend runs in; empty: it does not run."""

        def read(host: str) -> str:
            script = f"""pid=$(systemctl show -P MainPID stub-{host}.service)
            test "$pid" = 0 || readlink "/proc/$pid/cwd" || true"""
            match = re.search(rf"/srv/stub-{host}/releases/([^/]+)/", self.shell(host, script))
            return match[1] if match else ""

        return self.everywhere(hosts or self.backends, read)

    def links(self, name: str = "current", hosts: t.Iterable[str] = ()) -> dict[str, str]:
        """Return what `current` or `previous` of each backend says."""

        def read(host: str) -> str:
            return self.on(host, "readlink", f"/srv/stub-{host}/{name}", check=False).strip().rpartition("/")[2]

        return self.everywhere(hosts or self.backends, read)

    def lock(self, group: str = "backends", hosts: t.Iterable[str] = ()) -> dict[str, dict[str, t.Any]]:
        """Return the lock of the rollout on each load balancer; empty: nobody holds it."""

        def read(lb: str) -> dict[str, t.Any]:
            text = self.on(lb, "cat", f"/var/lib/evenkeel/rollouts/{group}/lock.json", check=False)
            found: dict[str, t.Any] = json.loads(text or "{}")
            return found

        return self.everywhere(hosts or self.load_balancers, read)

    def announcing(self, hosts: t.Iterable[str] = ()) -> dict[str, bool]:
        """Return whether each load balancer tells its clients of a reload that is to come."""
        found = self.everywhere(hosts or self.load_balancers, lambda lb: self.shell(lb, "ls -A /run/evenkeel"))
        return {lb: "closing" in names.split() for lb, names in found.items()}

    def journal(self, lb: str = "lb1", group: str = "backends") -> list[dict[str, t.Any]]:
        """Return the events of the last run that a load balancer has."""
        script = f"cd /var/lib/evenkeel/rollouts/{group} && cat $(ls -dt */ | head -n 1)journal.jsonl"
        return [json.loads(line) for line in self.shell(lb, script, check=False).splitlines()]

    def posts(self) -> dict[str, int]:
        """Return how often each POST was executed, in all databases together."""
        counts: dict[str, int] = {}
        for found in self.everywhere(self.backends, self._posts_of).values():
            for identity, count in found.items():
                counts[identity] = counts.get(identity, 0) + count
        return counts

    def _posts_of(self, host: str) -> dict[str, int]:
        found: dict[str, int] = json.loads(
            self._query(host, "SELECT id, COUNT(*) FROM posts GROUP BY id", "dict(rows)")
        )
        return found

    def migrations(self) -> dict[str, list[tuple[str, bool]]]:
        """Return version and success of each run of the migration, by backend."""
        query = "SELECT version, NOT failed FROM migrations ORDER BY at"

        def work(host: str) -> list[tuple[str, bool]]:
            return [(version, bool(ok)) for version, ok in json.loads(self._query(host, query, "list(rows)"))]

        return self.everywhere(self.backends, work)

    def _query(self, host: str, query: str, expression: str) -> str:
        code = f"""import json, sqlite3
rows = sqlite3.connect("/var/lib/stub-{host}/stub.sqlite", timeout=10).execute({query!r})
print(json.dumps({expression}))
"""
        return self.on(host, "python3", "-", stdin=code)

    def targets(self) -> list[str]:
        """Return what the load client is given: both load balancers, with and without TLS."""
        return [f"{scheme}://{self.address(lb)}" for scheme in ("http", "https") for lb in self.load_balancers]

    # ------------------------------------------------------------------------------------------------------- reset

    def reset(self, version: str = FIRST, staged: bool = True) -> None:
        """Bring everything back: all backends on a version and in rotation, no lock, no journal, no fault, no POST.

        :param staged: other releases that are complete stay, which saves a deploy the time to stage them

        What a test did to a machine itself (a paused container, a rule of nftables, a broken nginx.conf) is the
        test's to undo.
        """
        self.everywhere((*self.load_balancers, *self.backends), lambda host: self._reset(host, version, staged))
        self.wait_healthy()

    def _reset(self, host: str, version: str, staged: bool) -> None:
        script = RESET_LB if host in self.load_balancers else RESET_BACKEND
        self.shell(host, script.format(host=host, version=version, staged=str(staged).lower(), pristine=PRISTINE))

    def wait_healthy(self, seconds: float = RESET_SECONDS) -> None:
        """Wait until each backend answers its health check itself."""
        end = time.monotonic() + seconds
        for host in self.backends:
            url = f"http://{self.address(host)}:{PORT}/health"
            command = ["curl", "--silent", "--fail", "--max-time", "2", "--noproxy", "*", url]
            while subprocess.run(command, capture_output=True, check=False).returncode != 0:
                assert time.monotonic() < end, f"{host} is not healthy after {seconds} s"
                time.sleep(0.1)


def write(path: Path, text: str) -> None:
    """Write a file if it is to be different."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def state(bench: Bench) -> str:
    """Return what the lab looks like, in lines."""
    lines = [f"inventory  {bench.inventory}", f"targets    {' '.join(bench.targets())}"]
    lines += [f"versions   {bench.versions()}", f"rotation   {bench.in_rotation()}", f"lock       {bench.lock()}"]
    return "\n".join(lines)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["up", "reset", "state", "destroy"])
    command, bench = parser.parse_args().command, Bench.of()
    if command == "state":
        print(state(bench))
        return
    began = time.monotonic()
    with bench.alone():
        {"up": bench.up, "reset": bench.reset, "destroy": bench.destroy}[command]()
    print(f"{command}: {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()

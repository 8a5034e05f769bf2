"""A site of its own for a test: a copy of an inventory, a lab of its own, and the commands that a user types."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
PLAYBOOK_SECONDS = 1200


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a playbook: its return code, everything it printed, and what it changed per host."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        return {host: int(changed) for host, _, changed, _, _ in RECAP.findall(self.output)}

    @property
    def tail(self) -> str:
        """The end, and the errors before it."""
        lines = self.output.splitlines()
        errors = [line for line in lines[:-60] if line.startswith(("[ERROR]", "fatal:", "failed:"))]
        return "\n".join([*errors, *lines[-60:]])


@dataclasses.dataclass(frozen=True)
class SiteLab:
    """A lab whose inventory may be edited: it never meets the one of `make up`."""

    folder: Path
    suite: str

    @classmethod
    def of(cls, name: str, inventory: Path, suite: str, machine: str = "") -> SiteLab:
        """Copy an inventory into a new lab.

        :param machine: one machine for every name of the inventory; empty: one machine for each
        """
        lab = cls(ROOT / ".lab" / f"test-{name}-{suite}", suite)
        shutil.rmtree(lab.inventory, ignore_errors=True)
        shutil.copytree(inventory, lab.inventory)
        variables = lab.inventory / "group_vars/all"
        (variables / "vault.yml").unlink(missing_ok=True)
        for name in ("lab.yml", "secrets.yml"):
            shutil.copy(ROOT / "inventories/local/group_vars/all" / name, variables / name)
        own: dict[str, t.Any] = {
            "lab_published": {},
            "app_artefact_dir": str(lab.folder / "dist"),
            "app_frontend_source": str(ROOT / "examples/frontend"),
            # A shorter clock for rollouts: the clients of these tests are idle for a moment only.
            "nginx_keepalive_timeout": 2,
            "rollout_close_window": 2.0,
            "rollout_min_healthy_time": 1.0,
            "rollout_monitor": {"seconds": 2},
        }
        if machine:
            own["lab_machine"] = machine
        lab.own.write_text(yaml.safe_dump(own))
        return lab

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory"

    @property
    def own(self) -> Path:
        """The variables of the test: the last file in the alphabet wins."""
        return self.inventory / "group_vars/all/zz_test.yml"

    def set(self, name: str, value: t.Any) -> None:
        """Edit a variable in the inventory, as a user does."""
        self.own.write_text(yaml.safe_dump({**yaml.safe_load(self.own.read_text()), name: value}))

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "EVENKEEL_LAB_DIR": str(self.folder),
            "SUITE": self.suite,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_INJECT_FACT_VARS": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools/lab/callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "evenkeel.web.rollout,kept_work",
        }

    def command(
        self, *words: str, check: bool = True, seconds: float = PLAYBOOK_SECONDS, cwd: Path = ROOT, **environment: str
    ) -> Run:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        run = Run(done.returncode, done.stdout)
        assert not check or run.code == 0, f"{' '.join(words)} ended with {run.code}:\n{run.tail}"
        return run

    def play(self, playbook: str, *options: str, check: bool = True) -> Run:
        return self.command("ansible-playbook", playbook, "-i", str(self.inventory), *options, check=check)

    def create(self) -> None:
        self.play("lab/create.yml")

    def pack(self, version: str = "1.0.0") -> None:
        """Pack the example application for this lab."""
        out = str(self.folder / "dist")
        self.command(sys.executable, "tools/artefact.py", "--version", version, "--out", out, "--force")

    def prune(self, keep: t.Iterable[str]) -> None:
        self.command(sys.executable, "-m", "tools.lab", "prune", json.dumps(sorted(keep)))

    def destroy(self) -> None:
        self.play("lab/destroy.yml")

    def hosts(self) -> dict[str, t.Any]:
        content: dict[str, t.Any] = yaml.safe_load((self.inventory / "hosts.yml").read_text())
        return content

    def write_hosts(self, hosts: dict[str, t.Any]) -> None:
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(hosts))

    def one_of_each(self) -> str:
        """Return a host of each group, as a limit."""
        return ",".join(sorted({min(group["hosts"]) for group in self.hosts().values() if group.get("hosts")}))

    def names(self) -> list[str]:
        return sorted({name for group in self.hosts().values() for name in group.get("hosts", {})})

    def address(self, machine: str) -> str:
        return str(json.loads((self.folder / "addresses.json").read_text())[machine])

    def on(self, machine: str, *words: str, stdin: str = "", check: bool = True, seconds: float = 120) -> str:
        """Run a command as root on a machine and return what it printed."""
        done = subprocess.run(
            ["ssh", "-F", str(self.folder / "ssh/config"), machine, shlex.join(["sudo", *words])],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, f"{machine}: {' '.join(words)}: {done.stderr}"
        return done.stdout

    def executions(self, run: Run) -> dict[str, int]:
        """Count the module executions per host in a run with -vvv: each starts Python over ssh."""
        counts = {
            name: len(re.findall(rf"^<{re.escape(self.address(name))}> SSH: EXEC.*python3", run.output, re.MULTILINE))
            for name in self.names()
        }
        assert min(counts.values()) > 0, f"a host without a module execution was not counted: {counts}"
        return counts

    def secrets(self) -> list[str]:
        return [path.read_text().split()[0] for path in sorted((self.folder / "secrets").iterdir())]

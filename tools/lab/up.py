"""make up: from nothing, or from where it was interrupted, to a site that serves."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tools.lab import engine, plan, setup
from tools.lab.state import ROOT

# Ansible holds the lock of a password file for the time of one write.
LOCK_SECONDS = 5
T = TypeVar("T")


class StepError(Exception):
    """A step failed; what went wrong is already on the screen."""


def timed(title: str, work: Callable[[], T]) -> T:
    """Run a step, and say what it was and how long it took."""
    start = time.monotonic()
    result = work()
    print(f"{title}: {time.monotonic() - start:.0f} s", flush=True)
    return result


def environment(lab: plan.Lab) -> dict[str, str]:
    """Return the environment in which playbooks of this lab run."""
    return os.environ | {"EVENKEEL_LAB_DIR": str(lab.folder), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}


def tool(name: str) -> str:
    """Return the path of a command of the virtual environment."""
    return str(Path(sys.executable).parent / name)


def quiet(lab: plan.Lab, name: str, command: Sequence[str]) -> None:
    """Run a command; what it prints goes to a log, whose end is shown when it fails."""
    log = lab.folder / f"{name}.log"
    with log.open("w") as output:
        done = subprocess.run(command, check=False, cwd=ROOT, env=environment(lab), stdout=output, stderr=output)
    if done.returncode != 0:
        tail = "\n".join(log.read_text().splitlines()[-40:])
        message = f"{tail}\n{name} failed: the whole output is in {log}"
        raise StepError(message)


def releases(lab: plan.Lab, inventory: str) -> list[str]:
    """Return the versions of the application that the inventory installs."""
    command = [tool("ansible-inventory"), "--inventory", inventory, "--list"]
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment(lab), capture_output=True, text=True)
    if done.returncode != 0:
        raise StepError(done.stderr)
    hosts: dict[str, dict[str, str]] = json.loads(done.stdout)["_meta"]["hostvars"]
    return sorted({str(values["release_version"]) for values in hosts.values() if "release_version" in values})


def artefacts(lab: plan.Lab, inventory: str) -> None:
    """Pack what the inventory installs; a version that is packed stays as it is."""
    for version in releases(lab, inventory):
        quiet(lab, "artefact", [tool("python"), "tools/artefact.py", "--version", version, "--keep"])


def create(lab: plan.Lab, inventory: str) -> None:
    """Make the machines of the inventory."""
    quiet(lab, "create", [tool("ansible-playbook"), "lab/create.yml", "--inventory", inventory])


def forget_locks(secrets: Path) -> None:
    """Remove the locks of password files that an interrupted run left: Ansible would wait for them and give up."""
    for lock in secrets.glob("*.ansible_lockfile"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - lock.stat().st_mtime > LOCK_SECONDS:
                lock.unlink()


def site(lab: plan.Lab, inventory: str) -> None:
    """Converge the site; it ends with the smoke test."""
    forget_locks(lab.folder / "secrets")
    command = [tool("ansible-playbook"), "site.yml", "--inventory", inventory]
    if subprocess.run(command, check=False, cwd=ROOT, env=environment(lab)).returncode != 0:
        message = "site.yml failed (see above). When it is put right, `make up` goes on from here."
        raise StepError(message)


def up(lab: plan.Lab, inventory: str) -> str:
    """Bring the lab to what the inventory says and return the table of URLs."""
    setup.ensure_engine()
    lab.folder.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        work = [
            pool.submit(timed, "artefact", lambda: artefacts(lab, inventory)),
            pool.submit(timed, "machines", lambda: create(lab, inventory)),
        ]
        for step in work:
            step.result()
    timed("site", lambda: site(lab, inventory))
    for name in plan.prune(lab, lab.read("machines")["names"]):
        print(f"{name} is not in the inventory any more: its machine is removed")
    return urls(lab)


def urls(lab: plan.Lab) -> str:
    """Return the table of the addresses under which the site can be seen."""
    ports = lab.read("ports")
    if not ports:
        return ""
    http, https = ports.get("80"), ports.get("443")
    rows = [
        ("site", f"http://127.0.0.1:{http}/"),
        ("api", f"http://127.0.0.1:{http}/api/health"),
        ("metrics", f"http://127.0.0.1:{http}/prometheus/"),
        ("site, TLS", f"https://127.0.0.1:{https}/  (curl --cacert {lab.folder}/tls/ca.crt)"),
    ]
    lines = [f"  {title:<12}{url}" for title, url in rows]
    moved = {wanted: ports[inside] for inside, wanted in plan.WANTED_PORTS.items() if ports.get(inside) != wanted}
    lines += [f"  port {wanted} was taken by another process: {port} is used" for wanted, port in moved.items()]
    return "\n".join(lines)


def status(lab: plan.Lab) -> str:
    """Return the table of the machines and of the URLs."""
    running = set(engine.containers(lab.names.labels, running=True))
    there = set(engine.containers(lab.names.labels))
    lines = []
    for name, address in sorted(lab.read("addresses").items()):
        container = lab.names.container(name)
        state = "running" if container in running else "stopped" if container in there else "missing"
        lines.append(f"  {name:<16}{address:<18}{state}")
    if not lines:
        return "no machines: run `make up`"
    return "\n".join([*lines, urls(lab)])


def shell(lab: plan.Lab, machine: str) -> None:
    """Become a shell on a machine."""
    names = sorted(lab.read("addresses"))
    if machine not in names:
        message = f"HOST={machine} is not one of: {', '.join(names)}" if names else "no machines: run `make up`"
        raise StepError(message)
    raise SystemExit(subprocess.run(["ssh", "-F", str(lab.folder / "ssh" / "config"), machine], check=False).returncode)

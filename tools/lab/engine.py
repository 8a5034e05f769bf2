"""The Docker engine, through its command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


class EngineError(Exception):
    """A docker command failed; the message is what docker said."""


def docker(*arguments: str) -> str:
    """Run a docker command and return what it printed."""
    try:
        done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        message = "the command `docker` is not installed"
        raise EngineError(message) from None
    if done.returncode != 0:
        raise EngineError(done.stderr.strip() or done.stdout.strip() or f"docker {arguments[0]} failed")
    return done.stdout.strip()


def answers() -> bool:
    """Say whether a Docker engine answers."""
    try:
        docker("version", "--format", "{{.Server.Version}}")
    except EngineError:
        return False
    return True


def filters(labels: Mapping[str, str]) -> list[str]:
    """Return the options that select what carries all these labels."""
    return [part for key, value in labels.items() for part in ("--filter", f"label={key}={value}")]


def containers(labels: Mapping[str, str], *, running: bool = False, image: str = "") -> list[str]:
    """Return the names of the containers with these labels, and of this image if one is named."""
    scope = ([] if running else ["--all"]) + (["--filter", f"ancestor={image}"] if image else [])
    return docker("ps", *scope, *filters(labels), "--format", "{{.Names}}").split()


def remove_containers(names: Sequence[str]) -> None:
    """Remove containers, running or not, and their volumes."""
    if names:
        docker("rm", "--force", "--volumes", *names)


def storage() -> tuple[str, bool]:
    """Return the driver that keeps the files of containers, and whether the engine runs without root's rights."""
    driver, _, security = docker("info", "--format", "{{.Driver}} {{.SecurityOptions}}").partition(" ")
    return driver, "name=rootless" in security


def create_volume(name: str, labels: Mapping[str, str], options: Mapping[str, str] | None = None) -> None:
    """Create a volume of the driver `local`; one that is there stays as it is."""
    parts = [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
    parts += [part for key, value in (options or {}).items() for part in ("--opt", f"{key}={value}")]
    docker("volume", "create", *parts, name)


def volumes(labels: Mapping[str, str]) -> list[str]:
    """Return the names of the volumes with these labels."""
    return docker("volume", "ls", "--quiet", *filters(labels)).split()


def mountpoint(volume: str) -> str:
    """Return where the engine keeps a volume."""
    return docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume)


def remove_volumes(names: Sequence[str]) -> None:
    """Remove volumes; one that is not there is no error."""
    if names:
        docker("volume", "rm", "--force", *names)


def networks(labels: Mapping[str, str]) -> list[str]:
    """Return the names of the networks with these labels."""
    return docker("network", "ls", *filters(labels), "--format", "{{.Name}}").split()


def remove_networks(names: Iterable[str]) -> None:
    """Remove networks."""
    for name in names:
        docker("network", "rm", name)


def inspect_network(name: str) -> dict[str, Any] | None:
    """Return what Docker knows of a network, nothing if it does not exist."""
    names = docker("network", "ls", "--filter", f"name=^{name}$", "--format", "{{.Name}}").split()
    if name not in names:
        return None
    found: list[dict[str, Any]] = json.loads(docker("network", "inspect", name))
    return found[0]


def subnets_of(network: Mapping[str, Any]) -> list[str]:
    """Return the subnets of an inspected network."""
    config = (network.get("IPAM") or {}).get("Config") or []
    return [entry["Subnet"] for entry in config if entry.get("Subnet")]


def used_subnets() -> list[str]:
    """Return the subnets that Docker networks and this machine's routes use."""
    names = docker("network", "ls", "--quiet").split()
    inspected = json.loads(docker("network", "inspect", *names)) if names else []
    used = [subnet for network in inspected for subnet in subnets_of(network)]
    routes = subprocess.run(["ip", "-4", "route", "show", "table", "all"], check=False, capture_output=True, text=True)
    for line in routes.stdout.splitlines():
        words = line.split()
        used.extend(words[1:2] if words[0] in {"broadcast", "local", "unreachable", "blackhole"} else words[:1])
    return used


def image_exists(tag: str) -> bool:
    """Say whether an image is there."""
    return bool(docker("image", "ls", "--quiet", tag))


def cgroup_folder() -> str:
    """Return the controller's cgroup v2 tree, which systemd in a container needs."""
    unified = Path("/sys/fs/cgroup/unified")
    return str(unified) if unified.is_dir() else "/sys/fs/cgroup"

"""How the controller reaches the machines of a lab: keys, client configuration, shared connections."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.lab.names import Names, short_hash
from tools.lab.state import write_text

USER = "deploy"


def control_dir(names: Names) -> Path:
    """Return the folder of the shared connections: short, for a socket path has at most 107 characters."""
    return Path(tempfile.gettempdir()) / f"ek{os.getuid()}-{short_hash(names.network)}"


def ensure_key(lab_dir: Path) -> Path:
    """Return the lab's own key, made at first use."""
    key = lab_dir / "ssh" / "id_ed25519"
    if not key.with_suffix(".pub").exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        key.parent.chmod(0o700)
        key.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "evenkeel-lab", "-f", str(key)]
        subprocess.run(command, check=True)
    return key


def client_config(lab_dir: Path, names: Names, addresses: Mapping[str, str]) -> str:
    """Return the ssh client configuration of a lab."""
    hosts = "".join(f"Host {name}\n  HostName {address}\n" for name, address in sorted(addresses.items()))
    return f"""{hosts}Host *
  User {USER}
  IdentityFile "{lab_dir}/ssh/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "{lab_dir}/ssh/known_hosts"
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  PreferredAuthentications publickey
  ConnectTimeout 20
  ServerAliveInterval 15
  ServerAliveCountMax 4
  ControlMaster auto
  ControlPersist 120
  ControlPath {control_dir(names)}/%C
"""


def configure(lab_dir: Path, names: Names, addresses: Mapping[str, str]) -> None:
    """Write the client configuration and the folder of the shared connections."""
    ensure_key(lab_dir)
    write_text(lab_dir / "ssh" / "config", client_config(lab_dir, names, addresses), 0o600)
    control_dir(names).mkdir(mode=0o700, exist_ok=True)


def merge_known_hosts(current: str, addresses: Mapping[str, str], keys: Mapping[str, str]) -> str:
    """Return known_hosts with the new keys, without the addresses that no machine has any more."""
    known = dict(line.split(" ", 1) for line in current.splitlines() if " " in line)
    known |= {addresses[name]: " ".join(key.split()[:2]) for name, key in keys.items()}
    return "".join(f"{address} {key}\n" for address, key in sorted(known.items()) if address in addresses.values())


def contradicts(current: str, merged: str) -> bool:
    """Say whether an address has another key now: the connections to its old machine are dead."""
    known = dict(line.split(" ", 1) for line in current.splitlines() if " " in line)
    return any(known.get(address, key) != key for address, key in (line.split(" ", 1) for line in merged.splitlines()))


def close_connections(names: Names) -> None:
    """End the shared connections of a lab: a new machine may get an old one's address."""
    folder = control_dir(names)
    for socket in folder.glob("*") if folder.is_dir() else []:
        command = ["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "lab"]
        subprocess.run(command, check=False, capture_output=True, timeout=10)
    shutil.rmtree(folder, ignore_errors=True)

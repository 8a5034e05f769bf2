"""What the lab needs on the controller, and what it leaves there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.lab import disks, engine, ssh
from tools.lab.names import CHECKOUT_LABEL, IMAGE_LABEL, LAB_LABEL, Names, checkout_id
from tools.lab.state import ROOT

START_SECONDS = 60
# Every systemd holds a handful of inotify instances, and all machines share the kernel's limit (128 as shipped).
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 1024
INSTALL = "sudo apt-get install docker.io && sudo systemctl start docker"


def is_debian_root() -> bool:
    """Say whether packages may be installed here."""
    return os.getuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def advice() -> str:
    """Return what the user can type so that an engine answers."""
    if shutil.which("docker") and not is_debian_root():
        try:
            engine.docker("version")
        except engine.EngineError as error:
            if "permission denied" in str(error):
                return "you may not talk to the Docker engine. Type: sudo usermod -aG docker $USER ; then log in again"
    return f"no Docker engine answers. On Debian or Ubuntu type: {INSTALL} ; elsewhere start Docker and try again"


def start_engine() -> None:
    """Start the engine: as a service where systemd runs, else as a process of its own."""
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker"], check=False)
    else:
        with Path("/var/log/dockerd.log").open("a") as log:
            subprocess.Popen(["dockerd"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + START_SECONDS
    while not engine.answers() and time.monotonic() < deadline:
        time.sleep(0.5)


def ensure_engine() -> None:
    """Make a Docker engine answer, or say what to type."""
    if engine.answers():
        return
    if is_debian_root():
        if not shutil.which("dockerd"):
            for command in (["apt-get", "update", "--quiet"], ["apt-get", "install", "--yes", "--quiet", "docker.io"]):
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        if shutil.which("dockerd"):
            start_engine()
    if not engine.answers():
        raise engine.EngineError(advice())


def ensure_kernel_limits() -> None:
    """Raise the limit that many machines at once run into, until the next start of this machine."""
    if not INOTIFY.exists() or int(INOTIFY.read_text()) >= INOTIFY_INSTANCES:
        return
    try:
        INOTIFY.write_text(f"{INOTIFY_INSTANCES}\n")
    except OSError:
        command = f"sudo sysctl fs.inotify.max_user_instances={INOTIFY_INSTANCES}"
        print(f"lab: should machines stop right after their start, type: {command}", file=sys.stderr)


def labs(checkout: str) -> set[str]:
    """Return the labs of a checkout that own anything in Docker."""
    options = [*engine.filters({CHECKOUT_LABEL: checkout}), "--format", f'{{{{.Label "{LAB_LABEL}"}}}}']
    return {*engine.docker("ps", "--all", *options).split(), *engine.docker("network", "ls", *options).split()}


def clean(root: Path = ROOT) -> None:
    """Remove everything of this checkout: labs, folders, and images that no container uses."""
    checkout = checkout_id(root)
    for lab in labs(checkout):
        ssh.close_connections(Names(checkout, lab))
    own = {CHECKOUT_LABEL: checkout}
    engine.remove_containers(engine.containers(own))
    engine.remove_volumes(engine.volumes(own))
    engine.remove_networks(engine.networks(own))
    used = set(engine.docker("ps", "--all", "--format", "{{.Image}}").split())
    form = "{{.Repository}}:{{.Tag}}"
    images = engine.docker("image", "ls", "--filter", f"label={IMAGE_LABEL}", "--format", form).split()
    unused = [image for image in images if image not in used]
    if unused:
        engine.docker("image", "rm", *unused)
    engine.remove_volumes([disks.base_of(image) for image in disks.copied() if image not in used])
    shutil.rmtree(root / ".lab", ignore_errors=True)

"""The image of the machines: keyed by the content of its recipe, so that checkouts share it."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.lab import engine
from tools.lab.names import IMAGE_LABEL
from tools.lab.state import ROOT, locked

SUITES = ("trixie", "bookworm", "sid")
REPOSITORY = "evenkeel-host"
RECIPE = ROOT / "lab" / "image.json"
ROOTFS = ROOT / "lab" / "rootfs"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
CHANGES = ('CMD ["/sbin/init"]', "ENV container=docker")
# What only real hardware and real disks need, and what would run apt behind a test's back.
MASKED = (
    "apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer",
    "console-getty.service getty.target systemd-logind.service systemd-networkd-wait-online.service",
    "dev-hugepages.mount sys-fs-fuse-connections.mount systemd-journal-flush.service systemd-remount-fs.service",
    "systemd-tmpfiles-setup-dev.service systemd-tmpfiles-setup-dev-early.service",
)
SETUP = (
    "useradd --create-home --shell /bin/bash deploy",
    "rm -f /etc/ssh/ssh_host_*",
    f"systemctl --quiet mask {' '.join(MASKED)}",
    "truncate --size 0 /etc/machine-id",
    # What apt makes of its lists is kept too: else each machine makes it at its first task.
    "apt-get clean && python3 -m lab_apt_lists {known_packages} && apt-get check -qq",
    # The marks that /etc and /var are as new as /usr: else every start rebuilds what the image holds.
    "touch /etc/.updated /var/.updated",
)


class ImageError(Exception):
    """The image cannot be built here; the message says what to type."""


def recipe_hash(suite: str) -> str:
    """Return the hash of everything that decides what is in the image: commands and the content of files."""
    total = hashlib.sha256()
    for command in (mmdebstrap_command(suite, "-", Path()), import_command(suite, "-"), [dockerfile(suite)]):
        total.update("\0".join(command).encode())
    files = sorted(path for path in ROOTFS.rglob("*") if path.is_file())
    for path in [*files, CA_BUNDLE] if CA_BUNDLE.exists() else files:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:12]


def tag(suite: str) -> str:
    """Return the tag of the image of a suite."""
    if suite not in SUITES:
        message = f"SUITE={suite} is not one of: {', '.join(SUITES)}"
        raise ImageError(message)
    return f"{REPOSITORY}:{suite}-{recipe_hash(suite)}"


def install_lines(target: str, source: Path) -> list[str]:
    """Return the commands that install the files of the recipe, whatever modes the checkout gave them."""
    files = (path.relative_to(ROOTFS) for path in sorted(ROOTFS.rglob("*")) if path.is_file())
    return [f"install -D -m {mode(place)} {shlex.quote(str(source / place))} {target}/{place}" for place in files]


def mode(place: Path) -> str:
    """Return the mode of a file in the image."""
    if "sudoers.d" in place.parts:
        return "0440"
    return "0755" if "sbin" in place.parts else "0644"


def setup(recipe: dict[str, list[str]]) -> list[str]:
    """Return the commands that make a machine of the packages."""
    return [line.format(known_packages=" ".join(recipe["known_packages"])) for line in SETUP]


def mmdebstrap_command(suite: str, target: str, source: Path = ROOTFS) -> list[str]:
    """Return the command that builds the root file system as a tar."""
    recipe = json.loads(RECIPE.read_text())
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--skip=cleanup/apt/lists", "--skip=cleanup/apt/cache"]
    command.append(f"--include={','.join(recipe['packages'])}")
    command += [f"--dpkgopt=path-exclude={path}" for path in recipe["excluded_paths"]]
    if suite == "sid":
        # A mirror of sid may be a snapshot of some weeks ago; nothing but a lab is made of it.
        command.append('--aptopt=Acquire::Check-Valid-Until "false"')
    # The files are there before the packages are, so that services find them at their first start.
    command += [f"--essential-hook={line}" for line in install_lines('"$1"', source)]
    command += [f'--customize-hook=chroot "$1" sh -c {shlex.quote(line)}' for line in setup(recipe)]
    if CA_BUNDLE.exists():
        command.append(f'--customize-hook=cp {CA_BUNDLE} "$1{CA_BUNDLE}"')
    return [*command, suite, target]


def import_command(suite: str, name: str) -> list[str]:
    """Return the command that makes an image of the tar on its standard input."""
    changes = [*CHANGES, f"LABEL {IMAGE_LABEL}={suite}"]
    return ["docker", "import", *[part for change in changes for part in ("--change", change)], "-", name]


def ensure_mmdebstrap() -> bool:
    """Make mmdebstrap available, and say whether it is."""
    if shutil.which("mmdebstrap"):
        return True
    if os.getuid() != 0 or not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        return False
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "mmdebstrap"]
    for command in (["apt-get", "update", "--quiet"], install):
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode != 0:
            return False
    return True


def build_with_mmdebstrap(suite: str, name: str, folder: Path) -> None:
    """Build the image without any image registry."""
    archive = folder / "root.tar"
    command = mmdebstrap_command(suite, str(archive))
    # What the hooks print must not mix with what this command prints.
    done = subprocess.run(command, check=False, stdout=sys.stderr, env=os.environ | {"TMPDIR": str(folder)})
    if done.returncode != 0:
        message = f"mmdebstrap cannot build {name} (see above): is the Debian mirror reachable?"
        raise ImageError(message)
    with archive.open("rb") as content:
        subprocess.run(import_command(suite, name), check=True, stdin=content, stdout=subprocess.DEVNULL)


def dockerfile(suite: str) -> str:
    """Return the recipe for building on the official Debian image."""
    recipe = json.loads(RECIPE.read_text())
    excluded = "".join(f"path-exclude={path}\\n" for path in recipe["excluded_paths"])
    made = " && ".join(setup(recipe))
    install = " && ".join(install_lines("", Path("/rootfs")))
    return f"""FROM debian:{suite}
COPY rootfs/ /rootfs/
RUN {install} && rm -r /rootfs \\
 && printf '{excluded}' > /etc/dpkg/dpkg.cfg.d/lab \\
 && rm -f /etc/apt/apt.conf.d/docker-clean /etc/apt/apt.conf.d/docker-gzip-indexes \\
 && apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \\
    -o Dpkg::Options::=--force-confold {" ".join(recipe["packages"])} && {made}
ENV container=docker
LABEL {IMAGE_LABEL}={suite}
CMD ["/sbin/init"]
"""


def build_with_docker(suite: str, name: str, folder: Path) -> None:
    """Build the image on the official Debian image, for controllers without mmdebstrap."""
    shutil.copytree(ROOTFS, folder / "rootfs")
    (folder / "Dockerfile").write_text(dockerfile(suite))
    done = subprocess.run(["docker", "build", "--quiet", "--tag", name, str(folder)], check=False, stdout=sys.stderr)
    if done.returncode != 0:
        message = (
            f"cannot build {name}: mmdebstrap is not installed and debian:{suite} cannot be pulled. "
            "On Debian or Ubuntu type: sudo apt-get install mmdebstrap"
        )
        raise ImageError(message)


def ensure(suite: str) -> str:
    """Return the tag of the image, built if it is not there."""
    name = tag(suite)
    if engine.image_exists(name):
        return name
    folder = Path(tempfile.gettempdir()) / f"evenkeel-image-{os.getuid()}-{suite}"
    with locked(folder.with_suffix(".lock")):
        if engine.image_exists(name):
            return name
        builder = build_with_mmdebstrap if ensure_mmdebstrap() else build_with_docker
        # A build that was killed left its folder.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o755)
        try:
            builder(suite, name, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return name

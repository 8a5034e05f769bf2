"""The disks of machines: the kernel's overlay, where the engine's own storage goes through FUSE.

There each file that Python imports is a question to a process, which makes a test a fifth slower. What machines of an
image have in common is in one volume; what a machine writes is in a volume of its own, and lies over it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from tools.lab import engine
from tools.lab.names import IMAGE_LABEL, Names

SLOW_DRIVER = "fuse-overlayfs"
FILESYSTEMS = Path("/proc/filesystems")
FOLDERS = ("etc", "srv", "usr", "var")
# The two directories that the kernel wants for each, overlayfs.rst.
PARTS = ("upper", "work")
# The copy gets its name when it is whole: a copy that was killed is begun anew.
COPY = f"""set -eu
exec 9>/base/lock
flock 9
[ -d /base/whole ] || {{
  rm -rf /base/part
  mkdir /base/part
  cp -a {" ".join(f"/{folder}" for folder in FOLDERS)} /base/part
  mv /base/part /base/whole
}}"""


def base_of(tag: str) -> str:
    """Return the name of the volume with the content of an image."""
    return f"{tag.replace(':', '-')}-base"


def volume(names: Names, machine: str, folder: str = "") -> str:
    """Return the name of a volume of a machine: of one folder, or of what it writes."""
    return "-".join(filter(None, (names.container(machine), "disk", folder)))


def volumes(names: Names, machine: str) -> list[str]:
    """Return the names of all volumes of a machine."""
    return [volume(names, machine, folder) for folder in ("", *FOLDERS)]


def copied() -> list[str]:
    """Return the tags of the images whose content is in a volume."""
    form = f'{{{{.Label "{IMAGE_LABEL}"}}}}'
    return engine.docker("volume", "ls", "--filter", f"label={IMAGE_LABEL}", "--format", form).split()


def wanted() -> bool:
    """Say whether the engine's own storage is the slow one, and the kernel's may be used instead."""
    known = FILESYSTEMS.read_text().split() if FILESYSTEMS.exists() else []
    return "overlay" in known and engine.storage() == (SLOW_DRIVER, False)


def mounts(names: Names, machine: str) -> list[str]:
    """Return what a machine mounts, as Docker's option `--volume` has it."""
    return [f"{volume(names, machine, folder)}:/{folder}:nocopy" for folder in FOLDERS]


def make(names: Names, tag: str, machines: Sequence[str]) -> None:
    """Give each of these machines, which must not exist, disks as its image has them."""
    remove(names, machines)
    base = base_of(tag)
    engine.create_volume(base, {IMAGE_LABEL: tag})
    binds = ["--volume", f"{base}:/base"]
    lines = [COPY]
    for machine in machines:
        engine.create_volume(volume(names, machine), names.labels)
        binds += ["--volume", f"{volume(names, machine)}:/disks/{machine}"]
        lines += [f"mkdir {shlex.quote(f'/disks/{machine}/{part}-{folder}')}" for folder in FOLDERS for part in PARTS]
    engine.docker("run", "--rm", "--network", "none", *binds, tag, "sh", "-c", "\n".join(lines))
    lower = engine.mountpoint(base)
    for machine in machines:
        own = engine.mountpoint(volume(names, machine))
        for folder in FOLDERS:
            layers = f"lowerdir={lower}/whole/{folder},upperdir={own}/upper-{folder},workdir={own}/work-{folder}"
            options = {"type": "overlay", "device": "overlay", "o": layers}
            engine.create_volume(volume(names, machine, folder), names.labels, options)


def remove(names: Names, machines: Sequence[str]) -> None:
    """Remove the disks of machines, if they have any."""
    engine.remove_volumes([name for machine in machines for name in volumes(names, machine)])

"""Unpack chosen collections from the pinned `ansible` package: python tools/vendor.py [DESTINATION].

Galaxy is not asked: the package index that serves the virtual environment serves them too.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

VERSION = "12.3.0"
SHA256 = "cd156f82fa87f7a899212b0efa9f7ca3a24d609212de9f78428a572eb01e5414"
COLLECTIONS = (
    "ansible.posix",
    "community.crypto",
    "community.docker",
    "community.general",
    "community.library_inventory_filtering_v1",
    "community.mysql",
)
MARK = ".vendored"


def download(folder: Path) -> Path:
    """Fetch the package; pip refuses one whose checksum is another."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"ansible=={VERSION} --hash=sha256:{SHA256}\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
    ]
    subprocess.run([*command, "--dest", str(folder), "--requirement", str(requirements)], check=True)
    return next(folder.glob("ansible-*.whl"))


def unpack(package: Path, destination: Path) -> None:
    """Replace the collections in destination by those of the package."""
    with tempfile.TemporaryDirectory(dir=destination, prefix=".vendor-") as folder:
        with zipfile.ZipFile(package) as archive:
            prefixes = tuple(f"ansible_collections/{name.replace('.', '/')}/" for name in COLLECTIONS)
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith(prefixes)])
        for name in COLLECTIONS:
            place = Path("ansible_collections", *name.split("."))
            (destination / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(destination / place, ignore_errors=True)
            (Path(folder) / place).rename(destination / place)


def main() -> int:
    """Unpack the collections unless they are there already."""
    destination = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "collections")
    mark, wanted = destination / "ansible_collections" / MARK, " ".join((VERSION, SHA256, *COLLECTIONS))
    if mark.exists() and mark.read_text() == wanted:
        return 0
    mark.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        unpack(download(Path(folder)), destination)
    mark.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())

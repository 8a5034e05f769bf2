# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at an artefact on the controller before anything of it is sent."""

from __future__ import annotations

DOCUMENTATION = r"""
name: artefact
author: Contributors to the evenkeel.web collection (@evenkeel)
version_added: 0.1.0
short_description: Check an application's artefact on the controller
description:
  - Reads the artefact of an application, C(<name>-<version>.tar.gz), and says what is in it and what is wrong with it.
  - Nothing is executed on a host and nothing is written, so it can be used before a release is staged.
  - Findings are returned, not raised. All of them are returned at once.
options:
  _terms:
    description:
      - Paths of artefacts. A relative path starts at the working directory of the controller.
    required: true
  name:
    description: The application that the artefact must hold.
    type: str
    required: true
  version:
    description: The version that the artefact must hold.
    type: str
    required: true
  python:
    description: The Python version of the host, for example V(3.13), that the artefact must have wheels for.
    type: str
    required: true
  machine:
    description: The processor of the host, for example V(x86_64), if the artefact says which one its wheels are for.
    type: str
    default: ''
  sha256:
    description: The checksum that the artefact must have. Empty means the one in the file C(<artefact>.sha256).
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Refuse an artefact that is not what was built
  ansible.builtin.assert:
    that: artefact.problems | length == 0
    fail_msg: "{{ artefact.problems | join('\n') }}"
  vars:
    artefact: >-
      {{ lookup('evenkeel.web.artefact', 'dist/notes-1.0.0.tar.gz', name='notes', version='1.0.0', python='3.13') }}
"""

RETURN = r"""
_raw:
  description: One dictionary for each path.
  type: list
  elements: dict
  contains:
    path:
      description: Absolute path of the artefact.
      type: str
    sha256:
      description: Checksum of the artefact, or empty if it cannot be read.
      type: str
    needed_bytes:
      description: Bytes that a release of it takes at the very least while it is staged on the host.
      type: int
    release:
      description: Content of its C(release.json), or an empty dictionary.
      type: dict
    problems:
      description: What is wrong with the artefact. Empty if it can be staged.
      type: list
      elements: str
"""

import hashlib
import io
import json
import tarfile
import typing as t
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ansible.plugins.lookup import LookupBase

REQUIRED = ("release.json", "requirements.txt", "app", "wheels")
# A fresh virtual environment with its pip.
EMPTY_VENV_BYTES = 10 * 1024 * 1024


@dataclass
class Wanted:
    """What an artefact must be."""

    name: str
    version: str
    python: str
    machine: str = ""
    sha256: str = ""


@dataclass
class Artefact:
    """What an artefact is."""

    path: str
    sha256: str = ""
    needed_bytes: int = 0
    release: dict[str, t.Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def suits(wheel: str, python: str) -> bool:
    """Say whether a wheel, by its file name, can be installed for a Python version such as 3.13."""
    parts = wheel.removesuffix(".whl").split("-")
    if len(parts) < 5:
        return False
    tags, abi = parts[-3].split("."), parts[-2]
    return abi == "abi3" or any(tag in ("py3", f"cp{python.replace('.', '')}") for tag in tags)


def installed_bytes(wheel: bytes) -> int:
    """Return how many bytes the files of a wheel take."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return sum(member.file_size for member in archive.infolist())


def expected_sha256(path: Path, wanted: str) -> str:
    """Return the checksum that the artefact must have, from its .sha256 file if none is wanted."""
    return (wanted or Path(f"{path}.sha256").read_text(encoding="utf-8").split()[0]).lower()


def read_members(content: bytes, python: str) -> tuple[set[str], dict[str, t.Any], int]:
    """Return the names at the top of the artefact, its release.json, and the bytes that it takes on a host."""
    top: set[str] = set()
    release: dict[str, t.Any] = {}
    needed = len(content) + EMPTY_VENV_BYTES
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            place = member.name.removeprefix("./")
            top.add(place.split("/")[0])
            needed += member.size
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None and place == "release.json":
                release = json.load(stream)
            elif stream is not None and place.startswith("wheels/") and suits(place, python):
                needed += installed_bytes(stream.read())
    return top, release, needed


def content_problems(path: str, top: set[str], release: dict[str, t.Any], wanted: Wanted) -> list[str]:
    """Return what is wrong with the content of an artefact."""
    absent = [name for name in REQUIRED if name not in top]
    if absent:
        return [f"release_artefact: {path} is no artefact: it has no {', no '.join(absent)}"]
    problems = []
    for key, want in (("name", wanted.name), ("version", wanted.version)):
        if release.get(key) != want:
            problems.append(f"release_{key}: {want} is wanted, but {path} holds {key} {release.get(key)}")
    pythons = release.get("python") or []
    if wanted.python not in pythons:
        problems.append(
            f"artefact without wheels for this Python: the host has Python {wanted.python}, "
            f"{path} has wheels for {', '.join(map(str, pythons)) or 'none'}"
        )
    machine = release.get("machine") or wanted.machine
    if wanted.machine and machine != wanted.machine:
        problems.append(
            f"artefact without wheels for this processor: the host has {wanted.machine}, "
            f"{path} has wheels for {machine}"
        )
    return problems


def examine(path: Path, wanted: Wanted) -> Artefact:
    """Return what an artefact is and everything that is wrong with it."""
    artefact = Artefact(str(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        artefact.problems.append(f"release_artefact: cannot read {path}: {error.strerror}")
        return artefact
    artefact.sha256 = hashlib.sha256(content).hexdigest()
    try:
        expected = expected_sha256(path, wanted.sha256)
    except (OSError, IndexError):
        artefact.problems.append(f"release_sha256 is empty and {path}.sha256 holds no checksum; give one of them")
        return artefact
    if artefact.sha256 != expected:
        artefact.problems.append(f"release_sha256: {path} has sha256 {artefact.sha256}, but {expected} is expected")
        return artefact
    try:
        top, artefact.release, artefact.needed_bytes = read_members(content, wanted.python)
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        artefact.problems.append(f"release_artefact: {path} is no artefact: {error}")
        return artefact
    artefact.problems += content_problems(str(path), top, artefact.release, wanted)
    return artefact


class LookupModule(LookupBase):
    """Examine the artefacts with the given paths."""

    def run(
        self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        """Return what each artefact is."""
        self.set_options(var_options=variables, direct=kwargs)
        wanted = Wanted(**{name: self.get_option(name) for name in ("name", "version", "python", "machine", "sha256")})
        return [asdict(examine(Path(term).expanduser().absolute(), wanted)) for term in terms]

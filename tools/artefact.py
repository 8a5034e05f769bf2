#!/usr/bin/env python3
"""Pack an application into the versioned artefact that the role `release` installs (docs/applications.md).

An artefact is `<name>-<version>.tar.gz` with `release.json`, `requirements.txt`, `app/` and `wheels/`, and beside
it `<name>-<version>.tar.gz.sha256`. The same content gives the same bytes. A version is immutable: what
exists under it is never replaced by other content, unless that is asked for.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib
from pip._vendor.packaging.requirements import InvalidRequirement, Requirement

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PYTHON = re.compile(r"3\.(9|[1-9][0-9])")
APPLICATION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
SERVERS = {"wsgi": "gunicorn", "asgi": "uvicorn"}
MACHINES = ("x86_64", "aarch64")
# 2_28 beside 2014: newer releases of compiled packages come only as that, and every supported host has glibc >= 2.35.
PLATFORMS = ("manylinux2014", "manylinux_2_28")
KEYS = {"name", "interface", "application", "migrate", "python", "source"}
# A change of how wheels are chosen must not find wheels of before in the cache.
CACHE_FORMAT = "1"


class ArtefactError(Exception):
    """Something that the user can put right; the message says what."""


@dataclass(frozen=True)
class Application:
    """What artefact.toml says."""

    directory: Path
    name: str
    interface: str
    application: str
    migrate: str | None
    pythons: tuple[str, ...]
    source: Path


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    version: str
    pythons: tuple[str, ...]
    machine: str
    out: Path
    cache: Path
    force: bool
    keep: bool


@dataclass(frozen=True)
class Member:
    """One file of the artefact."""

    name: str
    data: bytes
    executable: bool = False


def read_application(directory: Path) -> Application:
    """Read and check artefact.toml."""
    path = directory / "artefact.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError(f"--app {directory}: there is no artefact.toml in it (docs/applications.md)") from None
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{path}: {error}") from error
    for key in sorted(set(data) - KEYS):
        raise ArtefactError(f"{path}: unknown key {key!r}; allowed are {', '.join(sorted(KEYS))}")
    interface = _text(path, data, "interface")
    if interface not in SERVERS:
        raise ArtefactError(f"{path}: interface {interface!r}; allowed are {', '.join(SERVERS)}")
    source = directory / _text(path, data, "source", default="src")
    if not source.is_dir() or directory.resolve() not in source.resolve().parents:
        raise ArtefactError(f"{path}: source {data.get('source', 'src')!r} is not a directory inside {directory}")
    return Application(
        directory=directory,
        name=_match(path, data, "name", NAME, "a lower case letter, then letters, digits and '-', 32 at most"),
        interface=interface,
        application=_match(path, data, "application", APPLICATION, "module:object, such as notes.wsgi:app"),
        migrate=_text(path, data, "migrate", default="") or None,
        pythons=tuple(check_python(str(path), python) for python in _list(path, data, "python")),
        source=source,
    )


def _text(path: Path, data: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise ArtefactError(f"{path}: {key} is required, as a string")
    return value


def _match(path: Path, data: Mapping[str, Any], key: str, pattern: re.Pattern[str], allowed: str) -> str:
    value = _text(path, data, key)
    if not pattern.fullmatch(value):
        raise ArtefactError(f"{path}: {key} {value!r}; allowed is {allowed}")
    return value


def _list(path: Path, data: Mapping[str, Any], key: str) -> list[str]:
    value = data.get(key)
    if not isinstance(value, list) or not value:
        raise ArtefactError(f'{path}: {key} is required, as a list such as ["3.11", "3.13"]')
    return [str(item) for item in value]


def check_version(option: str, value: str) -> str:
    """Return a version that is safe in file names, paths and units."""
    if not VERSION.fullmatch(value):
        raise ArtefactError(
            f"{option} {value!r}; allowed are letters, digits, '.', '_' and '-', a letter or digit first, 64 at most"
        )
    return value


def check_python(option: str, value: str) -> str:
    """Return a Python version of the form 3.N."""
    if not PYTHON.fullmatch(value):
        raise ArtefactError(f"{option}: Python {value!r}; allowed is 3.N from 3.9 on, such as 3.13")
    return value


def read_requirements(path: Path, server: str) -> list[str]:
    """Return the requirements, one logical line each, all of them pinned and with hashes."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtefactError(
            f"{path} is missing: uv pip compile --universal --generate-hashes requirements.in -o requirements.txt"
        ) from None
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in re.sub(r"\\\n", " ", text).splitlines()]
    found = []
    for line in filter(None, lines):
        if line.startswith("-"):
            raise ArtefactError(f"{path}: option {line.split()[0]!r}; allowed are only pinned requirements with hashes")
        requirement = parse_requirement(path, line)
        pins = [item for item in requirement.specifier if item.operator == "==" and not item.version.endswith("*")]
        if len(pins) != 1 or " --hash=sha256:" not in line:
            raise ArtefactError(
                f"{path}: {requirement.name} is not pinned with == and --hash=sha256:...; "
                "uv pip compile --generate-hashes does that"
            )
        found.append(" ".join(line.split()))
    if server not in {parse_requirement(path, line).name.lower() for line in found}:
        raise ArtefactError(f"{path}: {server} is missing; it is the server that runs the application")
    return found


def parse_requirement(path: Path, line: str) -> Requirement:
    """Parse what stands before the hashes."""
    try:
        return Requirement(line.split(" --hash=")[0].strip())
    except InvalidRequirement as error:
        raise ArtefactError(f"{path}: {line.split(' --hash=')[0]!r}: {error}") from error


def needed_for(path: Path, requirements: list[str], python: str, machine: str) -> list[str]:
    """Return the requirements of one Python, without markers.

    pip evaluates markers for the Python that runs it, not for --python-version. A host's patch level is not known
    here (bookworm has 3.11.2), so what either the first or a late patch release needs is taken along.
    """
    needed = []
    for line in requirements:
        requirement = parse_requirement(path, line)
        marker = requirement.marker
        if marker is not None and not any(
            marker.evaluate(_environment(f"{python}.{patch}", machine)) for patch in (0, 99)
        ):
            continue
        requirement.marker = None
        needed.append(f"{requirement} {' '.join(re.findall('--hash=[^ ]+', line))}")
    return needed


def _environment(python: str, machine: str) -> dict[str, str]:
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
        "extra": "",
    }


def wheels_for(needed: list[str], python: str, machine: str, cache: Path) -> Path:
    """Return a directory with exactly the wheels of one Python; downloaded once per content."""
    key = hashlib.sha256("\n".join([CACHE_FORMAT, python, machine, *needed]).encode()).hexdigest()[:32]
    ready = cache / key
    if ready.is_dir():
        return ready
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".new-") as scratch:
        lock, fresh = Path(scratch, "requirements.txt"), Path(scratch, "wheels")
        lock.write_text("\n".join(needed) + "\n", encoding="utf-8")
        fresh.mkdir()
        download(lock, fresh, python, machine)
        try:
            fresh.rename(ready)
        except OSError:
            # Another run was quicker: same key, same wheels.
            if not ready.is_dir():
                raise
    return ready


def download(lock: Path, target: Path, python: str, machine: str) -> None:
    """Let pip fetch the wheels; where from is its own configuration."""
    abi = f"cp{python.replace('.', '')}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    for tag in (abi, "abi3", "none"):
        command += ["--abi", tag]
    for platform in PLATFORMS:
        command += ["--platform", f"{platform}_{machine}"]
    result = subprocess.run(
        [*command, "--dest", str(target), "--requirement", str(lock)], capture_output=True, text=True, check=False
    )
    if result.returncode:
        said = [line for line in result.stderr.splitlines() if line.startswith("ERROR")] or result.stderr.splitlines()
        raise ArtefactError(f"no wheels for Python {python} on {machine}; pip says:\n  " + "\n  ".join(said[-8:]))


def source_members(source: Path) -> Iterator[Member]:
    """Give the files of the application; hidden files (.env, .git) and caches stay out."""
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        if any(part.startswith(".") or part == "__pycache__" for part in parts) or path.suffix == ".pyc":
            continue
        if path.is_symlink():
            raise ArtefactError(f"{path} is a symbolic link; an artefact holds only files and directories")
        if path.is_file():
            executable = bool(path.stat().st_mode & 0o100)
            yield Member("/".join(("app", *parts)), path.read_bytes(), executable)


def collect(application: Application, options: Options) -> list[Member]:
    """Return every file of the artefact."""
    path = application.directory / "requirements.txt"
    requirements = read_requirements(path, SERVERS[application.interface])
    pythons = options.pythons or application.pythons
    wheels: dict[str, Member] = {}
    for python in pythons:
        needed = needed_for(path, requirements, python, options.machine)
        for wheel in sorted(wheels_for(needed, python, options.machine, options.cache).iterdir()):
            wheels[wheel.name] = Member(f"wheels/{wheel.name}", wheel.read_bytes())
    members = [*source_members(application.source), Member("requirements.txt", path.read_bytes()), *wheels.values()]
    release = {
        "name": application.name,
        "version": options.version,
        "interface": application.interface,
        "application": application.application,
        "migrate": application.migrate,
        "python": list(pythons),
        "machine": options.machine,
    }
    release["built_from"] = fingerprint(members, release)
    text = json.dumps(release, indent=2, ensure_ascii=False) + "\n"
    return sorted([*members, Member("release.json", text.encode())], key=lambda member: member.name)


def fingerprint(members: list[Member], release: Mapping[str, Any]) -> str:
    """Return the hash of all content; the version is not part of it."""
    digest = hashlib.sha256()
    described = {key: value for key, value in release.items() if key != "version"}
    digest.update(json.dumps(described, sort_keys=True).encode())
    for member in sorted(members, key=lambda item: item.name):
        line = f"\n{member.name} {member.executable} {hashlib.sha256(member.data).hexdigest()}"
        digest.update(line.encode())
    return digest.hexdigest()


def pack(members: list[Member]) -> bytes:
    """Return the archive: sorted, no times, no owners, so that the same content gives the same bytes."""
    buffer = io.BytesIO()
    # Wheels are compressed already: a higher level costs time and saves nothing.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=1) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for directory in _directories(members):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.size, info.mode = len(member.data), 0o755 if member.executable else 0o644
            archive.addfile(info, io.BytesIO(member.data))
    return buffer.getvalue()


def _directories(members: list[Member]) -> list[str]:
    found = {"app", "wheels"}
    for member in members:
        found.update(str(parent) for parent in Path(member.name).parents if str(parent) != ".")
    return sorted(found)


def built_from(archive: Path, digest: Path) -> str | None:
    """Return what a complete artefact was built from, or None if it is absent or was left half-written."""
    try:
        data = archive.read_bytes()
        if digest.read_text(encoding="ascii").split()[:1] != [hashlib.sha256(data).hexdigest()]:
            return None
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as content:
            release = content.extractfile("release.json")
            return str(json.load(release)["built_from"]) if release else None
    except (OSError, KeyError, ValueError, tarfile.TarError):
        return None


def build(application: Application, options: Options) -> tuple[Path, str]:
    """Write the artefact; return where it is and what was done: built, unchanged, replaced or kept."""
    archive = options.out / f"{application.name}-{options.version}.tar.gz"
    digest = archive.with_name(archive.name + ".sha256")
    existing = built_from(archive, digest)
    if existing and options.keep:
        return archive, "kept"
    members = collect(application, options)
    wanted = json.loads(next(member.data for member in members if member.name == "release.json"))["built_from"]
    if existing == wanted:
        return archive, "unchanged"
    if existing and not options.force:
        raise ArtefactError(
            f"--version {options.version}: {archive} exists and was built from other content. A version never changes: "
            f"choose a new one, or --force (make artefact FORCE=1) if no host has installed this one yet"
        )
    data = pack(members)
    options.out.mkdir(parents=True, exist_ok=True)
    # The digest goes last: an archive without its digest is a build that was interrupted, and is built again.
    digest.unlink(missing_ok=True)
    write(archive, data)
    write(digest, f"{hashlib.sha256(data).hexdigest()}  {archive.name}\n".encode("ascii"))
    return archive, "replaced" if existing else "built"


def write(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old or the new one, never a part."""
    with _scratch(path) as scratch:
        scratch.write_bytes(data)
        scratch.replace(path)


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)


def parse(arguments: list[str] | None) -> tuple[Path, Options]:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="artefact", description="Pack an application for the role `release`.")
    parser.add_argument("--version", required=True, help="version of the artefact, such as 1.4.2")
    parser.add_argument("--app", type=Path, default=Path("examples/app"), help="directory with artefact.toml")
    parser.add_argument("--pythons", default="", help='Pythons of the hosts, such as "3.11 3.13"; else artefact.toml')
    parser.add_argument("--machine", default="x86_64", choices=MACHINES, help="processor of the hosts")
    parser.add_argument("--out", type=Path, default=Path("dist"), help="where the artefact goes")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "wheels", help="where downloaded wheels stay")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--force", action="store_true", help="replace an artefact of this version with other content")
    choice.add_argument("--keep", action="store_true", help="an artefact of this version that exists stays as it is")
    given = parser.parse_args(arguments)
    pythons = [check_python("--pythons", python) for python in given.pythons.replace(",", " ").split()]
    if not given.app.is_dir():
        raise ArtefactError(f"--app {given.app}: there is no such directory")
    return given.app, Options(
        version=check_version("--version", given.version),
        pythons=tuple(pythons),
        machine=given.machine,
        out=given.out,
        cache=given.cache,
        force=given.force,
        keep=given.keep,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    try:
        directory, options = parse(arguments)
        archive, done = build(read_application(directory), options)
    except ArtefactError as error:
        print(f"artefact: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"artefact: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{archive}  {archive.stat().st_size / 1e6:.1f} MB  {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

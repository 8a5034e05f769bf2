"""The servers of a test run. The applications run as on a host: from an artefact, in its own virtual environment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps import support
from tests.apps.support import DATABASE_PASSWORD, REDIS_PASSWORD, ROOT, Server, notes_server


def install(application: str, directory: Path) -> Path:
    """Build the artefact of an example, unpack it, and install its wheels; return the release."""
    version = "1.2.3"
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    tool = [sys.executable, str(ROOT / "tools/artefact.py"), "--version", version, "--pythons", this]
    run([*tool, "--app", str(ROOT / "examples" / application), "--out", str(directory)])
    release = directory / "release"
    release.mkdir()
    run(["tar", "--extract", "--file", str(next(directory.glob("*.tar.gz"))), "--directory", str(release)])
    run([sys.executable, "-m", "venv", "--without-pip", str(release / "venv")])
    pip = [sys.executable, "-m", "pip", "--python", str(release / "venv/bin/python"), "install", "--quiet"]
    pip += ["--no-compile", "--no-index", "--find-links", str(release / "wheels"), "--require-hashes"]
    run([*pip, "--requirement", str(release / "requirements.txt")])
    return release


def run(command: list[str]) -> str:
    """Run a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def notes_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an installed release of examples/app."""
    return install("app", tmp_path_factory.mktemp("notes"))


@pytest.fixture(scope="session")
def echo_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an installed release of examples/app_asgi."""
    return install("app_asgi", tmp_path_factory.mktemp("echo"))


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run MariaDB."""
    server = support.mariadb(tmp_path_factory.mktemp("mariadb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run Redis."""
    server = support.redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def environment(database: Server, redis: Server) -> dict[str, str]:
    """Return the environment that the role `backend` would give."""
    return {
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": str(database.port),
        "DATABASE_PASSWORD": DATABASE_PASSWORD,
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(redis.port),
        "REDIS_USER": "notes",
        "REDIS_PASSWORD": REDIS_PASSWORD,
        "SECRET_KEY": "a secret that all instances share",
    }


@pytest.fixture(scope="session")
def migrated(notes_release: Path, environment: dict[str, str]) -> str:
    """Run the migration as three hosts at once would; return what all of them said."""
    command = [str(notes_release / "venv/bin/python"), "-m", "notes.migrate"]
    runs = [
        subprocess.Popen(
            command, cwd=notes_release / "app", env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(3)
    ]
    said = [running.communicate(timeout=60)[0].decode() for running in runs]
    assert [running.returncode for running in runs] == [0, 0, 0], said
    return "".join(said)


@pytest.fixture(scope="session")
def notes(
    notes_release: Path, environment: dict[str, str], migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Run the first instance of examples/app."""
    server = notes_server(notes_release, tmp_path_factory.mktemp("backend1"), environment, "backend1")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def second(
    notes_release: Path, environment: dict[str, str], migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Run another instance of examples/app."""
    server = notes_server(notes_release, tmp_path_factory.mktemp("backend2"), environment, "backend2")
    server.start()
    yield server
    server.stop()

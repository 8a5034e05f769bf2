"""What the files of the repository say: about the project alone, and about hosts that every reader can reach."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = {
    "an unfinished thought": re.compile(r"\b(?:TODO|FIXME|XXX)\b"),
    "a folder of one machine": re.compile(r"(?<![\w.~{}$/])/work/"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
URL = re.compile(r"https?://(?:[\w.-]+@)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z]{2,})(?![\w.]*[{}(])")
HOSTS = re.compile(
    r"""
    ([\w-]+\.)*(example(\.(com|net|org))?|test|invalid|internal)
    | (www\.)?(gnu|fsf|spdx|semver|keepachangelog)\.org
    | github\.com | docs\.ansible\.com | nginx\.org | prometheus\.io | grafana\.com | apt\.grafana\.com
    | www\.w3\.org | json-schema\.org
    """,
    re.VERBOSE,
)


def findings(name: str, text: str) -> list[str]:
    """Return what a file must not say, a line each."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        found += [f"{name}:{number}: {what}" for what, pattern in FORBIDDEN.items() if pattern.search(line)]
        found += [f"{name}:{number}: host {host}" for host in URL.findall(line) if not HOSTS.fullmatch(host)]
    return found


def tracked() -> list[Path]:
    """Return the files that are, or would be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    paths = [ROOT / name for name in names if name]
    return [path for path in paths if path.is_file() and path != Path(__file__).resolve()]


def test_no_file_speaks_of_anything_but_the_project() -> None:
    found = []
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if name not in ("COPYING", "LICENSES/GPL-3.0-or-later.txt"):
            found += findings(name, path.read_text(encoding="utf-8", errors="replace"))
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("# TODO: later", "an unfinished thought"),
        ("path: /work/checkout", "a folder of one machine"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
        ("--index-url https://packages.corp.example.io/simple", "host packages.corp.example.io"),
        ("image from https://docker-mirror.somewhere.net/x", "host docker-mirror.somewhere.net"),
    ],
)
def test_what_must_not_be_said_is_seen(line: str, says: str) -> None:
    assert findings("file", line) == [f"file:1: {says}"]


@pytest.mark.parametrize(
    "line",
    [
        "see https://docs.ansible.com/ansible/latest and http://127.0.0.1:8080/work/",
        "url: https://www.example.com/",
        "url: http://{{ ansible_host }}:80/",
        "path: /srv/network/",
    ],
)
def test_what_may_be_said_is_not_seen(line: str) -> None:
    assert findings("file", line) == []

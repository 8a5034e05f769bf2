"""An artefact is examined as a whole, and every way in which it can be wrong is told."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.lookup import artefact

WANTED = artefact.Wanted(name="notes", version="1.0.0", python="3.13")
RELEASE = {"name": "notes", "version": "1.0.0", "python": ["3.11", "3.13"]}
WHEEL_BYTES = 1000


def wheel() -> bytes:
    """Return a wheel whose files take WHEEL_BYTES."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("flask/__init__.py", b"#" * WHEEL_BYTES)
    return stream.getvalue()


def files(**changed: bytes | None) -> dict[str, bytes]:
    """Return the files of a good artefact, with some of them changed or left out."""
    whole: dict[str, bytes | None] = {
        "release.json": json.dumps(RELEASE).encode(),
        "requirements.txt": b"flask==3.0\n",
        "app/notes/__init__.py": b"",
        "wheels/flask-3.0-py3-none-any.whl": wheel(),
        **changed,
    }
    return {name: content for name, content in whole.items() if content is not None}


def build(folder: Path, members: dict[str, bytes], checksum: bool = True) -> Path:
    """Write an artefact and its checksum."""
    path = folder / "notes-1.0.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    if checksum:
        Path(f"{path}.sha256").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    return path


def release(**changed: Any) -> bytes:
    """Return a release.json with some keys changed."""
    return json.dumps({**RELEASE, **changed}).encode()


def test_a_good_artefact_has_no_problems(tmp_path: Path) -> None:
    path = build(tmp_path, files())
    found = artefact.examine(path, WANTED)
    assert found.problems == []
    assert found.release == RELEASE
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_needed_bytes_count_the_wheels_for_this_python_only(tmp_path: Path) -> None:
    other = {
        "wheels/flask-3.0-py3-none-any.whl": None,
        "wheels/flask-3.0-cp311-cp311-manylinux2014_x86_64.whl": wheel(),
    }
    fitting = artefact.examine(build(tmp_path, files()), WANTED)
    foreign = artefact.examine(build(tmp_path, files(**other)), WANTED)
    assert 0.9 * WHEEL_BYTES < fitting.needed_bytes - foreign.needed_bytes < 1.1 * WHEEL_BYTES


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (files(**{"requirements.txt": None}), "it has no requirements.txt"),
        (files(**{"app/notes/__init__.py": None, "release.json": None}), "it has no release.json, no app"),
        (files(**{"release.json": release(version="1.0.1")}), "release_version: 1.0.0 is wanted, but"),
        (files(**{"release.json": release(name="jobs")}), "holds name jobs"),
        (files(**{"release.json": release(python=["3.11"])}), "host has Python 3.13"),
        (files(**{"release.json": release(python=["3.11"])}), "has wheels for 3.11"),
        (files(**{"release.json": release(python=[])}), "has wheels for none"),
        (files(**{"release.json": b"{"}), "is no artefact: "),
        (files(**{"wheels/flask-3.0-py3-none-any.whl": b"no zip"}), "is no artefact: "),
    ],
)
def test_wrong_content_is_told(tmp_path: Path, members: dict[str, bytes], says: str) -> None:
    path = build(tmp_path, members)
    (problem,) = artefact.examine(path, WANTED).problems
    assert says in problem
    assert str(path) in problem


@pytest.mark.parametrize(
    ("of_artefact", "of_host", "problems"),
    [("x86_64", "x86_64", 0), (None, "x86_64", 0), ("x86_64", "", 0), ("x86_64", "aarch64", 1)],
)
def test_wheels_for_another_processor_are_told(
    tmp_path: Path, of_artefact: str | None, of_host: str, problems: int
) -> None:
    path = build(tmp_path, files(**{"release.json": release(machine=of_artefact)}))
    found = artefact.examine(path, artefact.Wanted("notes", "1.0.0", "3.13", machine=of_host)).problems
    assert len(found) == problems
    assert all(f"the host has {of_host}" in problem for problem in found)


def test_all_findings_come_at_once(tmp_path: Path) -> None:
    path = build(tmp_path, files(**{"release.json": release(name="jobs", version="2", python=["3.9"])}))
    assert len(artefact.examine(path, WANTED).problems) == 3


def test_another_checksum_is_refused_with_both_sums(tmp_path: Path) -> None:
    path = build(tmp_path, files())
    wanted = artefact.Wanted("notes", "1.0.0", "3.13", sha256="ab" * 32)
    found = artefact.examine(path, wanted)
    assert found.problems == [f"release_sha256: {path} has sha256 {found.sha256}, but {'ab' * 32} is expected"]


def test_a_changed_file_no_longer_fits_its_checksum(tmp_path: Path) -> None:
    path = build(tmp_path, files())
    with path.open("ab") as stream:
        stream.write(b"x")
    assert "is expected" in artefact.examine(path, WANTED).problems[0]


def test_a_checksum_is_needed(tmp_path: Path) -> None:
    path = build(tmp_path, files(), checksum=False)
    assert artefact.examine(path, WANTED).problems == [
        f"release_sha256 is empty and {path}.sha256 holds no checksum; give one of them"
    ]


def test_a_given_checksum_may_be_written_in_capitals(tmp_path: Path) -> None:
    path = build(tmp_path, files(), checksum=False)
    digest = hashlib.sha256(path.read_bytes()).hexdigest().upper()
    assert artefact.examine(path, artefact.Wanted("notes", "1.0.0", "3.13", sha256=digest)).problems == []


def test_an_absent_artefact_is_told(tmp_path: Path) -> None:
    path = tmp_path / "absent.tar.gz"
    assert artefact.examine(path, WANTED).problems == [
        f"release_artefact: cannot read {path}: No such file or directory"
    ]


def test_a_file_that_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.tar.gz"
    path.write_bytes(b"hello")
    wanted = artefact.Wanted("notes", "1.0.0", "3.13", sha256=hashlib.sha256(b"hello").hexdigest())
    assert "is no artefact: " in artefact.examine(path, wanted).problems[0]


@pytest.mark.parametrize(
    ("wheel_name", "fits"),
    [
        ("flask-3.0-py3-none-any.whl", True),
        ("six-1.17-py2.py3-none-any.whl", True),
        ("x-1-cp313-cp313-manylinux2014_x86_64.whl", True),
        ("x-1-7build-cp313-cp313-manylinux2014_x86_64.whl", True),
        ("x-1-cp39-abi3-manylinux2014_x86_64.whl", True),
        ("x-1-cp311-cp311-manylinux2014_x86_64.whl", False),
        ("x-1-cp3-none-any", False),
        ("notes.txt", False),
    ],
)
def test_a_wheel_suits_a_python(wheel_name: str, fits: bool) -> None:
    assert artefact.suits(f"wheels/{wheel_name}", "3.13") is fits

"""tools/artefact.py, with the real pip and wheels made here: no network."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[3] / "tools/artefact.py"
MANIFEST = """
name = "demo"
interface = "wsgi"
application = "demo.wsgi:app"
python = ["3.11"]
"""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("artefact", TOOL)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["artefact"] = module
    spec.loader.exec_module(module)
    return module


artefact = load()


def wheel(directory: Path, name: str, tag: str = "py3-none-any") -> str:
    """Write a wheel and return its hash."""
    path = directory / f"{name}-1.0-{tag}.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    records = [
        f"{file},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        for file, text in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*records, f"{info}/RECORD,,", ""])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(file), text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Place:
    """An application, the wheels that can be had, and a way to run the tool on them."""

    def __init__(self, directory: Path, cache: Path) -> None:
        self.cache = cache
        self.app = directory / "demo"
        self.wheels = directory / "index"
        self.out = directory / "dist"
        self.source = self.app / "src/demo"
        self.source.mkdir(parents=True)
        self.wheels.mkdir()
        (self.source / "wsgi.py").write_text("app = None\n")
        (self.app / "artefact.toml").write_text(MANIFEST)
        self.lock(gunicorn=("py3-none-any", ""))

    def lock(self, **packages: tuple[str, str]) -> None:
        """Make wheels, and a lock that wants them: name -> (tags, marker)."""
        lines = []
        for name, (tags, marker) in packages.items():
            hashes = " \\\n    ".join(f"--hash=sha256:{wheel(self.wheels, name, tag)}" for tag in tags.split(","))
            lines.append(
                f"{name}==1.0{f' ; {marker}' if marker else ''} \\\n    {hashes}\n    # via -r requirements.in"
            )
        (self.app / "requirements.txt").write_text("# a lock\n" + "\n".join(lines) + "\n")

    def run(self, *arguments: str, version: str = "1.0.0") -> int:
        """Run the tool."""
        places = ["--app", str(self.app), "--out", str(self.out), "--cache", str(self.cache)]
        status: int = artefact.main(["--version", version, *places, *arguments])
        return status

    def archive(self, version: str = "1.0.0") -> Path:
        """Return where the artefact goes."""
        return self.out / f"demo-{version}.tar.gz"

    def names(self, version: str = "1.0.0") -> list[str]:
        """Return the files in the artefact."""
        with tarfile.open(self.archive(version)) as archive:
            return [member.name for member in archive if member.isfile()]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache that the tests share, as a start of pip takes most of their time."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path, cache)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    return made


# --- what is in it -------------------------------------------------------------------------------------------------


def test_the_artefact_holds_the_four_things(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.run() == 0
    assert capsys.readouterr().out.endswith("  built\n")
    assert place.names() == [
        "app/demo/wsgi.py",
        "release.json",
        "requirements.txt",
        "wheels/gunicorn-1.0-py3-none-any.whl",
    ]
    with tarfile.open(place.archive()) as archive:
        content = archive.extractfile("release.json")
        assert content
        release = json.load(content)
        assert {(member.mtime, member.uid, member.gid, member.uname) for member in archive} == {(0, 0, 0, "")}
        assert {member.mode for member in archive if member.isfile()} == {0o644}
    assert len(release.pop("built_from")) == 64
    assert release == {
        "name": "demo",
        "version": "1.0.0",
        "interface": "wsgi",
        "application": "demo.wsgi:app",
        "migrate": None,
        "python": ["3.11"],
        "machine": "x86_64",
    }


def test_sha256sum_accepts_the_digest(place: Place) -> None:
    place.run()
    subprocess.run(["sha256sum", "--check", "--strict", "demo-1.0.0.tar.gz.sha256"], cwd=place.out, check=True)


def test_the_same_content_gives_the_same_bytes(place: Place, tmp_path: Path) -> None:
    place.run()
    first = place.archive().read_bytes()
    (place.source / "wsgi.py").touch()
    (place.source / "wsgi.py").chmod(0o600)
    assert place.run("--out", str(tmp_path / "other")) == 0
    assert (tmp_path / "other/demo-1.0.0.tar.gz").read_bytes() == first


def test_caches_and_hidden_files_stay_out_and_programs_stay_executable(place: Place) -> None:
    for name in (".env", "__pycache__/wsgi.pyc", "old.pyc", ".git/config"):
        path = place.source / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("secret")
    (place.source / "run.sh").write_text("#!/bin/sh\n")
    (place.source / "run.sh").chmod(0o755)
    place.run()
    assert [name for name in place.names() if name.startswith("app/")] == ["app/demo/run.sh", "app/demo/wsgi.py"]
    with tarfile.open(place.archive()) as archive:
        assert archive.getmember("app/demo/run.sh").mode == 0o755


def test_each_python_gets_its_own_wheels_and_no_others(place: Place) -> None:
    fast = "cp311-cp311-manylinux2014_x86_64,cp313-cp313-manylinux_2_28_x86_64,cp312-abi3-manylinux2014_x86_64"
    place.lock(gunicorn=("py3-none-any", ""), fast=(fast, ""))
    place.run("--pythons", "3.11 3.13")
    assert [name for name in place.names() if "fast" in name] == [
        "wheels/fast-1.0-cp311-cp311-manylinux2014_x86_64.whl",
        "wheels/fast-1.0-cp313-cp313-manylinux_2_28_x86_64.whl",
    ]
    place.run("--pythons", "3.13,3.11", version="2")
    assert place.names("2") == place.names()
    place.run("--pythons", "3.11", version="3")
    assert [name for name in place.names("3") if "cp313" in name] == []


@pytest.mark.parametrize(
    ("marker", "wanted"),
    [
        ("python_version >= '3.13'", True),
        ("python_version < '3.11'", False),
        # A host may run 3.11.2 as well as 3.11.14.
        ("python_full_version < '3.11.3'", True),
        ("python_full_version >= '3.13.5'", True),
        ("sys_platform == 'win32'", False),
        ("platform_machine == 'aarch64'", False),
        ("platform_python_implementation == 'PyPy'", False),
    ],
)
def test_markers_are_read_for_the_hosts_python(place: Place, marker: str, wanted: bool) -> None:
    place.lock(gunicorn=("py3-none-any", ""), extra=("py3-none-any", marker))
    place.run("--pythons", "3.11 3.13")
    assert ("wheels/extra-1.0-py3-none-any.whl" in place.names()) is wanted


def test_wheels_are_downloaded_once_per_content(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.run()

    def never(*_: object) -> None:
        raise AssertionError("downloaded again")

    monkeypatch.setattr(artefact, "download", never)
    (place.source / "wsgi.py").write_text("app = 2\n")
    assert place.run(version="1.0.1") == 0
    with pytest.raises(AssertionError, match="downloaded again"):
        place.run("--pythons", "3.12", version="1.0.2")


# --- a version never changes ---------------------------------------------------------------------------------------


def test_an_unchanged_artefact_is_left_alone(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.run()
    before = place.archive().stat().st_mtime_ns
    assert place.run() == 0
    assert capsys.readouterr().out.endswith("  unchanged\n")
    assert place.archive().stat().st_mtime_ns == before


def test_other_content_under_the_same_version_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.run()
    before = place.archive().read_bytes()
    (place.source / "wsgi.py").write_text("app = 2\n")
    assert place.run() == 2
    error = capsys.readouterr().err
    assert "--version 1.0.0" in error and "other content" in error and "--force" in error
    assert place.archive().read_bytes() == before
    assert place.run("--keep") == 0
    assert capsys.readouterr().out.endswith("  kept\n")
    assert place.archive().read_bytes() == before
    assert place.run("--force") == 0
    assert capsys.readouterr().out.endswith("  replaced\n")
    assert place.archive().read_bytes() != before


def cut(place: Place) -> None:
    place.archive().write_bytes(place.archive().read_bytes()[:100])


def forget(place: Place) -> None:
    place.archive().with_name("demo-1.0.0.tar.gz.sha256").unlink()


@pytest.mark.parametrize("damage", [cut, forget])
def test_an_interrupted_build_is_built_again(
    place: Place, damage: Callable[[Place], None], capsys: pytest.CaptureFixture[str]
) -> None:
    place.run()
    whole = place.archive().read_bytes()
    damage(place)
    assert place.run("--keep") == 0
    assert capsys.readouterr().out.endswith("  built\n")
    assert place.archive().read_bytes() == whole
    assert sorted(path.name for path in place.out.iterdir()) == ["demo-1.0.0.tar.gz", "demo-1.0.0.tar.gz.sha256"]


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--version", "1.0/0"], ["--version '1.0/0'", "letters, digits"]),
        (["--version", "../1"], ["--version '../1'"]),
        (["--version", ""], ["--version ''"]),
        (["--version", "1" * 65], ["64 at most"]),
        (["--pythons", "3"], ["--pythons", "'3'", "3.N"]),
        (["--pythons", "3.11.2"], ["'3.11.2'"]),
        (["--app", "/nowhere"], ["--app /nowhere", "no such directory"]),
    ],
)
def test_a_bad_option_is_named(
    place: Place, arguments: list[str], says: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.run(*arguments) == 2
    error = capsys.readouterr().err
    assert all(text in error for text in says), error
    assert not place.out.exists()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"wsgi"', '"fcgi"', "interface 'fcgi'; allowed are wsgi, asgi"),
        ('name = "demo"', 'name = "De mo"', "name 'De mo'"),
        ('name = "demo"', "", "name is required"),
        ("demo.wsgi:app", "demo/wsgi.py", "application 'demo/wsgi.py'"),
        ('["3.11"]', '"3.11"', "python is required, as a list"),
        ('["3.11"]', '["2.7"]', "Python '2.7'"),
        ("python =", "pythons = 1\npython =", "unknown key 'pythons'"),
        ("python =", 'source = "lib"\npython =', "source 'lib' is not a directory inside"),
        ("python =", 'source = "../demo"\npython =', "source '../demo' is not a directory inside"),
        ("name =", "name", "artefact.toml: "),
    ],
)
def test_a_bad_manifest_is_named(
    place: Place, before: str, after: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert before in MANIFEST
    (place.app / "artefact.toml").write_text(MANIFEST.replace(before, after))
    assert place.run() == 2
    assert says in capsys.readouterr().err
    assert not place.out.exists()


@pytest.mark.parametrize(
    ("requirements", "says"),
    [
        (None, "requirements.txt is missing"),
        ("gunicorn==1.0\n", "gunicorn is not pinned with == and --hash=sha256:"),
        ("gunicorn>=1.0 --hash=sha256:aa\n", "gunicorn is not pinned"),
        ("gunicorn==1.* --hash=sha256:aa\n", "gunicorn is not pinned"),
        ("--index-url https://index.example/\n", "option '--index-url'"),
        ("-e .\n", "option '-e'"),
        ("flask==1.0 --hash=sha256:aa\n", "gunicorn is missing"),
        ("=flask\n", "'=flask'"),
    ],
)
def test_a_bad_lock_is_named(
    place: Place, requirements: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place.app / "requirements.txt"
    if requirements is None:
        path.unlink()
    else:
        path.write_text(requirements)
    assert place.run() == 2
    assert says in capsys.readouterr().err
    assert not place.out.exists()


def test_a_python_without_wheels_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.lock(gunicorn=("py3-none-any", ""), fast=("cp311-cp311-manylinux2014_x86_64", ""))
    assert place.run("--pythons", "3.11 3.13") == 2
    error = capsys.readouterr().err
    assert "no wheels for Python 3.13 on x86_64" in error
    assert "fast==1.0" in error
    assert not place.out.exists()
    assert [path.name for path in place.cache.iterdir() if path.name.startswith(".new-")] == []


def test_a_wheel_with_another_hash_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    digest = hashlib.sha256(b"other").hexdigest()
    (place.app / "requirements.txt").write_text(f"gunicorn==1.0 --hash=sha256:{digest}\n")
    assert place.run() == 2
    assert "HASHES" in capsys.readouterr().err.upper()


def test_a_symbolic_link_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    (place.source / "passwd").symlink_to("/etc/passwd")
    assert place.run() == 2
    assert "passwd is a symbolic link" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.out.write_text("a file")
    assert place.run() == 1
    assert str(place.out) in capsys.readouterr().err

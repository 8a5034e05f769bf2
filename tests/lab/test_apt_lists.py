"""What the machines' lists of packages hold: all that a role or a test installs there, and what that needs."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.contract import reading
from tools.lab.image import RECIPE, ROOTFS
from tools.lab.state import ROOT

FOLDERS = ("roles", "playbooks", "molecule", "lab", "tests/nginx", "tests/rollouts", "tests/site")
# The ways in which packages are named: a file, and a name in it.
WAYS = (
    ("roles/redis/vars/main.yml", "redis-server"),
    ("roles/nginx/vars/main.yml", "logrotate"),
    ("roles/prometheus/vars/main.yml", "promtool"),
    ("roles/exporter/vars/node.yml", "prometheus-node-exporter"),
    ("roles/mysql/tasks/install.yml", "python3-pymysql"),
    ("roles/access_log_metrics/tasks/install.yml", "mtail"),
    ("molecule/exporter/tasks/prepare.yml", "nginx-light"),
    ("molecule/grafana/files/standin/DEBIAN/control", "adduser"),
    ("tests/rollouts/faults/rows/hosts.py", "nftables"),
)
# What comes from a repository of its own.
FOREIGN = {"grafana"}
MODULES = {"ansible.builtin.apt", "ansible.builtin.package", "apt", "package"}
# In a value: of a variable called *_package or *_packages, or of an attribute called package.
VARIABLE = re.compile(r"\b(\w+_packages?)\b")
ATTRIBUTE = "map(attribute='package')"
SUBSCRIPT = re.compile(r"(?<=\w)\['[^']*'\]")
WORD = re.compile(r"[a-z0-9][a-z0-9+.-]+")
TYPED = re.compile(r"\bapt-get (?:-\S+ )*install ([^>|&\n\"')]*)")
PACKAGES = """Package: web
Depends: library (>= 1), one | other, mail-agent
Description: a server

Package: library
Pre-Depends: deep:any

Package: deep

Package: one

Package: other

Package: exim
Provides: mail-agent (= 1), something

Package: unwanted
Depends: web
"""
RELEASE = """Suite: stable
SHA256:
 00 12 main/binary-amd64/Packages
 00 9 main/binary-amd64/Packages.xz
 00 7 main/other
"""


@pytest.fixture(name="lists")
def lists_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    source = ROOTFS / "usr/lib/python3/dist-packages/lab_apt_lists.py"
    spec = importlib.util.spec_from_file_location("lab_apt_lists", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "status").write_text("Package: installed\nDepends: other\n")
    monkeypatch.setattr(module, "LISTS", tmp_path)
    monkeypatch.setattr(module, "STATUS", tmp_path / "status")
    return module


def left(folder: Path) -> set[str]:
    return set(re.findall(r"^Package: (.*)$", (folder / "main_Packages").read_text(), re.MULTILINE))


def test_what_is_wanted_stays_with_all_that_it_may_need(lists: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "main_Packages").write_text(PACKAGES)
    lists.main(["web", "unknown"])
    assert left(tmp_path) == {"web", "library", "deep", "one", "other", "exim"}
    assert (tmp_path / "main_Packages").read_text().startswith(PACKAGES[: PACKAGES.index("Package: library")])


def test_what_is_installed_stays(lists: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "main_Packages").write_text(PACKAGES + "\nPackage: installed\nDepends: one\n")
    lists.main([])
    assert left(tmp_path) == {"installed", "one"}


def test_apt_is_not_told_that_it_has_a_list_already(lists: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "main_Packages").write_text(PACKAGES)
    release = tmp_path / "main_InRelease"
    release.write_text(RELEASE)
    lists.main(["web"])
    assert release.read_text() == "Suite: stable\nSHA256:\n 00 7 main/other\n"
    assert {path.stat().st_mtime for path in tmp_path.iterdir()} == {lists.OLD}


def test_lists_that_cannot_be_read_fail_the_build(lists: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "main_Packages.lz4").touch()
    with pytest.raises(SystemExit, match="no list of packages"):
        lists.main(["web"])


# -------------------------------------------------------------------------------------- what is installed by name


def known() -> set[str]:
    recipe = json.loads(RECIPE.read_text())
    return {*recipe["packages"], *recipe["known_packages"]} | FOREIGN


def words(value: Any) -> Iterator[str]:
    """Yield each word that a value can become: of an expression, what stands before it and its strings."""
    if isinstance(value, list):
        for item in value:
            yield from words(item)
    elif "{{" in value:
        value = SUBSCRIPT.sub("", value)
        yield from WORD.findall(" ".join([value.partition("{{")[0], *re.findall(r"'([^']*)'", value)]))
    else:
        yield value


def variables(root: Path) -> dict[str, set[str]]:
    """Return the packages that variables of roles name; those of an attribute are under its name."""
    found: dict[str, set[str]] = {"package": set()}

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                if name == "package" or VARIABLE.fullmatch(name):
                    found.setdefault(name, set()).update(words(item))
                walk(item)

    for role in reading.roles(root):
        for path in reading.yaml_files(role, "vars", "defaults"):
            walk(reading.load(path))
    return found


def installed_by(task: dict[str, Any], by_variable: dict[str, set[str]]) -> Iterator[str]:
    """Yield the packages that a task installs by name; it is an error when that cannot be told."""
    for module in MODULES & task.keys():
        value = task[module].get("name", task[module].get("pkg", []))
        for name in value if isinstance(value, list) else [value]:
            if "{{" not in name:
                yield name
                continue
            used = [match for match in VARIABLE.findall(name) if match in by_variable]
            used += ["package"] if ATTRIBUTE in name else []
            assert used, f"{task.get('name')}: which packages is {name}?"
            for variable in used:
                yield from by_variable[variable]


def typed(path: Path) -> Iterator[str]:
    """Yield the packages that a file has installed by apt-get, or that a package of ours needs."""
    text = path.read_text()
    for arguments in TYPED.findall(text):
        yield from (word for word in arguments.split() if WORD.fullmatch(word))
    if path.parent.name == "DEBIAN" and path.name == "control":
        yield from re.findall(WORD, " ".join(re.findall(r"^(?:Pre-)?Depends: (.*)$", text, re.MULTILINE)))


def everything_installed(root: Path) -> set[str]:
    by_variable = variables(root)
    found: set[str] = set()
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.suffix in ("", ".py", ".sh", ".yml", ".j2") and path.is_file():
                found.update(typed(path))
            if path.suffix == ".yml" and re.search("apt:|package:", path.read_text()):
                content = reading.load(path)
                tasks = list(reading.tasks_in(content)) if isinstance(content, list) else []
                for play in list(tasks):
                    for section in ("pre_tasks", "tasks", "post_tasks", "handlers"):
                        tasks += reading.tasks_in(play.get(section))
                for task in tasks:
                    found.update(installed_by(task, by_variable))
    return found


def test_the_lists_hold_each_package_that_is_installed_by_name() -> None:
    found = everything_installed(ROOT)
    assert found - known() == set(), "add them to known_packages of lab/image.json"


def test_a_package_that_is_new_anywhere_is_missed(tmp_path: Path) -> None:
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for number, (path, old) in enumerate(WAYS):
        text = (tmp_path / path).read_text()
        assert old in text
        (tmp_path / path).write_text(text.replace(old, f"new-{number}"))
    assert everything_installed(tmp_path) - known() == {f"new-{number}" for number in range(len(WAYS))}


def test_a_name_that_nobody_can_read_is_an_error() -> None:
    task = {"name": "Install", "ansible.builtin.apt": {"name": "{{ secret }}"}}
    with pytest.raises(AssertionError, match="which packages is"):
        list(installed_by(task, {}))

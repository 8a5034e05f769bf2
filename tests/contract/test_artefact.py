"""The built artefact holds exactly what users need, and works where it is installed."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = re.compile(
    r"""
    (MANIFEST|FILES)\.json | galaxy\.yml | meta/runtime\.yml | requirements\.yml
    | README\.md | CONTRIBUTING\.md | CHANGELOG\.md | COPYING | LICENSES/[\w.-]+\.txt
    | changelogs/(changelog|config)\.yaml | changelogs/fragments/[\w.-]+\.yml
    | docs/[\w./-]+\.(md|svg|png)
    | inventories/example/[\w./-]+\.(yml|md)
    | playbooks/\w+\.yml
    | plugins/(action|callback|doc_fragments|filter|lookup|modules|test)/\w+\.py
    | plugins/module_utils/_\w+/[\w/]+\.py
    | roles/\w+/(README\.md|(defaults|handlers|meta|tasks|vars)/\w+\.yml|(files|templates)/[\w./-]+)
    | tests/config\.yml | tests/sanity/ignore-[\d.]+\.txt
    | tests/unit/requirements\.txt | tests/unit/conftest\.py | tests/unit/plugins/[\w./-]+
    """,
    re.VERBOSE,
)
NEEDED = (
    "COPYING",
    "LICENSES/GPL-3.0-or-later.txt",
    "README.md",
    "inventories/example/hosts.yml",
    "meta/runtime.yml",
    "playbooks/site.yml",
    "plugins/action/known_variables.py",
    "tests/config.yml",
    "tests/unit/plugins/action/test_known_variables.py",
)


def unexpected(names: Iterable[str]) -> list[str]:
    """Return the files that do not belong into the artefact."""
    return [name for name in names if not ALLOWED.fullmatch(name) or name.endswith((".pyc", ".log", ".orig"))]


def run(*command: str, cwd: Path) -> str:
    """Run a command away from the checkout and its settings; return what it printed."""
    away = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**away, "ANSIBLE_COLLECTIONS_PATH": str(cwd), "ANSIBLE_HOME": str(cwd / "home"), "ANSIBLE_NOCOLOR": "1"},
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, built from the checkout as it is."""
    folder = tmp_path_factory.mktemp("artefact")
    run("ansible-galaxy", "collection", "build", "--output-path", str(folder), str(ROOT), cwd=folder)
    (archive,) = folder.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="session")
def installed(artefact: Path) -> Path:
    """The folder of the collection that was installed from the archive, beside the collections it depends on."""
    folder = artefact.parent
    for name in yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["dependencies"]:
        place = Path("ansible_collections", *name.split("."))
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).symlink_to(ROOT / "collections" / place)
    run(
        "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        "--no-deps",
        "-p",
        str(folder),
        str(artefact),
        cwd=folder,
    )
    return folder / "ansible_collections/evenkeel/web"


def test_the_artefact_holds_exactly_the_allowed_files(artefact: Path) -> None:
    with tarfile.open(artefact) as archive:
        names = [member.name for member in archive if not member.isdir()]
    found = unexpected(names)
    assert not found, "\n".join(["", *found])
    assert [name for name in NEEDED if name not in names] == []


@pytest.mark.parametrize(
    "name",
    [
        ".gitignore",
        "Makefile",
        "ansible.cfg",
        "collections/ansible_collections/evenkeel/web",
        "examples/app/artefact.toml",
        "inventories/local/hosts.yml",
        "lab/create.yml",
        "molecule/nginx/molecule.yml",
        "playbooks/site.retry",
        "plugins/modules/__pycache__/known_variables.cpython-311.pyc",
        "roles/nginx/tasks/main.yml.orig",
        "secret.key",
        "site.yml",
        "tests/contract/test_rules.py",
        "tools/test",
    ],
)
def test_a_file_that_does_not_belong_into_the_artefact_is_seen(name: str) -> None:
    assert unexpected([name]) == [name]


def test_the_installed_site_is_read_with_the_example_inventory(installed: Path) -> None:
    inventory = installed / "inventories/example"
    away = installed.parents[2]
    output = run("ansible-playbook", "--syntax-check", "-i", str(inventory), "evenkeel.web.site", cwd=away)
    assert "evenkeel/web/playbooks/site.yml" in output


def test_the_installed_roles_are_documented(installed: Path) -> None:
    names = sorted(path.name for path in (installed / "roles").iterdir())
    output = run("ansible-doc", "-t", "role", "-l", "evenkeel.web", cwd=installed.parents[2])
    assert [name for name in names if f"evenkeel.web.{name}" not in output] == []

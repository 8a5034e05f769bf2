"""The version of the inventory is text, also where YAML has read a number."""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.contract.test_inventories import run

HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
FACTS = {"ansible_distribution": "Debian", "ansible_distribution_release": "trixie", "cacheable": True}
# The days of three releases, the oldest first.
RELEASES = ("20261127", "20261128", "20261129")


def release(folder: Path, tasks_from: str, version: t.Any, **facts: t.Any) -> tuple[int, str]:
    """Run a task file of the role on the controller; facts: what is known of the host."""
    apply = {"name": "evenkeel.web.release", "tasks_from": tasks_from}
    tasks = [{"ansible.builtin.set_fact": {**FACTS, **facts}}, {"ansible.builtin.import_role": apply}]
    given = {
        "release_name": "notes",
        "release_version": version,
        "release_artefact": f"{folder}/notes.tar.gz",
        "release_path": str(folder),
        "release_keep_releases": 1,
    }
    play = {"name": "Apply", "hosts": "app1", "gather_facts": False, "vars": given, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"app1": HERE}}}))
    code, output = run("ansible-playbook", "-i", str(folder / "hosts.yml"), str(folder / "play.yml"))
    return code, " ".join(output.split())


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The directory of an application whose newest release runs."""
    for age, version in enumerate(reversed(RELEASES)):
        (tmp_path / "releases" / version).mkdir(parents=True)
        (tmp_path / "releases" / version / ".complete").touch()
        os.utime(tmp_path / "releases" / version / ".complete", (1e9 - age, 1e9 - age))
    (tmp_path / "current").symlink_to(f"releases/{RELEASES[-1]}")
    return tmp_path


@pytest.mark.parametrize(("version", "told"), [(20261129, False), ("20261129", False), (20261128, True)])
def test_a_version_of_digits_is_no_drift(version: t.Any, told: bool, installed: Path) -> None:
    code, output = release(installed, "preflight", version)
    assert code == 0, output
    assert ("release drift: app1 runs 20261129" in output) == told


def test_a_version_of_digits_is_kept_while_it_is_wanted(installed: Path) -> None:
    code, output = release(installed, "prune", int(RELEASES[0]))
    assert code == 0, output
    assert sorted(path.name for path in (installed / "releases").iterdir()) == ["20261127", "20261129"]


@pytest.mark.parametrize(
    ("tasks_from", "facts"),
    [("preflight", {}), ("prepare", {"__evenkeel_to": "1.1", "__evenkeel_release": {"complete": ["1.1"]}})],
    ids=["first install", "a deploy of what is staged"],
)
def test_a_version_that_has_lost_its_last_zero_is_refused(
    tasks_from: str, facts: dict[str, t.Any], tmp_path: Path
) -> None:
    code, output = release(tmp_path, tasks_from, 1.10, **facts)
    assert code == 2, output
    assert "release_version is the number 1.1, and 1.10 would be 1.1; quote it where it is set" in output


def test_a_rollout_to_another_version_does_not_mind(tmp_path: Path) -> None:
    facts = {"__evenkeel_to": "1.0.0", "__evenkeel_release": {"complete": ["1.0.0"]}, "__evenkeel_migrates": True}
    code, output = release(tmp_path, "prepare", 1.10, **facts)
    assert code == 0, output

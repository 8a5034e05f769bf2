"""The action is run by ansible-playbook on localhost, in a throw-away collection that has nothing else."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest
import yaml
from ansible_collections.evenkeel.web.tests.unit.plugins.action.support import run

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
EVENTS = [{"at": 1.5, "event": "locked"}, {"at": 2.5, "event": "unlocked", "text": "é"}]
SUMMARY = {"outcome": "succeeded", "message": "deploy of 2.0.0 succeeded", "events": EVENTS}


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Path:
    collection = tmp_path / "collections/ansible_collections/evenkeel/web"
    for kind in ("action", "modules"):
        (collection / "plugins" / kind).mkdir(parents=True)
        shutil.copy(PLUGINS / kind / "rollout_report.py", collection / "plugins" / kind)
    shutil.copytree(PLUGINS / "module_utils", collection / "plugins/module_utils")
    return tmp_path


def report(site: Path, path: Path, *options: str, **changes: object) -> tuple[int, str]:
    """Write a report; return exit code and output."""
    arguments = {"path": str(path), "summary": SUMMARY, "timeline": "<svg/>\n", **changes}
    tasks = [{"name": "Report", "evenkeel.web.rollout_report": arguments}]
    play = [{"name": "Report", "hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (site / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    code, said = run(site, "-i", "localhost,", *options)
    return code, " ".join(said.split())


def test_it_writes_three_files_that_all_may_read_and_changes_nothing_again(site: Path) -> None:
    path = site / "rollouts/20261128-0522-1234"
    code, said = report(site, path)
    assert code == 0, said
    assert "changed=1" in said
    assert {file.name for file in path.iterdir()} == {"rollout.json", "journal.jsonl", "timeline.svg"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()} == {0o644}
    assert json.loads((path / "rollout.json").read_text()) == SUMMARY
    assert [json.loads(line) for line in (path / "journal.jsonl").read_text().splitlines()] == EVENTS
    assert (path / "timeline.svg").read_text() == "<svg/>\n"
    code, said = report(site, path)
    assert (code, "changed=0" in said) == (0, True), said


def test_check_mode_writes_nothing(site: Path) -> None:
    code, said = report(site, site / "rollouts/run", "--check")
    assert (code, "changed=1" in said) == (0, True), said
    assert not (site / "rollouts").exists()


def test_a_directory_that_cannot_be_made_is_named(site: Path) -> None:
    (site / "rollouts").write_text("a file")
    code, said = report(site, site / "rollouts/run")
    assert code == 2
    assert f"path: {site}/rollouts/run cannot be written: Not a directory" in said


def test_a_summary_is_needed(site: Path) -> None:
    code, said = report(site, site / "rollouts/run", summary=None)
    assert code == 2
    assert "summary" in said
    assert not (site / "rollouts").exists()

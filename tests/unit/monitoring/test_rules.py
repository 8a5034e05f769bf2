"""Every alert has a test, severity and text; promtool runs those tests in the scenario prometheus."""

from __future__ import annotations

import re
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
RULES = HERE.parent.parent.parent / "roles/prometheus/files/rules/evenkeel.yml"
TESTS = HERE / "rules_test.yml"


def rules() -> list[dict[str, t.Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, t.Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def test_every_alert_is_seen_firing_in_a_test() -> None:
    cases = [
        case
        for group in yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
        for case in group.get("alert_rule_test", [])
    ]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(alerts())


def test_every_alert_says_how_bad_it_is_what_it_is_and_what_to_do() -> None:
    for name, alert in alerts().items():
        assert alert["labels"]["severity"] in ("critical", "warning"), name
        assert set(alert["annotations"]) == {"summary", "action"}, name
        assert alert["for"], name


def test_every_recording_rule_is_used_by_the_page() -> None:
    page = (RULES.parent.parent / "consoles/evenkeel.html").read_text(encoding="utf-8")
    assert [rule["record"] for rule in rules() if "record" in rule and rule["record"] not in page] == []


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = (RULES.parent.parent / "consoles/evenkeel.html").read_text(encoding="utf-8")
    assert re.findall(r"https?://|<script|<link|src=|url\(", page) == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed here")
def test_promtool_runs_the_tests() -> None:
    result = subprocess.run(["promtool", "test", "rules", str(TESTS)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr

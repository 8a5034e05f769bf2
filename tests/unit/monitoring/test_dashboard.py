"""The dashboards are what their program writes, and what Grafana and an operator need of them."""

from __future__ import annotations

import json
import re
import typing as t
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import metrics

from tests.integration import dashboard_queries
from tools import dashboard

BOARDS = sorted(dashboard_queries.DASHBOARDS.glob("*.json"))


def panels(board: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(board: dict[str, t.Any]) -> list[str]:
    return [target["expr"] for panel in panels(board) for target in panel["targets"]]


def findings(board: dict[str, t.Any]) -> list[str]:
    """Return what is wrong with a dashboard."""
    told = []
    if board["schemaVersion"] < 39:
        told.append(f"schemaVersion {board['schemaVersion']} is old")
    variables = {variable["name"] for variable in board["templating"]["list"]}
    for panel in panels(board):
        where = panel["title"] or f"panel {panel['id']}"
        told += [f"{where}: no {key}" for key in ("title", "description") if not panel.get(key)]
        told += [f"{where}: no unit"] * (not panel["fieldConfig"]["defaults"].get("unit"))
        told += [f"{where}: a data source of its own"] * (panel["datasource"]["uid"] != "${datasource}")
        for target in panel["targets"]:
            told += [f"{where}: {problem}" for problem in query_findings(target["expr"], variables)]
    ids = Counter(panel["id"] for panel in board["panels"])
    return [*told, *(f"id {number} is used twice" for number, times in ids.items() if times > 1)]


def query_findings(text: str, variables: set[str]) -> list[str]:
    """Return what is wrong with a query."""
    ranges = [f"range [{found}] is fixed" for found in re.findall(r"\[([^\]]*)\]", text) if found != "$__rate_interval"]
    bare = re.sub(r"rate\([^)]*\)", "", text)
    counters = [f"{name} is a counter without a rate" for name in re.findall(r"\w+_total", bare)]
    names = set(re.findall(r"\$\{?(\w+)", text)) - variables - {"__rate_interval"}
    return [*ranges, *counters, *(f"${name} is no variable" for name in names)]


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.name)
def test_nothing_is_wrong_with_a_dashboard(path: Path) -> None:
    assert findings(json.loads(path.read_text(encoding="utf-8"))) == []


def test_the_dashboard_is_what_its_program_writes() -> None:
    assert dashboard.main(["--check"]) == 0


def test_panels_do_not_overlap() -> None:
    cells = Counter(
        (x, y)
        for panel in dashboard.dashboard()["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    )
    assert max(cells.values()) == 1
    assert max(x for x, _ in cells) < dashboard.COLUMNS


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"title": ""}, "no title"),
        ({"description": ""}, "no description"),
        ({"fieldConfig": {"defaults": {}}}, "no unit"),
        ({"datasource": {"uid": "abc"}}, "a data source of its own"),
        ({"id": 1}, "used twice"),
        ({"targets": [{"expr": "rate(x_total[5m])"}]}, "[5m] is fixed"),
        ({"targets": [{"expr": "sum(x_total)"}]}, "x_total is a counter without a rate"),
        ({"targets": [{"expr": 'up{job="$job"}'}]}, "$job is no variable"),
    ],
)
def test_the_lint_sees_a_fault(change: dict[str, t.Any], told: str) -> None:
    board = dashboard.dashboard()
    panels(board)[0].update(change)
    assert any(told in finding for finding in findings(board))


def test_rollouts_are_marked_by_metrics_that_they_write() -> None:
    marks = dashboard.dashboard()["annotations"]["list"]
    names = [re.findall(r"evenkeel_\w+", mark["expr"]) for mark in marks]
    assert len(marks) == 2 and all(len(found) == 1 and found[0] in metrics.HELP for found in names)
    lock = {"taken": 1.0, "verb": "deploy", "version": "2.0.0"}
    text = metrics.text(
        "backends", lock, {"verb": "deploy", "version": "1.0.0", "outcome": "succeeded", "finished": 0.5}
    )
    for (name,), mark in zip(names, marks, strict=True):
        (labels,) = re.findall(rf"^{name}\{{(.*)\}}", text, re.MULTILINE)
        known = set(re.findall(r"(\w+)=", labels))
        told = set(re.findall(r"\{\{(\w+)\}\}", mark["titleFormat"] + mark["textFormat"]))
        (by,) = re.findall(r"by \(([^)]*)\)", mark["expr"])
        assert told <= set(by.split(", ")) <= known


def test_variables_are_replaced_before_a_query_is_run() -> None:
    text = 'rate(x_total{vhost=~"$vhost", upstream=~"${upstream}"}[$__rate_interval])'
    assert dashboard_queries.substituted(text) == 'rate(x_total{vhost=~".*", upstream=~".*"}[1m])'


def test_every_query_of_every_dashboard_is_run() -> None:
    found = [query for path in BOARDS for query in dashboard_queries.queries(path)]
    assert len(found) == sum(len(expressions(json.loads(path.read_text(encoding="utf-8")))) for path in BOARDS) > 0


def test_an_unreachable_prometheus_fails_every_query(capsys: pytest.CaptureFixture[str]) -> None:
    assert dashboard_queries.main(["http://127.0.0.1:1/prometheus"]) == 1
    assert "no answer" in capsys.readouterr().out

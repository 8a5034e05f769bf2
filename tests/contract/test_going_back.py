"""Going back stops where it does not help, and where fewer than rollout_min_healthy would serve meanwhile."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.contract.test_inventories import ROOT, value

VARIABLES = f"@{ROOT / 'roles/rollout/vars/main.yml'}"
# b1 is to go back; b2 and b3 are the others.
PLAN = {"names": ["b1", "b2", "b3"], "backups": [], "skipped": {}, "min_healthy": 2}


@pytest.mark.parametrize(
    ("stuck", "state", "plan", "stays"),
    [
        pytest.param([], {"revert": ["b1"]}, {}, False, id="enough serve"),
        pytest.param(["b2"], {"revert": ["b1"]}, {}, True, id="one is stuck"),
        pytest.param([], {"revert": ["b1"]}, {"skipped": {"b3": "held by ops"}}, True, id="one is held by another"),
        pytest.param([], {"revert": ["b1"]}, {"backups": ["b3"]}, True, id="one is a backup"),
        pytest.param(["b2"], {"revert": ["b1"], "watching": ["b1"]}, {}, False, id="b1 itself does badly"),
        pytest.param(["b2"], {"revert": ["b2", "b1"]}, {"min_healthy": 1}, True, id="b2 went back and is not well"),
    ],
)
def test_a_host_stays_as_it_is(stuck: list[str], state: dict[str, t.Any], plan: dict[str, t.Any], stays: bool) -> None:
    given = {
        "__rollout_state": {"watching": [], **state},
        "__rollout_plan": {**PLAN, **plan},
        "__rollout_stuck": stuck,
        "__rollout_foreign": [],
    }
    options = ("-e", VARIABLES, "-e", json.dumps(given))
    assert value(Path("b1,"), "b1", "__rollout_stays", *options) is stays

"""Going back stops where it does not help, and where fewer than rollout_min_healthy would serve meanwhile."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.going_back import against

# b1 is to go back; b2 and b3 are the others.
PLAN = {"names": ["b1", "b2", "b3"], "backups": [], "skipped": {}, "min_healthy": 2}
TOO_FEW = "fewer than 2 would serve (rollout_min_healthy)"
WORSE = "b2 is not healthy with the release before either"


@pytest.mark.parametrize(
    ("known", "state", "plan", "told"),
    [
        pytest.param({}, {}, {}, "", id="enough serve"),
        pytest.param({"stuck": ["b2"]}, {}, {}, TOO_FEW, id="one is stuck"),
        pytest.param({"foreign": ["b3"]}, {}, {}, TOO_FEW, id="somebody has taken one out"),
        pytest.param({}, {}, {"skipped": {"b3": "held by ops"}}, TOO_FEW, id="one is held by another"),
        pytest.param({}, {}, {"backups": ["b3"]}, TOO_FEW, id="one is a backup"),
        pytest.param({"stuck": ["b2"]}, {"watching": ["b1"]}, {}, "", id="b1 itself does badly"),
        pytest.param(
            {"stuck": ["b2"]}, {"revert": ["b2", "b1"]}, {"min_healthy": 1}, WORSE, id="b2 went back, and is ill"
        ),
    ],
)
def test_why_a_host_stays_as_it_is(
    known: dict[str, t.Any], state: dict[str, t.Any], plan: dict[str, t.Any], told: str
) -> None:
    asked = {"stuck": [], "foreign": [], **known}
    assert against({**PLAN, **plan}, {"watching": [], "revert": ["b1"], **state}, ["b1"], **asked) == told

"""The reason of a hold, which the role writes, is what the plan of a later run reads."""

from __future__ import annotations

import typing as t

import jinja2
import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import plan, words

from tests.contract.reading import load
from tests.contract.test_inventories import ROOT

REASON = load(ROOT / "roles/rollout/vars/main.yml")["__rollout_reason"]


@pytest.mark.parametrize(
    "about",
    [
        {"verb": "deploy", "version": "2.0.0"},
        {"verb": "rollback", "version": ""},
        {"verb": "rollback", "version": "1.0.0"},
        {"verb": "restart", "version": ""},
    ],
)
def test_the_plan_knows_what_a_hold_is_for(about: dict[str, t.Any]) -> None:
    run = "20261128-0522-ab12"
    template = jinja2.Template(REASON, undefined=jinja2.StrictUndefined)
    said = template.render(rollout_verb=about["verb"], __rollout_plan=about, __rollout_run=run)
    assert said == f"{words.subject(about)}{plan.RUN}{run}"

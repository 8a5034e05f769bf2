"""Plans of the sample site, with nothing or with something against them."""

from __future__ import annotations

import typing as t

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import plan
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample


def make(**changes: t.Any) -> dict[str, t.Any]:
    """Return a plan that nothing speaks against."""
    found = plan.make(sample.request(**changes))
    assert found["findings"] == []
    return found


def refused(**changes: t.Any) -> list[str]:
    """Return what speaks against a plan."""
    found: list[str] = plan.make(sample.request(**changes))["findings"]
    return found


def fleet(*members: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return list(members)

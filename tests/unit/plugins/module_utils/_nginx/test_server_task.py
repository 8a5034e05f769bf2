"""What nginx_upstream_server tells of a server."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import server_task
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drainer import Drained
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import BY_HAND, Server, Upstream


@pytest.mark.parametrize(("down", "state", "owners"), [(True, "drained", [BY_HAND]), (False, "enabled", [])])
def test_a_server_that_is_down_in_a_file_of_others_is_held_by_hand(down: bool, state: str, owners: list[str]) -> None:
    selection: t.Any = types.SimpleNamespace(addresses={"10.0.0.1:80"})
    site: t.Any = types.SimpleNamespace(name="app")
    decision = server_task.Decision(selection, [(site, Upstream("app", (Server("10.0.0.1:80", down=down),)))])
    (told,) = server_task._describe(decision, {"state": "enabled"}, Drained())
    assert (told["state"], [hold["owner"] for hold in told["holds"]]) == (state, owners)

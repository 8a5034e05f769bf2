"""The filters of a rollout: what playbooks see."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.filter import (
    rollout_cut,
    rollout_events,
    rollout_failure,
    rollout_logs,
    rollout_members,
    rollout_plan,
    rollout_rotated,
    rollout_sentence,
    rollout_status,
    rollout_summary,
    rollout_table,
    rollout_timeline,
    rollout_views,
    timeout_findings,
)
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import inputs, plan, timeouts
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.sentence import sentence
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample

MODULES = [
    rollout_cut,
    rollout_events,
    rollout_failure,
    rollout_logs,
    rollout_members,
    rollout_plan,
    rollout_rotated,
    rollout_sentence,
    rollout_status,
    rollout_summary,
    rollout_table,
    rollout_timeline,
    rollout_views,
    timeout_findings,
]
HOSTVARS: dict[str, dict[str, t.Any]] = {"backend1": {"ansible_host": "10.0.0.1"}, "backend2": {"ansible_host": "name"}}
PLAN = plan.make(sample.request())
READ = {"position": {}, "total": {}, "servers": [], "seconds": [], "lines": 0, "unreadable": 0}
ROTATED = {"drain": {"seconds": 1.0, "waiting": {"10.0.0.1:5000": [{}]}}, "reload": {"performed": False}}
MONITOR = sample.OPTIONS["monitor"]
STATE: dict[str, t.Any] = {"watching": ["backend1"], "holding": ["backend2"], "cut": [], "foreign": {}}
LOCKED = [{"groups": {"eu": {"lock": {"run": "r1"}}}}]
VIEWED: tuple[t.Any, t.Any, t.Any, t.Any] = (["lb1"], [{"live": "same"}], [{"targets": []}], LOCKED)
SHARED = {"backends": ["backend1"], "eu": ["backend1"]}


def the_filter(module: t.Any) -> t.Any:
    """Return the filter as Ansible finds it."""
    (found,) = module.FilterModule().filters().values()
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.rpartition(".")[2])
def test_a_filter_has_the_name_of_its_file(module: t.Any) -> None:
    assert list(module.FilterModule().filters()) == [module.__name__.rpartition(".")[2]]


# A number is a text where it comes from the command line or a template.
@pytest.mark.parametrize(
    ("module", "given", "expected"),
    [
        (rollout_plan, (sample.request(),), PLAN),
        (
            rollout_members,
            (["backend1"], HOSTVARS, "5000", ["backend1"], "8080"),
            inputs.members(["backend1"], HOSTVARS, 5000, ["backend1"], 8080),
        ),
        (rollout_views, (*VIEWED, "backends"), inputs.views(*VIEWED, "backends", {})),
        (rollout_views, (*VIEWED, "backends", SHARED), inputs.views(*VIEWED, "backends", SHARED)),
        (rollout_rotated, (["lb1"], [ROTATED], "1000.5"), inputs.rotated(["lb1"], [ROTATED], 1000.5)),
        (
            rollout_cut,
            ({"lb1": {"10.0.0.1:5000": [{}]}}, {"backend1": "10.0.0.1:5000"}),
            inputs.cut({"lb1": {"10.0.0.1:5000": [{}]}}, {"backend1": "10.0.0.1:5000"}),
        ),
        (
            rollout_events,
            (["backend1"], "held", PLAN, "5.5", "why"),
            inputs.events(["backend1"], "held", PLAN, 5.5, "why"),
        ),
        (rollout_logs, (["lb1"], [READ], {"lb1": 0.5}), inputs.logs(["lb1"], [READ], {"lb1": 0.5})),
        (
            rollout_sentence,
            (PLAN, STATE, [], [{"targets": []}], MONITOR, "pause", ["backend1"], "7"),
            sentence(PLAN, STATE, [], [{"targets": []}], MONITOR, "pause", ["backend1"], 7.0),
        ),
        (rollout_failure, ({"msg": "bad"}, "Start it"), "Start it: bad"),
        (
            timeout_findings,
            ({"backend_graceful_timeout": 30, "backend_stop_timeout": 5},),
            timeouts.findings({"backend_graceful_timeout": 30, "backend_stop_timeout": 5}),
        ),
    ],
    ids=lambda value: value.__name__.rpartition(".")[2] if hasattr(value, "__name__") else "",
)
def test_a_filter_returns_what_the_core_does(module: t.Any, given: tuple[t.Any, ...], expected: t.Any) -> None:
    assert expected, "an empty answer would prove nothing"
    assert the_filter(module)(*given) == expected


def test_the_events_of_hosts_need_no_text() -> None:
    assert [event["text"] for event in rollout_events.rollout_events(["backend1"], "held", PLAN, 5.5)] == [""]


def test_members_that_cannot_be_used_are_an_error_of_the_filter_with_every_finding() -> None:
    with pytest.raises(AnsibleFilterError, match=r"rollout_port: 0 (.|\n)*host backend2: ansible_host: 'name'"):
        rollout_members.rollout_members(["backend1", "backend2"], HOSTVARS, 0, [])


@pytest.mark.parametrize(
    ("module", "given", "told"),
    [
        (rollout_timeline, {"hosts": {}}, "summary: "),
        (rollout_table, {"hosts": {}}, "must be what the filter rollout_summary returns; "),
        (rollout_table, "text", "must be what the filter rollout_summary returns; "),
        (rollout_status, {"members": "x"}, "(?s)members.*load_balancers.*now.*name"),
        (rollout_summary, {"plan": {"order": ["backend9"]}}, "plan"),
    ],
)
def test_what_a_filter_cannot_use_is_named(module: t.Any, given: t.Any, told: str) -> None:
    with pytest.raises(AnsibleFilterError, match=told):
        the_filter(module)(given)


def test_a_port_to_probe_that_is_none_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"rollout_health_check\.port: 'x' is no port"):
        the_filter(rollout_members)(["backend1"], HOSTVARS, 5000, ["backend1"], "x")

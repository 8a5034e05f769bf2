"""What is wrong with the options of a rollout."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import options
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout import sample
from hypothesis import given
from hypothesis import strategies as st


def changed(name: str, value: t.Any) -> dict[str, t.Any]:
    outer, _dot, inner = name.partition(".")
    return sample.options(**{outer: {**sample.OPTIONS.get(outer, {}), inner: value} if inner else value})


def test_the_defaults_are_fine() -> None:
    assert options.findings(sample.OPTIONS) == []


@pytest.mark.parametrize("value", [1, "2", "30%", [1, "50%"]])
def test_what_serial_may_be(value: t.Any) -> None:
    assert options.findings(sample.options(serial=value)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("serial", 0),
        ("serial", "0%"),
        ("serial", []),
        ("serial", "many"),
        ("serial", {"a": 1}),
        ("warm_up", ["api/notes"]),
        ("warm_up", ["/suche?q=ä"]),
        ("warm_up", "/api/notes"),
        ("keep", 0),
        ("keep", 1.5),
        ("min_healthy", -1),
        ("min_healthy", "200%"),
        ("canary", "perhaps"),
        ("failure_action", "explode"),
        ("on_timeout", ["fail"]),
        ("drain_timeout", 0),
        ("drain_timeout", float("inf")),
        ("close_window", "soon"),
        ("stop_timeout", None),
        ("healthy_deadline", float("nan")),
        ("min_healthy_time", True),
        ("monitor.seconds", -1),
        ("monitor.max_error_ratio", 5),
        ("monitor.max_error_ratio", True),
        ("monitor.min_requests", 0.5),
        ("monitor.min_requests", float("inf")),
        ("health_check.path", "health"),
        ("health_check.path", "/a b"),
        ("health_check.port", 65536),
        ("health_check.host", 1),
        ("health_check.scheme", "ftp"),
        ("health_check.interval", 0),
        ("health_check.timeout", 0),
        ("health_check.passes", 0),
        ("health_check.status", 200),
        ("health_check.status", [99]),
        ("hooks.before", "before.yml"),
        ("hooks.before_batch", "~/before_batch.yml"),
        ("hooks.after_batch", ["/after_batch.yml"]),
        ("hooks.after", None),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_is_allowed(name: str, value: t.Any) -> None:
    (told,) = options.findings(changed(name, value))
    assert told == f"rollout_{name}: {value!r} is {options.CHECKS[name][1]}"


def test_everything_is_told_at_once() -> None:
    assert len(options.findings(sample.options(serial="x", on_timeout="x", failure_action="x"))) == 3


def test_a_nested_option_that_does_not_exist_is_told_with_those_that_do() -> None:
    (told,) = options.findings(changed("monitor.secs", 1))
    assert told == "rollout_monitor.secs does not exist; there are seconds, max_error_ratio, min_requests"


def test_hooks_are_absolute_paths_and_a_plan_needs_none() -> None:
    paths = {name: f"/srv/{name}.yml" for name in ("before", "before_batch", "after_batch", "after")}
    assert options.findings(sample.options(hooks=paths)) == options.findings(sample.options(hooks={})) == []
    assert options.findings(sample.options(hooks={"befor": "/a.yml"})) == [
        "rollout_hooks.befor does not exist; there are before, before_batch, after_batch, after"
    ]
    assert options.findings(sample.options(hooks="/a.yml")) == ["rollout_hooks: '/a.yml' is not a dictionary"]


def test_a_nested_option_must_be_a_dictionary() -> None:
    assert options.findings(sample.options(monitor="off")) == ["rollout_monitor: 'off' is not a dictionary"]


def test_what_is_missing_is_told() -> None:
    without = {name: value for name, value in sample.OPTIONS.items() if name != "serial"}
    assert options.findings(without) == ["rollout_serial is missing; it is needed"]
    assert options.findings(sample.options(monitor={"seconds": 0, "min_requests": 1})) == [
        "rollout_monitor.max_error_ratio is missing; it is needed"
    ]


def test_a_deadline_that_nobody_can_meet_is_told_before_a_host_is_held() -> None:
    (told,) = options.findings(sample.options(healthy_deadline=12, min_healthy_time=10))
    assert told.startswith("rollout_healthy_deadline: 12 is not more than 12: rollout_min_healthy_time (10 s)")
    assert options.findings(sample.options(healthy_deadline=12.5, min_healthy_time=10)) == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from([*sample.OPTIONS, "keep_releases"]), ANYTHING),
    st.dictionaries(st.sampled_from([name.partition(".")[2] for name in options.CHECKS if "." in name]), ANYTHING),
    st.sampled_from(options.NESTED),
)
def test_nothing_that_is_given_ends_it(outer: dict[str, t.Any], inner: dict[str, t.Any], nested: str) -> None:
    for given_options in (outer, {**sample.OPTIONS, **outer}, sample.options(**{nested: inner})):
        assert all(told.startswith("rollout_") for told in options.findings(given_options))


@given(
    st.sampled_from(sorted(options.CHECKS)),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text()),
)
def test_whatever_is_given_each_finding_names_an_option(name: str, value: t.Any) -> None:
    assert all(told.startswith("rollout_") for told in options.findings(changed(name, value)))

from __future__ import annotations

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import metrics

LOCK = {"run": "run1", "verb": "deploy", "version": "1.4.2", "taken": 1795842000.25}
LAST = {
    "verb": "deploy",
    "version": '1.4"2\\',
    "outcome": "succeeded",
    "started": 10.0,
    "finished": 20.5,
    "requests": {"seen": 100, "failed": 1},
}


def samples(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_nothing_has_happened_yet() -> None:
    text = metrics.text("backends", {}, {})
    assert samples(text) == ['evenkeel_rollout_running{group="backends"} 0']
    assert text.endswith("\n")


def test_a_rollout_runs() -> None:
    assert samples(metrics.text("backends", LOCK, {})) == [
        'evenkeel_rollout_running{group="backends"} 1',
        'evenkeel_rollout_started_timestamp_seconds{group="backends",verb="deploy",version="1.4.2"} 1795842000.25',
    ]


def test_the_last_one_is_told_with_its_outcome() -> None:
    labels = r'group="backends",verb="deploy",version="1.4\"2\\\\",outcome="succeeded"'.replace("\\\\\\\\", "\\\\")
    assert samples(metrics.text("backends", {}, LAST))[1:] == [
        f"evenkeel_rollout_last_started_timestamp_seconds{{{labels}}} 10",
        f"evenkeel_rollout_last_finished_timestamp_seconds{{{labels}}} 20.5",
        f"evenkeel_rollout_last_requests{{{labels}}} 100",
        f"evenkeel_rollout_last_failed_requests{{{labels}}} 1",
    ]


def test_every_metric_has_help_and_type_once() -> None:
    lines = metrics.text("backends", LOCK, LAST).splitlines()
    named = {line.split("{")[0] for line in lines if not line.startswith("#")}
    assert [line.split()[2] for line in lines if line.startswith("# HELP")] == list(
        dict.fromkeys(line.split("{")[0] for line in lines if not line.startswith("#"))
    )
    assert named <= set(metrics.HELP)


def test_one_file_for_each_group() -> None:
    assert metrics.file_name("backends") == "evenkeel_rollout_backends.prom"

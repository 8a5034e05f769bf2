"""The lines that tell of a rollout while it runs."""

from __future__ import annotations

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.progress import Progress, Task, reason

BATCH = ("backend1", "backend2")
PLAN = {
    "order": ["backend1", "backend2", "backend3"],
    "batches": [["backend1", "backend2"], ["backend3"]],
    "hosts": {
        "backend1": {"batch": 1, "address": "10.0.0.1:5000"},
        "backend2": {"batch": 1, "address": "10.0.0.2:5000"},
        "backend3": {"batch": 2, "address": "10.0.0.3:5000"},
    },
}


def task(step: str, host: str = "backend1", key: str = "1") -> Task:
    """Return a task of the first batch."""
    return Task(key=key, step=step, host=host, batch=BATCH, hosts=(*BATCH, "backend3"))


def planned() -> Progress:
    """Return the progress of a rollout that has its plan."""
    progress = Progress()
    progress.learn(PLAN)
    return progress


def test_a_batch_is_held_and_drained_together() -> None:
    progress = planned()
    assert progress.start(task("hold"), 100.0) == ["[00:00] batch 1 of 2  backend1, backend2  holding ..."]
    assert progress.end("1", "backend1", 104.2) == ["[00:04] batch 1 of 2  backend1, backend2  held (4.2 s)"]


def test_a_drain_tells_who_it_waits_for() -> None:
    progress = planned()
    progress.start(task("drain"), 100.0)
    waiting: dict[str, list[object]] = {"10.0.0.2:5000": [1], "10.0.0.9:80": [2, 3]}
    assert progress.retry("1", "backend1", {"drain": {"waiting": waiting}}, 233.0) == [
        "[02:13] batch 1 of 2  backend1, backend2  3 connections left (backend2 1, 10.0.0.9:80 2) after 2 min 13 s"
    ]
    assert progress.retry("1", "backend1", {"drain": {"waiting": {}}}, 234.0) == []
    assert progress.retry("1", "backend1", {"msg": "?"}, 234.0) == []
    assert progress.retry("2", "backend1", {"drain": {"waiting": waiting}}, 234.0) == []


def test_a_host_that_failed_does_not_count_as_left_and_is_told_of_once() -> None:
    progress = planned()
    progress.start(task("restart"), 100.0)
    assert progress.fail("1", "backend1", {"msg": "\nno such unit\nmore"}, 101.0) == [
        "[00:01] batch 1 of 2  backend1  restart FAILED after 1.0 s: no such unit"
    ]
    progress.start(task("health", key="2"), 102.0)
    assert progress.end("2", "backend1", 103.0) == ["[00:03] batch 1 of 2  backend1  healthy (1.0 s)"]
    progress.start(task("health", "backend2", "3"), 103.0)
    assert progress.end("3", "backend2", 104.0) == ["[00:04] batch 1 of 2  backend2  healthy (1.0 s), 1 host left"]


def test_a_load_balancer_that_did_not_answer_is_told_also_when_the_step_goes_on() -> None:
    progress = planned()
    progress.start(task("hold"), 100.0)
    progress.item("1", "backend1", {"msg": "no route", "ansible_loop_var": "lb", "lb": "lb2"})
    progress.item("1", "backend1", {"msg": "later", "ansible_loop_var": "lb", "lb": "lb3"})
    assert progress.end("1", "backend1", 101.0) == [
        "[00:01] batch 1 of 2  backend1, backend2  held (1.0 s), but lb2: no route"
    ]


def test_nobody_is_watched_before_the_second_batch() -> None:
    progress = planned()
    progress.start(task("watch"), 100.0)
    assert progress.end("1", "backend1", 101.0) == []
    progress.start(task("watch"), 102.0)
    assert progress.fail("1", "backend1", {}, 103.0) == [
        "[00:03] batch 1 of 2  backend1  watch FAILED after 1.0 s: no message"
    ]


def test_a_batch_is_watched_by_several_tasks_and_told_of_once() -> None:
    progress = planned()
    last = (("backend3",), (*BATCH, "backend3"))
    progress.start(task("hold"), 100.0)
    progress.end("1", "backend1", 101.0)
    progress.start(Task("2", "hold", "backend3", *last), 101.0)
    progress.end("2", "backend3", 102.0)
    logs, ask = Task("3", "watch", "backend3", *last), Task("4", "watch", "backend3", *last)
    assert progress.start(logs, 102.0) == ["[00:02] batch 2 of 2  backend1, backend2  watching ..."]
    assert progress.end("3", "backend3", 112.0) == ["[00:12] batch 2 of 2  backend1, backend2  did well (10.0 s)"]
    assert progress.start(ask, 112.0) == []
    assert progress.end("4", "backend3", 113.0) == []


def test_the_last_batch_is_released_and_watched_once_whoever_speaks_for_it() -> None:
    progress = planned()
    everybody = (*BATCH, "backend3")
    progress.start(Task("1", "hold", "backend3", ("backend3",), everybody), 100.0)
    progress.end("1", "backend3", 101.0)
    assert progress.start(Task("2", "release", "backend1", everybody, everybody), 101.0) == [
        "[00:01] batch 2 of 2  backend3  releasing ..."
    ]
    assert progress.end("2", "backend1", 102.0) == ["[00:02] batch 2 of 2  backend3  released (1.0 s)"]
    assert progress.start(Task("3", "watch", "backend1", everybody, everybody), 102.0) == [
        "[00:02] batch 2 of 2  backend3  watching ..."
    ]
    assert progress.end("3", "backend1", 112.0) == ["[00:12] batch 2 of 2  backend3  did well (10.0 s)"]
    # Each host of the play has the task that comes next, and all but one skip it.
    assert [progress.start(Task("4", "watch", host, everybody, everybody), 112.0) for host in everybody] == [[]] * 3
    assert [progress.skip("4", host, 112.0) for host in everybody[1:]] == [[], []]
    assert progress.fail("4", "backend1", {"msg": "unhealthy"}, 113.0) == [
        "[00:13] batch 2 of 2  backend1  watch FAILED after 1.0 s: unhealthy"
    ]


def test_what_comes_before_the_first_batch_names_none() -> None:
    assert planned().start(task("stage"), 100.0) == ["[00:00]  backend1  staging ..."]


def test_a_step_without_words_of_its_own_is_named_as_it_is() -> None:
    progress = planned()
    assert progress.start(task("warm up"), 0.0) == ["[00:00] batch 1 of 2  backend1  warm up ..."]
    assert progress.end("1", "backend1", 0.5) == ["[00:00] batch 1 of 2  backend1  warm up done (0.5 s)"]


def test_a_task_that_was_never_begun_is_silent() -> None:
    progress = planned()
    progress.learn("no plan")
    for told in (progress.end("9", "a", 1.0), progress.skip("9", "a", 1.0), progress.fail("9", "a", {}, 1.0)):
        assert told == []


def test_the_reason_of_a_loop_is_that_of_its_first_item_that_failed() -> None:
    items = [
        {"msg": "fine", "item": "lb1"},
        {"msg": "no route\nto host", "unreachable": True, "ansible_loop_var": "lb", "lb": "lb2"},
    ]
    assert reason({"msg": "One or more items failed", "results": items}) == "lb2: no route"
    assert reason({"results": [{"failed": True, "item": {"a": 1}, "stderr": "broken"}]}) == "broken"


def test_the_next_rollout_of_the_same_command_begins_with_nothing() -> None:
    progress = planned()
    for key, host in enumerate(BATCH):
        progress.start(task("health", host, str(key)), 100.0)
        progress.end(str(key), host, 103.0)
    progress.learn(PLAN)
    assert progress.start(task("health"), 200.0) == ["[00:00] batch 1 of 2  backend1  proving its health ..."]
    assert progress.end("1", "backend1", 201.0) == ["[00:01] batch 1 of 2  backend1  healthy (1.0 s), 2 hosts left"]

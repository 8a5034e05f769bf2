"""Whatever a run was doing when it was killed, the same task afterwards ends where it would have ended."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import pytest

from tests.nginx.conftest import Lend
from tests.nginx.machines import FLAVOURS, wait_for
from tests.nginx.sites import PORTS, WINDOW, A, B, Site, entries

TASKS: dict[str, tuple[str, dict[str, Any], set[int]]] = {
    "drain": ("nginx_upstream_server", Site.drain_options(A, owner="ops"), {5002, 5003}),
    "membership": ("nginx_upstream", Site.upstream_options(A, B, method="least_conn"), {5001, 5002}),
}


def settled(site: Site, answering: set[int]) -> None:
    """Assert that nothing is left of the run that was killed."""
    info = site.info()
    assert (info["live"], info["leftovers"]) == ("same", [])
    assert site.answering() == answering
    assert not site.machine.exists("/run/evenkeel/closing")
    assert site.machine.do(f"find {site.machine.config('.')} -name '.evenkeel*'") == ""


@pytest.mark.parametrize("task", list(TASKS))
def test_killed_after_each_effect(lend: Lend, task: str) -> None:
    """Each machine takes every third effect: nginx' version makes no difference, and time does."""
    module, options, answering = TASKS[task]
    sites = [lend(name) for name in FLAVOURS]
    counting = sites[0].machine.start_module(module, "--count", **options)
    assert not sites[0].machine.result_of(counting).get("failed")
    effects = list(enumerate(counting.wait().stderr.split(), 1))
    assert {"write", "signal", "set_record", "set_undo"} <= {effect for _number, effect in effects}
    wanted = without_time(sites[0].file())

    def kill_and_repeat(site: Site, which: list[tuple[int, str]]) -> None:
        for number, effect in which:
            site.reset(site.files())
            site.prove()
            killed = site.machine.start_module(module, f"--die-at={number}", **options).wait()
            assert killed.code == -9, f"not killed after effect {number}, {effect}: {killed}"
            result = site.machine.module(module, **options)
            assert without_time(site.file()) == wanted, f"killed after effect {number}, {effect}"
            settled(site, answering)
            assert site.machine.module(module, **options)["changed"] is False, result

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(kill_and_repeat, sites, (effects[start::3] for start in range(3))))


def without_time(text: str) -> str:
    """Leave out when a hold began: it is another moment in each run."""
    return " ".join(word for word in text.split() if not word.startswith("since="))


def waits_for_the_drain(site: Site) -> None:
    """Wait until the lock is free again, which is when the reload was proven."""
    wait_for(site.old_workers, "the reload")
    wait_for(lambda: site.machine.run(["sh", "-c", "flock -n /run/lock/evenkeel-*.lock true"]).ok, "the lock is free")


def test_killed_while_it_waits_for_the_drain_and_started_again_at_once(site: Site) -> None:
    slow = site.hold()
    task = site.machine.start_module("nginx_upstream_server", **site.drain_options(A))
    waits_for_the_drain(site)
    task.kill()
    again = site.machine.start_module("nginx_upstream_server", **site.drain_options(A))
    assert not again.ended.wait(1.5)
    site.release(slow)
    result = site.machine.result_of(again)
    assert (result["changed"], result["reloads"]) == (False, 0)
    assert result["drain"]["drained"] == [A]
    settled(site, {5002, 5003})


def test_a_removed_server_is_still_waited_for_after_a_kill(site: Site) -> None:
    slow = site.hold()
    options = site.upstream_options(A, B)
    task = site.machine.start_module("nginx_upstream", **options)
    waits_for_the_drain(site)
    task.kill()
    again = site.machine.start_module("nginx_upstream", **options)
    assert not again.ended.wait(1.5)
    site.release(slow)
    assert site.machine.result_of(again)["drain"]["drained"] == ["127.0.0.1:5003"]
    assert not site.machine.module("nginx_upstream", **options)["drain"]["drained"]


def test_killed_and_then_something_else_is_wanted(site: Site) -> None:
    task = site.machine.start_module("nginx_upstream", "--die-at=4", **site.upstream_options(A, B))
    task.wait()
    site.drain(A)
    settled(site, {5002, 5003})


@pytest.mark.parametrize("size", ["full", "read-only"])
def test_a_disk_that_takes_nothing_leaves_everything_as_it_was(site: Site, size: str) -> None:
    folder = site.machine.config("upstreams.d")
    text = site.file()
    site.machine.do(f"mount -t tmpfs -o size=64k tmpfs {folder}")
    try:
        site.machine.put(f"{folder}/app.conf", text)
        if size == "full":
            site.machine.do(f"head -c 1m /dev/zero > {folder}/fill 2>/dev/null || true")
        else:
            site.machine.do(f"mount -o remount,ro {folder}")
        many = [*entries(), *entries(*(f"10.0.0.{n}:80" for n in range(1, 200)))]
        result = site.machine.refused("nginx_upstream", name="app", servers=many, close_window=WINDOW)
        assert ("space" if size == "full" else "ead-only") in result["msg"]
        assert site.file() == text
        assert site.machine.do(f"find {folder} -name '.evenkeel*'") == ""
        assert site.answering() == set(PORTS)
        site.machine.do(f"mount -o remount,rw {folder}; rm -f {folder}/fill")
        assert site.upstream(A, B)["changed"]
    finally:
        site.machine.do(["umount", "-l", folder])

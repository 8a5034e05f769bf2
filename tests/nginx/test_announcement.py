"""A reload that was announced before waits for what is left of the announcement, and only for that."""

from __future__ import annotations

import time

import pytest

from tests.nginx.conftest import Lend
from tests.nginx.connections import Connection
from tests.nginx.sites import A, Site

FLAG = "/run/evenkeel/closing"


def announce(site: Site, state: str = "present", check: bool = False, window: float = 3) -> tuple[bool, bool]:
    result = site.machine.module("nginx_announcement", check=check, state=state, close_window=window)
    return result["changed"], result["announced"]


def asked(client: Connection) -> str:
    """Ask once, and return whether the connection is kept."""
    client.request()
    assert client.answer()[0] == 200
    return client.headers["connection"]


def test_a_reload_waits_for_what_is_left_of_its_announcement(lend: Lend) -> None:
    site = lend("bookworm")
    with Connection(site) as client, Connection(site) as idle:
        assert asked(idle) == "keep-alive"
        assert announce(site) == (True, True)
        assert asked(client) == "close"
        time.sleep(1)
        reload = site.drain(A, close_window=3)["reload"]
    assert (reload["performed"], reload["window"]) == (True, 3)
    assert 0 < reload["waited"] < 2
    assert not site.machine.exists(FLAG)


def test_one_that_was_announced_for_long_enough_does_not_wait(lend: Lend) -> None:
    site = lend("bookworm")
    with Connection(site) as idle:
        assert asked(idle) == "keep-alive"
        announce(site, window=0.5)
        time.sleep(0.5)
        reload = site.drain(A, close_window=0.5)["reload"]
    assert (reload["window"], reload["waited"]) == (0.5, 0)


def test_what_does_not_reload_leaves_the_announcement(lend: Lend) -> None:
    site = lend("bookworm")
    with Connection(site) as idle:
        assert asked(idle) == "keep-alive"
        site.reload()
        announce(site)
        assert announce(site) == (False, True)
        assert not site.reload()["changed"]
        info = site.info()
        assert info["leftovers"] == [] and 0 <= info["announced"] < 30
        assert site.machine.exists(FLAG)
        # Nor does it begin anew.
        time.sleep(3)
        assert site.drain(A, close_window=3)["reload"]["waited"] == 0
    assert site.info()["announced"] is None


def test_what_a_killed_task_has_left_is_not_what_was_announced(lend: Lend) -> None:
    site = lend("bookworm")
    site.machine.do(["touch", FLAG])
    assert announce(site) == (False, False)
    assert not site.machine.exists(FLAG)


def test_it_is_taken_back(lend: Lend) -> None:
    site = lend("bookworm")
    with Connection(site) as idle, Connection(site) as client:
        assert asked(idle) == "keep-alive"
        announce(site)
        assert announce(site, "absent", check=True) == (True, False)
        assert site.machine.exists(FLAG)
        assert announce(site, "absent") == (True, False)
        assert announce(site, "absent") == (False, False)
        assert asked(client) == "keep-alive"


def test_check_mode_announces_nothing(lend: Lend) -> None:
    site = lend("bookworm")
    with Connection(site) as idle:
        assert asked(idle) == "keep-alive"
        assert announce(site, check=True) == (True, True)
        assert not site.machine.exists(FLAG)


@pytest.mark.parametrize("name", ["bookworm", "newest"])
def test_where_nobody_would_be_harmed_nothing_is_announced(lend: Lend, name: str) -> None:
    site = lend(name)
    if site.machine.flavour.announces:
        assert announce(site) == (False, False)
        return
    with Connection(site) as idle:
        assert asked(idle) == "keep-alive"
        assert announce(site) == (False, False)


def test_a_client_that_comes_after_it_was_not_needed_is_told_in_full(lend: Lend) -> None:
    site = lend("bookworm")
    assert announce(site, window=1) == (False, False)
    with Connection(site) as idle:
        assert asked(idle) == "keep-alive"
        reload = site.drain(A, close_window=1)["reload"]
    assert (reload["window"], reload["waited"]) == (1, 1)

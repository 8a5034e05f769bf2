"""Who holds which server out of rotation: in the file, for as long as it takes, whatever else happens."""

from __future__ import annotations

import concurrent.futures
import time
from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import render

from tests.nginx.conftest import Lend
from tests.nginx.machines import FLAVOURS
from tests.nginx.sites import PORTS, WINDOW, A, B, C, Site, upstream

# On each of three machines a drain and an undrain.
CYCLES = 17


def held(site: Site) -> dict[str, list[str]]:
    """Return who holds which server, as nginx_upstream_info sees it."""
    servers = [server for entry in site.info()["upstreams"] for server in entry["servers"]]
    return {s["address"]: [hold["owner"] for hold in s["holds"]] for s in servers if s["holds"]}


def test_a_hundred_drains_and_undrains_under_load_lose_nothing_and_end_where_they_began(lend: Lend) -> None:
    sites = [lend(name) for name in FLAVOURS]
    before = [site.file() for site in sites]

    def cycle(site: Site) -> dict[str, Any]:
        with site.load(rate=60) as load:
            for number in range(CYCLES):
                server = (A, B, C)[number % 3]
                assert site.drain(server, owner="loop", reason=f"number {number}")["changed"]
                assert site.enable(server, owner="loop")["changed"]
        return load

    with concurrent.futures.ThreadPoolExecutor() as pool:
        loads = list(pool.map(cycle, sites))
    assert [site.file() for site in sites] == before
    assert [load["failures"] for load in loads] == [{}, {}, {}]
    assert all(load["requests"] > CYCLES * 30 for load in loads)
    assert all(site.answering() == set(PORTS) for site in sites)


def test_several_owners_hold_a_server_until_the_last_one_lets_go(site: Site) -> None:
    site.drain(A, owner="ops", reason="disk swap", until="2099-01-01T00:00:00Z")
    assert site.drain(A, owner="deploy")["changed"]
    assert held(site) == {A: ["deploy", "ops"]}
    result = site.enable(A, owner="deploy")
    assert any("ops" in warning and "disk swap" in warning for warning in result["warnings"])
    assert site.answering() == {5002, 5003}
    assert held(site) == {A: ["ops"]}
    site.enable(A, owner="ops")
    assert site.answering() == set(PORTS)
    assert held(site) == {}


def test_an_owner_releases_only_its_own_hold_unless_forced(site: Site) -> None:
    site.drain(A, owner="ops")
    result = site.enable(A, owner="deploy")
    assert not result["changed"]
    assert any("ops" in warning for warning in result["warnings"])
    assert site.enable(A, owner="deploy", force=True)["changed"]
    assert held(site) == {}


def test_a_batch_replaces_the_one_before_in_one_reload(site: Site) -> None:
    site.drain(C, owner="ops")
    site.drain(A, owner="deploy", exclusive=True)
    result = site.drain(B, owner="deploy", exclusive=True, min_enabled="1")
    assert (result["reloads"], result["released"]) == (1, [A])
    assert held(site) == {B: ["deploy"], C: ["ops"]}
    assert result["held_by_others"] == {C: "ops"}
    last = site.drain(owner="deploy", exclusive=True)
    assert (last["reloads"], last["released"]) == (1, [B])
    assert held(site) == {C: ["ops"]}


def test_a_hold_survives_a_change_of_membership(site: Site) -> None:
    site.drain(A, owner="ops", reason='a "quoted" reason; {with} # signs \\ and ünicode', until="2099-01-01")
    before = site.info()["upstreams"][0]["servers"][0]["holds"]
    result = site.upstream(B, A, "127.0.0.1:5004", method="least_conn")
    assert [entry["address"] for entry in result["held"]] == [A]
    assert any("ops" in warning for warning in result["warnings"])
    [now] = [s for s in site.info()["upstreams"][0]["servers"] if s["address"] == A]
    assert [{**hold, "age": 0} for hold in now["holds"]] == [{**hold, "age": 0} for hold in before]
    assert 5001 not in site.answering()
    again = site.upstream(B, A, "127.0.0.1:5004", method="least_conn")
    assert (again["changed"], again["reloads"]) == (False, 0)
    assert any("ops" in warning for warning in again["warnings"])


def test_a_hold_leaves_with_its_server(site: Site) -> None:
    site.drain(A, owner="ops")
    site.upstream(B, C)
    site.upstream(A, B, C)
    assert held(site) == {}
    assert site.answering() == set(PORTS)


def test_a_hold_survives_a_restart_of_nginx(site: Site) -> None:
    site.drain(A)
    site.machine.do(["systemctl", "restart", "nginx"])
    assert site.answering() == {5002, 5003}


def test_an_overdue_hold_stays_and_is_reported(site: Site) -> None:
    site.drain(A, owner="ops", until="2020-01-01T00:00:00Z")
    assert 5001 not in site.answering()
    assert any("passed" in warning for warning in site.upstream()["warnings"])
    [entry] = [s for s in site.info()["upstreams"][0]["servers"] if s["address"] == A]
    assert entry["holds"][0]["overdue"] is True


@pytest.mark.parametrize(("minimum", "allowed"), [("1", 2), ("2", 1), ("50%", 1), ("0", 2), ("67%", 0)])
def test_enough_servers_stay_in_rotation(site: Site, minimum: str, allowed: int) -> None:
    if allowed:
        assert site.drain(*(A, B)[:allowed], min_enabled=minimum, wait=False)["changed"]
    before = site.file()
    more = (A, B, C)[: allowed + 1]
    result = site.machine.try_module(
        "nginx_upstream_server", **site.drain_options(*more, min_enabled=minimum, wait=False)
    )
    assert result.get("failed", False) is (minimum != "0")
    if minimum != "0":
        assert "min_enabled" in result["msg"]
        assert site.file() == before


def test_two_drains_at_once_both_stay_and_cannot_both_pass_the_minimum(site: Site) -> None:
    def start(server: str, minimum: str) -> dict[str, Any]:
        options = site.drain_options(server, owner=f"owner of {server}", min_enabled=minimum)
        return site.machine.try_module("nginx_upstream_server", **options)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        both = list(pool.map(start, (A, B), ("1", "1")))
    assert [result.get("failed", False) for result in both] == [False, False], both
    assert sorted(held(site)) == [A, B]
    site.enable(A, B, force=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        race = list(pool.map(start, (A, B, C), ("2", "2", "2")))
    assert sorted(result.get("failed", False) for result in race) == [False, True, True], race
    assert len(held(site)) == 1


def test_the_last_server_in_rotation_never_counts_as_failed(site: Site) -> None:
    servers = [{"address": server, "max_fails": 3} for server in (A, B)]
    site.machine.module("nginx_upstream", name="app", servers=servers, close_window=WINDOW)
    before = site.file()
    site.drain(A)
    [line] = [line for line in site.file().splitlines() if B in line]
    assert "max_fails=0" in line
    assert "max_fails=3" in line.partition("#")[2]
    again = site.machine.module("nginx_upstream", name="app", servers=servers, close_window=WINDOW)
    assert not again["changed"]
    site.enable(A)
    assert site.file() == before


def test_nobody_in_rotation_is_refused(site: Site) -> None:
    before = site.file()
    only_backup = [{"address": A, "backup": True}]
    for servers in ([], only_backup):
        assert "servers" in site.machine.refused("nginx_upstream", name="app", servers=servers)["msg"]
    site.drain(A, B)
    assert site.machine.refused("nginx_upstream", **site.upstream_options(A, B))["failed"]
    assert site.machine.refused("nginx_upstream_server", **site.drain_options(C))["failed"]
    site.enable(A, B)
    assert site.file() == before


def test_down_that_somebody_wrote_stays_down_and_has_an_owner(site: Site) -> None:
    path = site.machine.config("upstreams.d/app.conf")
    site.machine.put(path, site.file().replace(f"server {A};", f"server {A} down;"))
    result = site.upstream()
    assert result["changed"]
    assert held(site) == {A: ["by-hand"]}
    assert 5001 not in site.answering()
    assert not site.upstream()["changed"]
    site.enable(A, owner="by-hand")
    assert site.answering() == set(PORTS)


def test_a_server_in_a_hand_made_file_is_drained_and_nothing_else_is_touched(site: Site) -> None:
    text = (
        "# by hand\nupstream app  { server 127.0.0.1:5001   weight=5; server localhost:5002 max_fails=2;# second\n"
        "\tserver 127.0.0.1:5003; } # end\n"
    )
    files = site.files(upstreams={}) | {"conf.d/app.conf": text}
    site.reset(files)
    site.prove()
    site.drain(A, owner="ops", reason="disk; swap")
    changed = site.machine.read(site.machine.config("conf.d/app.conf"))
    assert "server localhost:5002 max_fails=2;# second\n\tserver 127.0.0.1:5003; } # end\n" in changed
    assert changed.startswith("# by hand\nupstream app  { server 127.0.0.1:5001")
    assert site.answering() == {5002, 5003}
    site.enable(A, owner="ops")
    assert site.answering() == set(PORTS)
    site.drain("localhost:5002")
    assert site.answering() == {5001, 5003}


def test_an_upstream_in_an_included_fragment_is_drained(site: Site) -> None:
    files = site.files(upstreams={"app.conf": "upstream app { zone app 64k; include servers.d/*.list; }\n"})
    site.machine.do(f"mkdir -p {site.machine.config('servers.d')}")
    site.reset(files, start=False)
    for number, server in enumerate((A, B, C)):
        site.machine.put(site.machine.config(f"servers.d/{number}.list"), f"server {server};\n")
    site.machine.do(["systemctl", "start", "nginx"])
    site.prove()
    assert site.drain(B)["changed"]
    assert site.answering() == {5001, 5003}
    assert site.machine.read(site.machine.config("servers.d/0.list")) == f"server {A};\n"
    assert site.enable(B)["changed"]
    assert site.answering() == set(PORTS)


def test_ten_thousand_servers(site: Site) -> None:
    servers = [A, *(f"10.{n // 250 // 250}.{n // 250 % 250}.{n % 250 + 1}:5000" for n in range(9_999))]
    many = [{"address": server} for server in servers]
    files = site.files(upstreams={"app.conf": render(upstream()), "big.conf": render(upstream(name="big"))})
    site.reset(files)
    site.prove()
    assert site.machine.module("nginx_upstream", name="big", servers=many, close_window=WINDOW, wait=False)["changed"]
    began = time.monotonic()
    again = site.machine.module("nginx_upstream", name="big", servers=many, close_window=WINDOW)
    assert (again["changed"], again["reloads"]) == (False, 0)
    assert time.monotonic() - began < 10
    drained = site.drain(servers[5000], upstream=["big"])
    assert drained["drain"]["drained"] == [servers[5000]]
    assert site.down("big") == {servers[5000]}
    site.enable(servers[5000])
    assert site.down("big") == set()

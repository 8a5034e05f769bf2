"""What nginx_upstream_info tells, and that it only looks."""

from __future__ import annotations

import time

from tests.nginx.connections import WebSocket
from tests.nginx.sites import A, Site


def test_it_tells_versions_upstreams_servers_and_holds(each: Site) -> None:
    each.drain(A, owner="ops", reason="disk swap", until="2099-01-01T00:00:00Z")
    info = each.info()
    assert info["changed"] is False
    assert info["nginx"]["version"].startswith(".".join(map(str, each.machine.flavour.version)))
    assert info["nginx"]["running"] is True
    assert info["nginx"]["features"]["sticky"] is (each.machine.flavour.version >= (1, 31))
    [entry] = info["upstreams"]
    assert (entry["name"], entry["ours"], entry["in_rotation"]) == ("app", True, 2)
    assert entry["file"] == each.machine.config("upstreams.d/app.conf")
    first = entry["servers"][0]
    assert (first["address"], first["state"]) == (A, "held")
    [hold] = first["holds"]
    assert (hold["owner"], hold["reason"], hold["until"]) == ("ops", "disk swap", "2099-01-01T00:00:00Z")
    assert hold["overdue"] is False
    assert info["live"] == "same"
    assert info["last_reload"]["proof"] == "generation"


def test_it_sees_the_connections_of_current_and_old_workers(site: Site) -> None:
    with WebSocket(site) as client:
        site.machine.do(["true"])
        find = {s["address"]: s["sockets"] for s in site.info()["upstreams"][0]["servers"]}
        assert find[f"127.0.0.1:{client.port}"]["current"] >= 1
        site.upstream(method="least_conn")
        time.sleep(0.2)
        info = site.info()
        find = {s["address"]: s["sockets"] for s in info["upstreams"][0]["servers"]}
        assert find[f"127.0.0.1:{client.port}"]["old"] == 1
        [old] = info["old_workers"]
        assert old["pid"] in site.old_workers()
        assert old["memory_kib"] > 0


def test_it_sees_what_is_not_served(site: Site) -> None:
    site.machine.put(site.machine.config("conf.d/extra.conf"), "server { listen 8090; }\n")
    assert site.info()["live"] == "different"
    site.reload()
    assert site.info()["live"] == "same"


def test_without_our_endpoint_it_does_not_pretend_to_know(site: Site) -> None:
    site.endpoint = False
    site.reset(site.files())
    assert site.info()["live"] == "unknown"


def test_it_tells_of_an_nginx_that_is_stopped_or_broken(site: Site) -> None:
    site.machine.do(["systemctl", "stop", "nginx"])
    info = site.info()
    assert info["nginx"]["running"] is False
    assert info["upstreams"][0]["name"] == "app"
    site.machine.put(site.machine.config("conf.d/broken.conf"), "nonsense;\n")
    broken = site.machine.try_module("nginx_upstream_info")
    assert "nonsense" in str(broken)


def test_it_writes_nothing(site: Site) -> None:
    look = f"find {site.machine.config('.')} /run/evenkeel /run/lock -printf '%p %T@ %s\\n' | sort"
    before = site.machine.do(look)
    site.info()
    assert site.machine.do(look) == before


def test_it_warns_of_a_reload_that_would_break_connections(each: Site) -> None:
    files = each.files()
    for name in files:
        files[name] = files[name].replace("keepalive_min_timeout 5s;", "").replace("return 418;", "")
        files[name] = files[name].replace("if (-f /run/evenkeel/closing) {  }", "")
    each.reset(files)
    each.prove()
    assert any("reload" in warning for warning in each.info()["warnings"])

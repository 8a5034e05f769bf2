"""A server is drained only when no request is left at it, whatever kind of request that is."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import render

from tests.nginx.connections import Connection, WebSocket
from tests.nginx.machines import Process, wait_for
from tests.nginx.sites import PORT6, PORTS, WINDOW, A, B, C, Site, entries, upstream

FIRST = PORTS[0]


def start_drain(site: Site, *servers: str, **options: Any) -> Process:
    """Start a drain and return when the server is out of rotation and the task waits."""
    process = site.machine.start_module("nginx_upstream_server", **site.drain_options(*servers, **options))
    wait_for(lambda: site.old_workers() or process.ended.is_set(), "the reload of the drain")
    return process


def assert_waits(process: Process, seconds: float = 1.5) -> None:
    assert not process.ended.wait(seconds), f"declared drained too early: {process.result}"


def assert_drained(site: Site, process: Process, *servers: str) -> dict[str, Any]:
    result = site.machine.result_of(process)
    assert not result.get("failed"), result
    assert set(servers) <= set(result["drain"]["drained"]), result
    assert result["drain"]["waiting"] == {}
    before = site.counts()
    assert site.answering() == set(PORTS) - {int(server.rpartition(":")[2]) for server in servers}
    for server in servers:
        port = int(server.rpartition(":")[2])
        assert site.counts().get(port, 0) == before.get(port, 0), "a request reached a drained server"
    return result


def test_a_drained_server_gets_no_request_and_an_enabled_one_does(each: Site) -> None:
    before = each.file()
    result = each.drain(A, owner="ops", reason="disk swap")
    assert result["changed"]
    assert [entry["state"] for entry in result["servers"]] == ["drained"]
    assert each.answering() == {5002, 5003}
    assert each.down() == {A}
    again = each.drain(A, owner="ops", reason="disk swap")
    assert (again["changed"], again["reloads"], again["drain"]["drained"]) == (False, 0, [A])
    assert each.enable(A, owner="ops")["changed"]
    assert each.answering() == set(PORTS)
    assert each.file() == before


def test_a_slow_request_holds_its_server_until_it_is_answered(each: Site) -> None:
    slow = each.hold()
    drain = start_drain(each, A)
    assert_waits(drain)
    assert sorted(each.release(slow)) == ["5001", "5002", "5003"]
    assert_drained(each, drain, A)


def test_a_stream_holds_its_server_until_its_end(site: Site) -> None:
    streams = site.hold("/stream")
    drain = start_drain(site, A)
    assert_waits(drain)
    assert all(text.endswith("line\nend\n") for text in site.release(streams))
    assert_drained(site, drain, A)


def test_a_half_sent_upload_holds_every_server(each: Site) -> None:
    with Connection(each) as client:
        client.request("/upload", "POST", **{"Content-Length": "4000"})
        client.send("x" * 2000)
        each.accepted(1)
        drain = start_drain(each, A)
        assert_waits(drain)
        client.send("x" * 2000)
        assert client.answer() == (200, "4000")
    assert_drained(each, drain, A)


def test_a_silent_connection_holds_every_server(each: Site) -> None:
    with Connection(each) as client:
        each.accepted(1)
        drain = start_drain(each, A)
        assert_waits(drain)
        client.request(Connection="close")
        assert client.answer()[0] == 200
    assert_drained(each, drain, A)


def test_a_websocket_that_ends_lets_its_server_go(each: Site) -> None:
    with WebSocket(each) as client:
        drain = start_drain(each, f"127.0.0.1:{client.port}")
        assert_waits(drain)
        assert client.echoes()
    assert_drained(each, drain, f"127.0.0.1:{client.port}")


def test_a_websocket_does_not_hold_the_other_servers(site: Site) -> None:
    with WebSocket(site) as client:
        other = next(server for server in (A, B) if not server.endswith(str(client.port)))
        drain = start_drain(site, other)
        assert_drained(site, drain, other)
        assert client.echoes()


def test_at_the_timeout_a_websocket_is_named_and_its_server_is_back(site: Site) -> None:
    before = site.file()
    with WebSocket(site) as client:
        server = f"127.0.0.1:{client.port}"
        result = site.machine.refused("nginx_upstream_server", **site.drain_options(server, drain_timeout=1))
        [holder] = result["drain"]["waiting"][server]
        # The machine sees the controller by the address that this end of the connection has.
        assert client.socket.getsockname()[0] in holder["client"] or holder["client"] == ""
        assert holder["worker"] in site.old_workers()
        assert server in holder["socket"]
        assert holder["age"] >= 0.5
        assert server in result["msg"]
        assert site.file() == before
        assert site.answering() == set(PORTS)
        assert client.echoes()


def test_at_the_timeout_a_drain_may_go_on_and_says_what_will_be_cut(site: Site) -> None:
    with WebSocket(site) as client:
        server = f"127.0.0.1:{client.port}"
        result = site.drain(server, drain_timeout=1, on_timeout="proceed")
        assert server in result["drain"]["waiting"]
        assert [entry["state"] for entry in result["servers"]] == ["draining"]
        assert any(server in warning for warning in result["warnings"])
        assert client.port not in site.answering()
        assert client.echoes()


def test_a_drain_without_waiting_is_looked_at_later(site: Site) -> None:
    with WebSocket(site) as client:
        server = f"127.0.0.1:{client.port}"
        assert site.drain(server, wait=False)["servers"][0]["state"] == "draining"
        assert site.drain(server, wait=False)["changed"] is False
        [entry] = [s for u in site.info()["upstreams"] for s in u["servers"] if s["address"] == server]
        assert entry["sockets"]["old"] == 1
    result = site.drain(server)
    assert (result["changed"], result["reloads"], result["servers"][0]["state"]) == (False, 0, "drained")


def test_several_servers_drain_in_one_reload(site: Site) -> None:
    assert site.drain(A, B)["reloads"] == 1
    assert site.answering() == {5003}


def listen_http2(site: Site) -> None:
    modern = site.machine.flavour.version > (1, 25)
    site.reset(site.files(server="listen 81; http2 on;" if modern else "listen 81 http2;"))
    site.prove()


def test_an_http2_upload_holds_its_server(each: Site) -> None:
    listen_http2(each)
    half = "(printf half; until [ -e /run/rest ]; do sleep 0.1; done; printf rest)"
    each.machine.do(["rm", "-f", "/run/rest"])
    send = f"{half} | curl -sSf --http2-prior-knowledge -T . http://127.0.0.1:81/upload"
    upload = each.machine.start(["sh", "-c", send])
    each.accepted(1, port=81)
    time.sleep(0.3)
    drain = start_drain(each, A)
    assert_waits(drain)
    each.machine.do(["touch", "/run/rest"])
    assert upload.wait().stdout == "8"
    assert_drained(each, drain, A)


def test_http2_clients_get_their_answers_through_a_drain(each: Site) -> None:
    listen_http2(each)
    requests = each.hold(options=("--http2-prior-knowledge",), port=81)
    drain = start_drain(each, A)
    assert_waits(drain)
    assert sorted(each.release(requests)) == ["5001", "5002", "5003"]
    assert_drained(each, drain, A)


def test_a_backend_by_ipv6_is_drained(site: Site) -> None:
    server = f"[::1]:{PORT6}"
    site.reset(site.files(upstreams={"app.conf": render(upstream(A, server))}))
    site.prove()
    slow = site.hold(number=2)
    drain = start_drain(site, server)
    assert_waits(drain)
    assert set(site.release(slow)) == {str(FIRST), str(PORT6)}
    assert site.machine.result_of(drain)["drain"]["drained"] == [server]
    assert site.answering() == {FIRST}


def test_the_same_address_in_two_upstreams_is_drained_in_both(site: Site) -> None:
    other = render(upstream(A, B, name="other"))
    files = site.files(upstreams={"app.conf": render(upstream()), "other.conf": other})
    site.reset(files | {"conf.d/other.conf": "server { listen 81; location / { proxy_pass http://other; } }\n"})
    site.prove()
    result = site.drain(A)
    assert result["servers"][0]["upstreams"] == ["app", "other"]
    assert result["reloads"] == 1
    assert (site.down("app"), site.down("other")) == ({A}, {A})
    assert site.answering() == {5002, 5003}
    site.enable(A, upstream=["other"])
    assert (site.down("app"), site.down("other")) == ({A}, set())


def test_a_removed_server_is_drained_before_the_task_ends(site: Site) -> None:
    slow = site.hold()
    task = site.machine.start_module("nginx_upstream", **site.upstream_options(A, B))
    wait_for(site.old_workers, "the reload")
    assert_waits(task)
    site.release(slow)
    result = site.machine.result_of(task)
    assert (result["removed"], result["drain"]["drained"]) == ([C], [C])
    assert site.answering() == {5001, 5002}


def test_scaling_down_under_load_loses_nothing(each: Site) -> None:
    with each.load() as load:
        each.upstream(A, B)
        before = each.counts()[5003]
        time.sleep(0.5)
        after = each.counts()[5003]
        each.upstream(A, B, C)
        time.sleep(0.5)
    assert before == after
    assert load["failures"] == {}
    assert load["requests"] > 100


def test_a_removed_server_that_cannot_be_drained_is_an_error_and_the_next_run_waits_again(site: Site) -> None:
    with WebSocket(site) as client:
        rest = [server for server in (A, B, C) if not server.endswith(str(client.port))]
        options: dict[str, Any] = {"name": "app", "servers": entries(*rest), "close_window": WINDOW, "drain_timeout": 1}
        assert "drain_timeout" in site.machine.refused("nginx_upstream", **options)["msg"]
        assert client.port not in site.answering()
        again = site.machine.refused("nginx_upstream", **options)
        assert f"127.0.0.1:{client.port}" in again["drain"]["waiting"]
    assert site.upstream(*rest)["changed"] is False


@pytest.mark.parametrize("words", [["backend1"], ["127.0.0.1"], ["127.0.0.1:5001"]])
def test_a_server_is_found_by_host_address_or_endpoint(site: Site, words: list[str]) -> None:
    site.upstream(A, "127.0.0.2:5001")
    servers = [{"address": A, "comment": "backend1"}, {"address": "127.0.0.2:5001"}]
    site.machine.module("nginx_upstream", name="app", servers=servers, close_window=WINDOW)
    assert site.drain(*words)["servers"][0]["address"] == A


def test_a_server_that_no_upstream_has_is_an_error(site: Site) -> None:
    result = site.machine.refused("nginx_upstream_server", **site.drain_options("192.0.2.1:80"))
    assert "192.0.2.1:80" in result["msg"]
    assert A in result["msg"]
    allowed = site.drain("192.0.2.1:80", fail_on_not_found=False)
    assert (allowed["changed"], allowed["not_found"]) == (False, ["192.0.2.1:80"])

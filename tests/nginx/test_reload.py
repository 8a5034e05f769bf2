"""A reload is proven, or it is an error and nginx serves what it served before."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

import pytest

from tests.nginx.conftest import Lend
from tests.nginx.connections import Connection
from tests.nginx.machines import Process, wait_for
from tests.nginx.sites import PORTS, WINDOW, A, B, C, Site

EXTRA = "conf.d/extra.conf"
KEY = "limit_req_zone {key} zone=some:1m rate=1000r/s;"
# New files of the same second: nginx 1.27.4 and newer keep one that is overwritten in place within a second.
CERTIFICATE = (
    "mkdir -p /etc/ssl/test; cd /etc/ssl/test; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
    "-nodes -days 2 -subj /CN=test -keyout new-key.pem -out new-cert.pem 2>/dev/null; "
    "touch -d @1700000000 new-key.pem new-cert.pem; mv new-key.pem key.pem; mv new-cert.pem cert.pem"
)
SERVED = (
    "openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | openssl x509 -noout -serial; "
    "openssl x509 -noout -serial -in /etc/ssl/test/cert.pem"
)
LISTENER = "import socket,time\ns = socket.create_server(('0.0.0.0', 8099))\ntime.sleep(600)"


def add(site: Site, text: str, name: str = EXTRA) -> None:
    site.machine.put(site.machine.config(name), text)


@dataclasses.dataclass(frozen=True)
class Occupied:
    """A site whose nginx wants a port that somebody else has."""

    site: Site
    listener: Process

    def free(self) -> None:
        self.listener.kill()
        self.listener.wait()


@pytest.fixture(name="occupied")
def occupied_fixture(site: Site) -> Iterator[Occupied]:
    result = Occupied(site, site.machine.start(["python3", "-c", LISTENER]))
    try:
        wait_for(lambda: ":8099" in site.machine.do(["ss", "-tln"]), "the listener")
        add(site, "server { listen 8099; }\n")
        yield result
    finally:
        result.free()


def test_a_reload_is_proven_by_the_generation(each: Site) -> None:
    before = each.workers()
    add(each, "server { listen 8090; return 200 new; }\n")
    result = each.reload()
    assert (result["changed"], result["reloads"], result["reload"]["proof"]) == (True, 1, "generation")
    assert set(result["reload"]["old_workers"]) == before
    assert set(result["reload"]["new_workers"]) == each.workers() - before
    assert each.machine.do(["curl", "-sS", "http://127.0.0.1:8090/"]) == "new"
    again = each.reload()
    assert (again["changed"], again["reloads"]) == (False, 0)


def test_without_our_endpoint_the_workers_are_the_proof(each: Site) -> None:
    each.endpoint = False
    each.reset(each.files())
    result = each.drain(A)
    assert (result["reload"]["proof"], result["reloads"]) == ("workers", 1)
    assert each.answering() == {5002, 5003}
    assert each.drain(A)["reloads"] == 0


def test_an_occupied_port_is_an_error_and_nothing_changes(occupied: Occupied) -> None:
    site = occupied.site
    before, file = site.workers(), site.file()
    result = site.machine.refused("nginx_reload", close_window=WINDOW)
    assert "8099" in result["msg"]
    result = site.machine.refused("nginx_upstream", **site.upstream_options(A, B))
    assert "8099" in result["msg"]
    assert site.file() == file
    assert site.workers() == before
    assert site.answering() == set(PORTS)
    assert site.info()["live"] == "different"


def test_an_occupied_port_and_a_crashed_worker_are_still_an_error(occupied: Occupied) -> None:
    site = occupied.site
    before = site.workers()
    task = site.machine.start_module("nginx_reload", close_window=WINDOW)
    time.sleep(0.8)
    site.machine.do(["kill", "-9", str(min(before))])
    result = site.machine.result_of(task)
    assert result["failed"]
    assert "8099" in result["msg"]
    assert site.workers() - before, "the crash was not seen"


def test_when_the_port_is_free_again_the_same_task_reloads(occupied: Occupied) -> None:
    site = occupied.site
    assert site.machine.refused("nginx_upstream", **site.upstream_options(A, B))["failed"]
    occupied.free()
    result = site.upstream(A, B)
    assert (result["changed"], result["reloads"]) == (True, 1)
    assert site.info()["live"] == "same"
    assert site.answering() == {5001, 5002}


def test_a_changed_key_of_a_zone_is_an_error(each: Site) -> None:
    each.reset(each.files(http=KEY.format(key="$binary_remote_addr")))
    each.prove()
    before = each.workers()
    add(each, each.files(http=KEY.format(key="$server_name"))["nginx.conf"], "nginx.conf")
    result = each.machine.refused("nginx_reload", close_window=WINDOW)
    assert 'uses the "$server_name" key' in result["msg"]
    assert each.workers() == before


def test_an_error_log_that_moves_is_quoted_too(site: Site) -> None:
    http = KEY.format(key="$binary_remote_addr")
    site.reset(site.files(http=http))
    site.prove()
    text = site.files(http=KEY.format(key="$server_name"))["nginx.conf"].replace("error.log", "moved.log")
    add(site, text, "nginx.conf")
    assert 'uses the "$server_name" key' in site.machine.refused("nginx_reload", close_window=WINDOW)["msg"]


def test_a_rotated_certificate_is_proven(each: Site) -> None:
    each.machine.do(CERTIFICATE)
    tls = "listen 443 ssl; ssl_certificate /etc/ssl/test/cert.pem; ssl_certificate_key /etc/ssl/test/key.pem;"
    each.reset(each.files(server=tls))
    each.prove()
    each.machine.do(CERTIFICATE)
    served, on_disk = each.machine.do(SERVED).split()
    assert served != on_disk
    assert each.info()["live"] == "different"
    result = each.reload()
    assert (result["changed"], result["reload"]["proof"]) == (True, "generation")
    served, on_disk = each.machine.do(SERVED).split()
    assert served == on_disk
    assert each.reload()["changed"] is False


def test_a_change_by_hand_that_nobody_reloaded_is_seen_by_the_next_task(site: Site) -> None:
    add(site, "server { listen 8090; return 200 new; }\n")
    result = site.upstream()
    assert (result["changed"], result["reloads"]) == (True, 1)
    assert site.machine.do(["curl", "-sS", "http://127.0.0.1:8090/"]) == "new"


def test_a_comment_is_no_reason_to_reload(site: Site) -> None:
    add(site, site.files()["nginx.conf"] + "# nothing\n", "nginx.conf")
    assert site.upstream()["reloads"] == 0


def test_nginx_that_is_stopped_is_changed_and_not_started(each: Site) -> None:
    each.machine.do(["systemctl", "stop", "nginx"])
    result = each.upstream(A, B)
    assert (result["changed"], result["reloads"]) == (True, 0)
    assert each.drain(A)["servers"][0]["state"] == "drained"
    assert each.machine.master() == 0
    assert each.reload()["changed"] is False
    each.machine.do(["systemctl", "start", "nginx"])
    assert each.answering() == {5002}
    assert each.drain(A)["reloads"] <= 1
    assert each.enable(A)["reload"]["proof"] == "generation"


def test_nginx_that_is_not_installed_is_named(site: Site) -> None:
    for module, options in (
        ("nginx_upstream", site.upstream_options()),
        ("nginx_upstream_server", site.drain_options(A)),
        ("nginx_upstream_info", {}),
        ("nginx_reload", {}),
    ):
        result = site.machine.refused(module, **{**options, "nginx_binary": "/usr/sbin/no-nginx"})
        assert "/usr/sbin/no-nginx" in result["msg"]


def test_nginx_killed_starts_again_and_is_changed(each: Site) -> None:
    each.machine.do("systemctl kill --signal=KILL nginx; systemctl reset-failed nginx; systemctl start nginx")
    assert each.drain(A)["reload"]["proof"] == "generation"
    assert each.answering() == {5002, 5003}


def test_a_stale_socket_of_an_nginx_without_a_unit_is_removed(each: Site) -> None:
    flavour = each.machine.flavour
    by_hand = [flavour.binary, "-c", each.machine.config("nginx.conf")]
    each.machine.do(["systemctl", "stop", "nginx"])
    each.reload()
    each.machine.do(by_hand)
    each.reload()
    assert each.machine.exists("/run/evenkeel/generation.sock")
    master = each.machine.master()
    # The master first: it would replace a worker that dies before it.
    each.machine.do(f"kill -9 {master} $(pgrep -P {master})")
    # While one of them is still ending its socket takes connections.
    wait_for(lambda: not each.machine.run(["pgrep", "-x", "nginx"]).ok, "nginx has ended")
    assert each.machine.exists("/run/evenkeel/generation.sock")
    assert each.upstream(A, B)["reloads"] == 0
    try:
        each.machine.do(by_hand)
        assert each.answering() == {5001, 5002}
        assert each.drain(A)["reload"]["proof"] == "generation"
    finally:
        each.machine.do(f"kill -9 -- -$(cat {flavour.pid}) || pkill -9 -x nginx")


def test_a_reload_command_of_the_user_is_used(site: Site) -> None:
    add(site, "server { listen 8090; return 200 new; }\n")
    command = ["systemctl", "reload", "nginx"]
    assert site.reload(reload_command=command)["reload"]["proof"] == "generation"
    add(site, "server { listen 8090; return 200 newer; }\n")
    result = site.machine.refused("nginx_reload", close_window=WINDOW, reload_command=["false"])
    assert "false" in result["msg"]
    result = site.machine.refused("nginx_reload", close_window=WINDOW, reload_timeout=1, reload_command=["true"])
    assert "1 s" in result["msg"]


def test_a_closing_flag_that_was_left_is_removed_and_reported(site: Site) -> None:
    site.machine.do(["touch", "/run/evenkeel/closing"])
    assert site.info()["leftovers"] == ["/run/evenkeel/closing"]
    assert site.upstream()["leftovers"] == ["/run/evenkeel/closing"]
    assert not site.machine.exists("/run/evenkeel/closing")


def test_an_idle_client_is_told_before_the_reload(lend: Lend) -> None:
    site = lend("bookworm")
    with Connection(site) as client:
        client.request()
        assert client.answer()[0] == 200
        task = site.machine.start_module("nginx_upstream", **site.upstream_options(A, B, close_window=2))
        wait_for(lambda: site.machine.exists("/run/evenkeel/closing"), "the announcement")
        client.request()
        assert client.answer()[0] == 200
        assert client.headers["connection"] == "close"
        assert site.machine.result_of(task)["reload"]["window"] == 2
    assert not site.machine.exists("/run/evenkeel/closing")


def test_a_second_task_waits_its_turn_and_says_for_whom(lend: Lend) -> None:
    site = lend("bookworm")
    with Connection(site):
        first = site.machine.start_module("nginx_upstream", **site.upstream_options(A, B, close_window=2))
        wait_for(lambda: site.machine.exists("/run/evenkeel/closing"), "the first task has the lock")
        result = site.machine.refused("nginx_upstream_server", **site.drain_options(A, lock_timeout=0.5))
        assert "nginx_upstream" in result["msg"]
        assert str(first.pid) in result["msg"]
        assert site.drain(A, lock_timeout=20)["changed"]
    assert not site.machine.result_of(first).get("failed")
    assert site.answering() == {5002}


def test_check_mode_says_what_would_happen_and_does_nothing(site: Site) -> None:
    before, file = site.workers(), site.file()
    result = site.machine.module("nginx_upstream", check=True, diff=True, **site.upstream_options(A, B))
    assert (result["changed"], result["reloads"], result["reload"]["needed"]) == (True, 0, True)
    assert C in result["diff"][0]["before"]
    assert C not in result["diff"][0]["after"]
    result = site.machine.module("nginx_upstream_server", check=True, diff=True, **site.drain_options(A))
    assert (result["changed"], result["reload"]["needed"]) == (True, True)
    assert "down" in result["diff"][0]["after"]
    assert site.machine.module("nginx_reload", check=True, when="needed")["changed"] is False
    add(site, "server { listen 8090; }\n")
    assert site.machine.module("nginx_reload", check=True, when="needed")["changed"] is True
    assert (site.workers(), site.file()) == (before, file)

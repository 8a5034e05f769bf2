"""When a server counts as drained, and when it does not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drain import DrainWatch, Look, OldWorker, Verdict
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.sockets import Endpoint, Socket

A, B = "10.0.0.11:5000", "10.0.0.12:5000"
NGINX, CLIENT = "10.0.0.1", "192.0.2.7"
PORTS = frozenset({80, 443})


def upstream(address: str = A, local: int = 41234, state: str = "01") -> Socket:
    host, _colon, port = address.rpartition(":")
    return Socket((NGINX, local), (host, int(port)), state, 1000 + local)


def client(remote: int = 50000, state: str = "01", port: int = 80) -> Socket:
    return Socket((NGINX, port), (CLIENT, remote), state, 100_000 + remote)


def worker(*sockets: Socket, pid: int = 10) -> OldWorker:
    return OldWorker(pid, 60.0, sockets)


def watch(*addresses: str, http2: bool = False, **options: t.Any) -> DrainWatch:
    return DrainWatch(addresses or (A,), PORTS, http2, 10.0, **options)


def looks(watched: DrainWatch, *workers: OldWorker, times: int = 3, start: float = 0.0) -> Verdict:
    for number in range(times):
        verdict = watched.look(Look(workers), start + 0.2 * number)
    return verdict


def test_no_old_worker_proves_at_once() -> None:
    verdict = looks(watch(), times=1)
    assert (set(verdict.drained), verdict.done, verdict.old_workers) == ({A}, True, ())


def test_quiet_old_workers_prove_after_three_looks() -> None:
    watched = watch()
    assert not looks(watched, worker(), times=2).done
    assert looks(watched, worker(), times=1, start=0.4).done


def test_a_look_that_is_not_quiet_begins_the_count_anew() -> None:
    watched = watch()
    looks(watched, worker(), times=2)
    assert not looks(watched, worker(client(), upstream()), times=1).done
    assert not looks(watched, worker(), times=2).done
    assert looks(watched, worker(), times=1).done


@pytest.mark.parametrize("state", ["01", "02", "08"])
def test_a_socket_to_the_server_holds_it(state: str) -> None:
    verdict = looks(watch(), worker(client(), upstream(state=state)), times=9)
    (holder,) = verdict.waiting[A]
    assert (holder.worker, holder.client, holder.socket) == (
        10,
        "192.0.2.7:50000",
        "10.0.0.1:41234 -> 10.0.0.11:5000",
    )
    assert holder.age == pytest.approx(1.6)


@pytest.mark.parametrize("state", ["06", "05", "0A"])
def test_a_socket_that_is_closing_holds_nothing(state: str) -> None:
    assert looks(watch(), worker(upstream(state=state))).done


def test_a_client_without_a_server_holds_every_server() -> None:
    """Half an upload: nginx has chosen no server yet, and may choose this one."""
    verdict = looks(watch(A, B), worker(client()), times=9)
    assert (verdict.unproxied, set(verdict.waiting), verdict.waiting[A]) == (1, {A, B}, ())


def test_a_request_at_another_server_holds_nothing() -> None:
    verdict = looks(watch(), worker(client(), upstream(B)))
    assert (verdict.done, verdict.unproxied) == (True, 0)


def test_a_client_of_one_worker_is_not_answered_by_another() -> None:
    verdict = looks(watch(), worker(client()), worker(upstream(B), pid=11))
    assert (verdict.done, verdict.unproxied) == (False, 1)


def test_several_servers_are_drained_one_by_one() -> None:
    verdict = looks(watch(A, B), worker(client(), upstream(B)))
    assert (set(verdict.drained), set(verdict.waiting)) == ({A}, {B})


def test_what_was_drained_once_stays_so() -> None:
    watched = watch()
    looks(watched, worker())
    assert looks(watched, worker(client(), upstream()), times=1).done


def test_with_http2_quiet_must_last_as_long_as_a_body_may_pause() -> None:
    watched = watch(http2=True)
    looks(watched, worker(client(), upstream(B)), times=5)
    assert not looks(watched, worker(client(), upstream(B)), times=1, start=9.9).done
    assert looks(watched, worker(client(), upstream(B)), times=1, start=10.0).done


@pytest.mark.parametrize("address", ["unix:/run/app.sock", "backend.example.com:80"])
def test_a_server_without_an_ip_address_waits_for_the_workers(address: str) -> None:
    watched = watch(address)
    assert not looks(watched, worker(), times=9).done
    assert looks(watched, times=1).done


def test_nobody_is_named_where_several_might_be_meant() -> None:
    verdict = looks(watch(), worker(client(1), client(2), upstream(), upstream(B, 2)))
    assert verdict.waiting[A][0].client == ""


def test_ipv6() -> None:
    address = "[2001:db8::1]:5000"
    held: Endpoint = ("2001:db8::1", 5000)
    watched = watch(address)
    busy = worker(client(), Socket(("2001:db8::2", 40000), held, "01", 1))
    assert looks(watched, busy, times=5).waiting[address][0].socket == "[2001:db8::2]:40000 -> [2001:db8::1]:5000"
    assert looks(watched, worker()).done

"""Requests that do not end in time."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from tests.rollouts.bench import ROOT, Bench
from tests.rollouts.faults.row import FIRST_ONLY, ONE_NEW, Row

# Nobody's load: its end is what the row is about.
LONG = """import socket, sys, time
path, headers = sys.argv[3], sys.argv[4].replace("|", "\\r\\n")
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
connection.sendall(f"GET {path} HTTP/1.1\\r\\nHost: test\\r\\n{headers}\\r\\n\\r\\n".encode())
print("sent", flush=True)
while connection.recv(65536):
    pass
"""
UPGRADE = "Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: 13|Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="


@contextlib.contextmanager
def requests(bench: Bench, path: str, headers: str, number: int = 6) -> Iterator[None]:
    """Have requests under way that do not end by themselves within the drain."""
    command = [sys.executable, "-c", LONG, bench.address("lb1"), "80", path, headers]
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout
            process.stdout.readline()
        yield


def slow(bench: Bench) -> contextlib.AbstractContextManager[None]:
    """Return a break: requests that take longer than the drain may, and all that comes before it."""
    return requests(bench, "/api/slow?seconds=60", "Connection: close")


def websockets(bench: Bench) -> contextlib.AbstractContextManager[None]:
    """Return a break: WebSockets that nobody closes."""
    return requests(bench, "/ws/echo", UPGRADE, number=4)


CUT = {"rollout_drain_timeout": 2, "rollout_on_timeout": "proceed"}
KEEP = {"rollout_drain_timeout": 2, "rollout_on_timeout": "fail"}
PUT_BACK = "The batch is put back, nothing was stopped, and the rollout ends."

ROWS = [
    Row(
        name="a request outlives the drain, and is cut",
        broken=slow,
        variables=CUT,
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        says=(r"cut|outlived the drain", r"succeeded"),
        sees="How many connections to which host outlived the drain. The application's own graceful stop ends them.",
        todo="Set `rollout_drain_timeout` to more than the longest request.",
    ),
    Row(
        name="a request outlives the drain, and is kept",
        broken=slow,
        variables=KEEP,
        options=FIRST_ONLY,
        says=(r"rollout_drain_timeout: 2", r"longest request"),
        sees=f"Who has a request left. {PUT_BACK}",
        todo="Set `rollout_drain_timeout` to more than the longest request, or `rollout_on_timeout` to `proceed`.",
    ),
    Row(
        name="WebSockets outlive the drain, and are cut",
        broken=websockets,
        variables=CUT,
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        says=(r"cut|outlived the drain", r"succeeded"),
        sees="How many connections are cut. A client of a WebSocket connects again, to another server.",
        todo="Nothing: a WebSocket has no end that could be waited for.",
    ),
    Row(
        name="WebSockets outlive the drain, and are kept",
        broken=websockets,
        variables=KEEP,
        options=FIRST_ONLY,
        says=(r"rollout_drain_timeout: 2",),
        sees=f"Who holds the host. {PUT_BACK}",
        todo="Close them first, or let them be cut.",
    ),
]

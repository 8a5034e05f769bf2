"""What a row of the table of faults is: what is broken, what is run, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from collections.abc import Callable, Iterator

from tests.rollouts.bench import BACKENDS, FIRST, LOAD_BALANCERS, ROOT, SECOND, Bench

CLIENT = ROOT / "tests/nginx/client.py"
OLD = dict.fromkeys(BACKENDS, FIRST)
NEW = dict.fromkeys(BACKENDS, SECOND)
# For what a rollout of one host shows as well as one of all, in half the time.
FIRST_ONLY = ("--limit", BACKENDS[0])
ONE_NEW = {**OLD, BACKENDS[0]: SECOND}
Broken = Callable[[Bench], contextlib.AbstractContextManager[None]]
# No measure: a busy machine takes minutes to stage a release that it does not have yet.
LONGEST = 400.0


@contextlib.contextmanager
def nothing(_bench: Bench) -> Iterator[None]:
    """Break nothing."""
    yield


@dataclasses.dataclass(frozen=True)
class Row:
    """A fault, as the documentation tells it and as the test tries it."""

    name: str
    # What the user sees and what to do next, for docs/rollouts.md.
    sees: str
    todo: str
    # Regular expressions that the output of the last command must hold.
    says: tuple[str, ...]
    broken: Broken = nothing
    playbook: str = "deploy.yml"
    version: str = SECOND
    variables: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    options: tuple[str, ...] = ()
    # Runs the command: one that a test kills or runs twice has a way of its own.
    run: Callable[[Bench, Row], tuple[int, str]] = lambda bench, row: once(bench, row)
    code: int = 2
    versions: dict[str, str] = dataclasses.field(default_factory=lambda: dict(OLD))
    # Hosts that stay out of rotation at the end.
    held: tuple[str, ...] = ()
    # The same for each load balancer, where they end differently.
    held_on: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    locked: bool = False
    # Load balancers that clients use meanwhile; a broken one loses requests by itself.
    clients: tuple[str, ...] = LOAD_BALANCERS
    # Load balancers that can be asked afterwards; empty: those.
    asked: tuple[str, ...] = ()
    # How many requests may be lost: more than none only where no rollout could help it. None: as many as there are in
    # a time that depends on the machine; `after` says which.
    lost: int | None = 0
    # What else must be true afterwards.
    after: Callable[[Bench], None] | None = None


def arguments(row: Row) -> list[str]:
    """Return the options of the command that the row runs."""
    extra: dict[str, t.Any] = {**row.variables}
    if row.playbook == "deploy.yml":
        extra["release_version"] = row.version
    return ["-e", json.dumps(extra), *row.options]


def once(bench: Bench, row: Row) -> tuple[int, str]:
    """Run the command once."""
    done = bench.play(row.playbook, *arguments(row), check=False)
    return done.code, done.output


def killed_when(line: str) -> Callable[[Bench, Row], tuple[int, str]]:
    """Return a way to run the command: killed as soon as it prints something, and run again at once."""

    def run(bench: Bench, row: Row) -> tuple[int, str]:
        first = bench.start(row.playbook, *arguments(row))
        kill_at(first, line)
        return once(bench, row)

    return run


def kill_at(process: subprocess.Popen[str], line: str) -> str:
    """Kill a process group with SIGKILL when it prints a line with this text; return what it printed."""
    try:
        return read_until(process, line)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def read_until(process: subprocess.Popen[str], line: str, seconds: float = LONGEST) -> str:
    """Return what a process prints up to a line with this text."""
    assert process.stdout
    end, seen = time.monotonic() + seconds, []
    for text in process.stdout:
        seen.append(text)
        if line in text:
            return "".join(seen)
        assert time.monotonic() < end, f"no {line!r} within {seconds} s:\n{''.join(seen)}"
    raise AssertionError(f"ended without {line!r}:\n{''.join(seen)}")


def during(line: str, work: Callable[[Bench], object]) -> Callable[[Bench, Row], tuple[int, str]]:
    """Return a way to run the command: something is done to the lab when it prints a line with this text."""

    def run(bench: Bench, row: Row) -> tuple[int, str]:
        process = bench.start(row.playbook, *arguments(row))
        try:
            seen = read_until(process, line)
            work(bench)
            rest, _ = process.communicate(timeout=LONGEST)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, seen + rest

    return run


def goes_on(*options: str) -> Callable[[Bench], None]:
    """Return what expects of the same command, when the fault is gone, that it goes on to the end.

    :param options: FIRST_ONLY where what it goes on with is the host that was held
    """

    def expect(bench: Bench) -> None:
        bench.deploy(SECOND, *options)
        assert bench.versions() == (ONE_NEW if options else NEW)
        assert all(serving == list(BACKENDS) for serving in bench.in_rotation().values())
        assert not any(bench.lock().values())

    return expect


class Load:
    """Clients of the load balancers that never ask twice."""

    def __init__(self, bench: Bench, lbs: tuple[str, ...], rate: int = 15) -> None:
        self.commands = [
            [sys.executable, str(CLIENT), f"{bench.address(lb)}:80", str(rate), "/api/get", "GET"] for lb in lbs
        ]
        self.processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Load:
        for command in self.commands:
            self.processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return self

    def end(self) -> tuple[int, dict[str, int]]:
        """Return how many requests were sent and what became of those that failed."""
        sent, failures = 0, dict[str, int]()
        for process in self.processes:
            result = json.loads(process.communicate("", timeout=60)[0])
            sent += result["requests"]
            for kind, number in result["failures"].items():
                failures[kind] = failures.get(kind, 0) + number
        self.processes.clear()
        return sent, failures

    def __exit__(self, *_error: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

"""Ways to break a machine, each undone at its end."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

from tests.rollouts.bench import PORT, Bench
from tests.rollouts.faults.row import Broken


def docker(*words: str) -> None:
    """Run a command of the container engine."""
    subprocess.run(["docker", *words], check=True, capture_output=True)


def pause(bench: Bench, host: str) -> None:
    """Make a machine silent: it takes packets and never answers."""
    docker("pause", bench.container(host))


@contextlib.contextmanager
def awake(bench: Bench, *hosts: str) -> Iterator[None]:
    """Wake up machines that a test has paused."""
    try:
        yield
    finally:
        for host in hosts:
            with contextlib.suppress(subprocess.CalledProcessError):
                docker("unpause", bench.container(host))


def silent(host: str) -> Broken:
    """Return a break: a machine is silent all the while."""

    @contextlib.contextmanager
    def broken(bench: Bench) -> Iterator[None]:
        with awake(bench, host):
            pause(bench, host)
            yield

    return broken


def file(name: str, content: str) -> Broken:
    """Return a break: there is a file with this content in the folder of the lab."""

    @contextlib.contextmanager
    def broken(bench: Bench) -> Iterator[None]:
        path = bench.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        try:
            yield
        finally:
            path.unlink()

    return broken


failing_tasks = file(
    "fails.yml",
    """---
- name: Ask the pager
  ansible.builtin.fail:
    msg: nobody answers
""",
)


def together(*breaks: Broken) -> Broken:
    """Return a break: all of these at once."""

    @contextlib.contextmanager
    def broken(bench: Bench) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for one in breaks:
                stack.enter_context(one(bench))
            yield

    return broken


def close_ssh(bench: Bench, host: str) -> None:
    """Close the way to a machine for new connections, and end those that are open; it goes on serving."""
    docker("exec", bench.container(host), "sh", "-c", "systemctl stop ssh.socket ssh.service; pkill sshd; true")


def opens_ssh(host: str) -> Broken:
    """Return a break that only undoes: the test closes the way to the machine itself."""

    @contextlib.contextmanager
    def broken(bench: Bench) -> Iterator[None]:
        try:
            yield
        finally:
            docker("exec", bench.container(host), "systemctl", "start", "ssh.service")

    return broken


def without_ssh(host: str) -> Broken:
    """Return a break: no way leads to a machine all the while."""

    @contextlib.contextmanager
    def broken(bench: Bench) -> Iterator[None]:
        with opens_ssh(host)(bench):
            close_ssh(bench, host)
            yield

    return broken


def wakes(host: str) -> Broken:
    """Return a break that only undoes: the test pauses the machine itself."""
    return lambda bench: awake(bench, host)


def scripts(host: str, broken: str, mended: str = "") -> Broken:
    """Return a break: lines of sh, run as root on a machine."""

    @contextlib.contextmanager
    def context(bench: Bench) -> Iterator[None]:
        bench.shell(host, broken.format(address=bench.address(host), port=PORT))
        try:
            yield
        finally:
            if mended:
                bench.shell(host, mended.format(address=bench.address(host), port=PORT), check=False)

    return context


def faulty(host: str, version: str, words: str, restarted: bool = False) -> Broken:
    """Return a break: a version of the application has a fault on one host.

    :param restarted: the process has had it since its start
    """

    @contextlib.contextmanager
    def context(bench: Bench) -> Iterator[None]:
        bench.fault(host, version, words)
        if restarted:
            bench.on(host, "systemctl", "restart", f"stub-{host}")
            bench.wait_healthy()
        yield

    return context

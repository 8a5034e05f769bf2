"""Runs stages, two at a time and a patient one beside them, each in a process group that does not outlive it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.testing.report import FAILED, OK, SKIPPED, Result, counted
from tools.testing.stages import Stage

CLEANUP_SECONDS = 180
GRACE_SECONDS = 10
TAIL_LINES = 80
AGAIN = "-again"
FAILED_TEST = re.compile(r"^(?:FAILED|ERROR) (\S+?::.+?)(?: - .*)?$", re.MULTILINE)
# What a command ends with when it cannot run here; the last line that it printed says why.
SKIP_CODE = 77

# Each stage is a session of its own, and where Linux shares the processor by session (CONFIG_SCHED_AUTOGROUP) it looks
# at the niceness of the session, sched(7); elsewhere at that of the process.
PATIENT = ("bash", "-c", 'echo 10 2>/dev/null >/proc/self/autogroup; exec nice -n 10 "$@"', "patient")


def first_of(*queues: deque[Stage]) -> Stage | None:
    """Take the first stage that is left."""
    for queue in queues:
        with contextlib.suppress(IndexError):
            return queue.popleft()
    return None


def end_group(process: subprocess.Popen[bytes], grace: float) -> None:
    """End a process and what it started: politely, then not."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Runner:
    """Runs stages and says so."""

    def __init__(self, root: Path, say: Callable[[str], None] = print) -> None:
        self.root = root
        self.logs = root / ".cache/test"
        self.say = say
        self.grace: float = GRACE_SECONDS
        self.start = time.monotonic()
        self.left = 0
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def run(self, stages: Sequence[Stage], workers: int = 2) -> list[Result]:
        """Run the stages, started in this order; one that is patient when there is processor for it."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.left = len(stages)
        results: dict[str, Result] = {}
        some = deque(stage for stage in stages if not stage.alone and not stage.patient)
        patient = deque(stage for stage in stages if not stage.alone and stage.patient)

        def lane(*queues: deque[Stage]) -> None:
            while stage := first_of(*queues):
                command = (*(PATIENT if stage.patient else ()), *stage.command)
                results[stage.name] = self.stage(dataclasses.replace(stage, command=command))

        with ThreadPoolExecutor(workers + 1) as pool:
            lanes = [pool.submit(lane, some, patient) for _ in range(workers)]
            lanes.append(pool.submit(lane, patient))
            for ended in lanes:
                ended.result()
        for stage in stages:
            if stage.alone:
                results[stage.name] = self.stage(stage)
            elif stage.retry and results[stage.name].state == FAILED and not self.stopped.is_set():
                results[stage.name] = self.again(stage, results[stage.name])
        return [results[stage.name] for stage in stages]

    def again(self, stage: Stage, first: Result) -> Result:
        """Run the tests of a stage that failed once more, with nothing beside them, and say so."""
        log = self.logs / f"{stage.name}.log"
        failed = FAILED_TEST.findall(log.read_text(encoding="utf-8", errors="replace"))
        if not failed:
            return first
        command = (*stage.command, "--last-failed", "--last-failed-no-failures", "none")
        self.left += 1
        second = self.stage(dataclasses.replace(stage, name=f"{stage.name}{AGAIN}", command=command))
        if second.state != OK:
            return first
        why = f"passed only alone: {', '.join(failed)}"
        return dataclasses.replace(first, state=OK, why=why, passed=first.passed + second.passed, failed=0)

    def stop(self) -> None:
        """End what runs and start nothing more."""
        self.stopped.set()
        with self.lock:
            running = list(self.running.values())
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)

    def stage(self, stage: Stage) -> Result:
        """Run one stage."""
        if self.stopped.is_set():
            return Result(stage.name, SKIPPED, 0, "interrupted", skipped=1)
        self.note(f"start {stage.name}")
        began = time.monotonic()
        log = self.logs / f"{stage.name}.log"
        why = self.command(stage, log)
        text = log.read_text(encoding="utf-8", errors="replace")
        state = FAILED if why else OK
        if why == f"exit code {SKIP_CODE}":
            state, why = SKIPPED, "".join(text.splitlines()[-1:])
        if state == FAILED and stage.lab:
            self.clean(stage)
        result = counted(stage.name, state, time.monotonic() - began, why, text)
        with self.lock:
            self.left -= 1
        if state == FAILED:
            tail = "\n".join(text.splitlines()[-TAIL_LINES:])
            self.note(f"{stage.name} FAILED ({why}); the end of {log.relative_to(self.root)}:\n{tail}\n")
        self.note(f"{result.state:<7} {stage.name}, {result.seconds:.0f} s, {self.left} left")
        return result

    def command(self, stage: Stage, log: Path) -> str:
        """Run the command of a stage; return why it failed, empty if it did not."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.words(stage),
                cwd=self.root,
                env={**os.environ, **stage.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            with self.lock:
                self.running[process.pid] = process
            try:
                code = process.wait(stage.seconds)
            except subprocess.TimeoutExpired:
                return f"still running after {stage.seconds} s"
            finally:
                end_group(process, self.grace)
                with self.lock:
                    del self.running[process.pid]
        if self.stopped.is_set():
            return "interrupted"
        return f"exit code {code}" if code else ""

    def words(self, stage: Stage) -> list[str]:
        """Return the command; where it may be tried again, pytest remembers what failed."""
        cache = ["-o", f"cache_dir={self.logs}/{stage.name.removesuffix(AGAIN)}.pytest"] if stage.retry else []
        return [*stage.command, *cache]

    def clean(self, stage: Stage) -> None:
        """Remove the machines that a failed stage left behind."""
        command = [sys.executable, "-m", "tools.lab", "--lab-dir", f".lab/{stage.lab}", "destroy"]
        try:
            done = subprocess.run(command, cwd=self.root, timeout=CLEANUP_SECONDS, check=False)
            problem = f"exit code {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            problem = f"still running after {CLEANUP_SECONDS} s"
        if problem:
            self.note(f"{stage.name}: its machines were not removed ({problem}): make clean")

    def note(self, text: str) -> None:
        """Say something with the time since the start."""
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        with self.lock:
            self.say(f"[{minutes:02}:{seconds:02}] {text}")

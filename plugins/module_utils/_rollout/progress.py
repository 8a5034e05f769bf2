# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""The lines that tell of a rollout while it runs."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import words

# What a task says in its variable __evenkeel_step, as it is told while it runs and when it has ended.
STEPS = {
    "lock": ("locking", "locked"),
    "stage": ("staging", "staged"),
    "migrate": ("migrating", "migrated"),
    "hold": ("holding", "held"),
    "drain": ("draining", "drained"),
    "switch": ("switching", "switched"),
    "restart": ("restarting", "restarted"),
    "health": ("proving its health", "healthy"),
    "watch": ("watching", "did well"),
    "release": ("releasing", "released"),
}
# These come before the first batch.
BEFORE = ("lock", "stage", "migrate")
# One task does these for a whole batch.
TOGETHER = ("hold", "drain")
Result = Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Task:
    """A task of ours on one host.

    :param key: tells it from every other task
    :param batch: the hosts of its batch
    :param hosts: all hosts of its play
    :param target: the host that it is delegated to
    """

    key: str
    step: str
    host: str
    batch: Sequence[str] = ()
    hosts: Sequence[str] = ()
    target: str = ""


class Progress:
    """What has happened so far. All times are seconds of a clock that only ever grows."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._began: float | None = None
        self._running: dict[tuple[str, str], tuple[float, Task, str]] = {}
        self._plan: Mapping[str, t.Any] = {}
        self._batches: list[tuple[str, ...]] = []
        self._held: tuple[str, ...] = ()
        self._watched: tuple[str, ...] = ()
        self._told: tuple[str, ...] = ()
        self._over: set[str] = set()
        self._reasons: dict[tuple[str, str], str] = {}

    def learn(self, plan: t.Any) -> None:
        """Take the plan of a rollout, which tells how many batches there are; one command may have several."""
        if isinstance(plan, Mapping):
            self._forget()
            self._plan = plan

    def start(self, task: Task, now: float) -> list[str]:
        """Return what to say when a task starts."""
        if self._began is None:
            self._began = now
        if tuple(task.batch) not in self._batches and 0 < len(task.batch) < len(task.hosts):
            self._batches.append(tuple(task.batch))
        subject = self._subject(task)
        self._running[task.key, task.host] = (now, task, subject)
        # Nobody is watched yet when the first batch is held, and several tasks watch one batch.
        return [self._line(task, now, subject, f"{_words(task.step)[0]} ...")] if subject else []

    def retry(self, key: str, host: str, result: Result, now: float) -> list[str]:
        """Return what to say when a task tries again: who a drain waits for."""
        running = self._running.get((key, host))
        waiting = (result.get("drain") or {}).get("waiting") if running and running[1].step == "drain" else None
        if running is None or not isinstance(waiting, Mapping) or not waiting:
            return []
        names = {address: self._name(address) for address in waiting}
        each = ", ".join(f"{names[address]} {len(holders)}" for address, holders in sorted(waiting.items()))
        left = words.count(sum(len(holders) for holders in waiting.values()), "connection")
        return [self._line(running[1], now, running[2], f"{left} left ({each}) after {_spent(now, running)}")]

    def end(self, key: str, host: str, now: float) -> list[str]:
        """Return what to say when a task has ended well."""
        running = self._running.pop((key, host), None)
        if running is None:
            return []
        _began, task, subject = running
        self._moved(task)
        left = self._left(host) if task.step == "health" else ""
        # An unreachable load balancer does not always end a step.
        but = f", but {why}" if (why := self._reasons.pop((key, host), "")) else ""
        told = f"{_words(task.step)[1]} ({_spent(now, running)}){but}{left}"
        return [self._line(task, now, subject, told)] if subject else []

    def skip(self, key: str, host: str, now: float) -> list[str]:
        """Return what to say when a task was not for this host after all."""
        running = self._running.pop((key, host), None)
        if running is None or not running[2]:
            return []
        task = running[1]
        told = "nothing to wait for" if task.step == "drain" else f"{task.step} skipped"
        return [self._line(task, now, running[2], told)]

    def item(self, key: str, host: str, result: Result) -> None:
        """Remember why the first item of a loop has failed: the result of the loop does not tell which one has."""
        self._reasons.setdefault((key, host), _of_item(result))

    def fail(self, key: str, host: str, result: Result, now: float) -> list[str]:
        """Return what to say when a task has failed."""
        running = self._running.pop((key, host), None)
        why = self._reasons.pop((key, host), "") or reason(result)
        if running is None:
            return []
        task = running[1]
        self._over.update(task.batch if task.step in TOGETHER else [host])
        told = f"{task.step} FAILED after {_spent(now, running)}: {why}"
        return [self._line(task, now, running[2] or host, told)]

    def _moved(self, task: Task) -> None:
        """Remember who is out of rotation, and who came back last."""
        if task.step == "hold":
            batch = tuple(task.batch) or (task.host,)
            if batch != self._held:
                self._held, self._watched = batch, self._held
        elif task.step == "release":
            self._held, self._watched = (), self._held

    def _subject(self, task: Task) -> str:
        """Return whom a step is about; empty: nobody."""
        if task.step == "lock":
            return task.target or task.host
        if task.step in TOGETHER:
            return words.listing(task.batch or (task.host,))
        if task.step == "release":
            return words.listing(self._held or (task.host,))
        if task.step == "watch":
            untold = self._watched if self._watched != self._told else ()
            self._told = self._watched
            return words.listing(untold)
        return task.host

    def _line(self, task: Task, now: float, subject: str, told: str) -> str:
        spent = words.stopwatch(now - (self._began or 0.0))
        batch = "" if task.step in BEFORE else self._batch(task)
        return "  ".join(part for part in (f"[{spent}]" + (f" {batch}" if batch else ""), subject, told) if part)

    def _batch(self, task: Task) -> str:
        # After the last batch any host of the group speaks for it.
        about = (self._held or self._watched) if task.step in ("release", "watch") else ()
        planned = (self._plan.get("hosts") or {}).get(about[0] if about else task.host) or {}
        if planned.get("batch"):
            return f"batch {planned['batch']} of {len(self._plan.get('batches') or ())}"
        batch = tuple(task.batch)
        if batch not in self._batches or batch[0] not in task.hosts:
            return ""
        number = self._batches.index(batch) + 1
        after = len(task.hosts) - list(task.hosts).index(batch[0]) - len(batch)
        return f"batch {number} of {number + max(-(-after // len(batch)), 0)}"

    def _left(self, host: str) -> str:
        """Return how many hosts are left, after this one."""
        order = list(self._plan.get("order") or ())
        # A host that failed is healthy again when it has gone back: it is told of once.
        if host not in order or host in self._over:
            return ""
        self._over.add(host)
        return f", {words.count(len(set(order) - self._over), 'host')} left"

    def _name(self, address: str) -> str:
        hosts: Iterable[tuple[str, t.Any]] = (self._plan.get("hosts") or {}).items()
        return next((name for name, host in hosts if host.get("address") == address), address)


def reason(result: Result) -> str:
    """Return the first line of what a result says; of a loop, that of the first item that is known to have failed."""
    items = [item for item in result.get("results") or () if isinstance(item, Mapping)]
    failed = [item for item in items if item.get("failed") or item.get("unreachable")]
    return _of_item(failed[0]) if failed else _message(result)


def _of_item(result: Result) -> str:
    label = result.get(str(result.get("ansible_loop_var", "item")))
    return f"{label}: {_message(result)}" if isinstance(label, str) else _message(result)


def _message(result: Result) -> str:
    keys = ("msg", "module_stderr", "stderr", "exception", "censored")
    return next((line for line in (words.first_line(result.get(key)) for key in keys) if line), "no message")


def _words(step: str) -> tuple[str, str]:
    return STEPS.get(step, (step, f"{step} done"))


def _spent(now: float, running: tuple[float, Task, str]) -> str:
    return words.duration(now - running[0])

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""What the module rollout does: take, keep, give back or break the lock, and write the journal."""

from __future__ import annotations

import contextlib
import json
import typing as t
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import journal, lock, metrics, words
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.journal import Event
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import RolloutHost

# What a summary tells at its top and last.json repeats.
REPEATED = ("outcome", "message")


def run(params: Mapping[str, t.Any], host: RolloutHost, check_mode: bool) -> dict[str, t.Any]:
    """Bring the lock of a group into a state.

    :param check_mode: say what would change, and write nothing
    :raises ConfigError: options that cannot be used
    :raises TaskError: the lock is not ours
    """
    found = list(findings(params))
    if found:
        raise ConfigError(found)
    folder = f"{params['path'].rstrip('/')}/{params['name']}"
    with contextlib.nullcontext() if check_mode else host.alone(folder):
        # What it reads is true only in here.
        keeper = Keeper(folder, params, host, check_mode)
        if params["state"] == "unlocked" and params["break_run"]:
            keeper.break_named()
        elif params["state"] == "unlocked":
            keeper.unlock()
        elif params["state"] == "locked":
            keeper.take()
        else:
            keeper.note()
        return keeper.result()


def findings(params: Mapping[str, t.Any]) -> Iterator[Finding]:
    """Return everything that is wrong with the options."""
    allowed = "must be letters, digits and _ . -, 64 characters at most, and must not start with . or -"
    if not lock.NAME.fullmatch(params["name"]):
        yield Finding("name", params["name"], allowed)
    needed = params["state"] != "unlocked" or not params["break_run"]
    for name, value in (("run", params["run"]), ("break_run", params["break_run"])):
        if value and not lock.RUN.fullmatch(value):
            yield Finding(name, value, allowed)
    if needed and not params["run"]:
        yield Finding("run", params["run"], "must be given, unless state is unlocked and break_run is given")
    if params["state"] != "unlocked":
        for name in ("break_run", "summary", "timeline"):
            if params[name]:
                yield Finding(name, params[name], "is only for state unlocked")
    if params["keep"] < 1:
        yield Finding("keep", params["keep"], "must be at least 1")
    yield from journal.findings(params["events"])


class Keeper:
    """The directory of one group on one load balancer."""

    def __init__(self, folder: str, params: Mapping[str, t.Any], host: RolloutHost, check_mode: bool) -> None:
        self.folder = folder
        self._params = params
        self._host = host
        self._check_mode = check_mode
        self._run = params["run"]
        self._clock = host.wall()
        # The journal is by the clock of the controller.
        self._at = params["now"] or self._clock
        self._lock = lock.read(host, self.folder)
        self._changed = False
        self._broken: list[str] = []
        self._warnings: list[str] = []

    def result(self) -> dict[str, t.Any]:
        """Return what the module returns."""
        return {"changed": self._changed, **self._state(), "warnings": self._warnings}

    def _state(self) -> dict[str, t.Any]:
        return {
            "lock": lock.with_age(self._lock, self._clock),
            "clock": self._clock,
            "offset": round(self._clock - self._params["now"], 3) if self._params["now"] else 0.0,
            "broken": self._broken,
        }

    # The states

    def take(self) -> None:
        """Take the lock, also out of the hands of a run that is proven dead.

        :raises TaskError: another run has it, or that of a group which has the same hosts
        """
        events: list[Event] = []
        if self._lock and self._lock["run"] != self._run:
            if self._lock["run"] not in self._params["gone"]:
                raise self._refused()
            events.append(self._break("its controller's process is gone"))
            self._warnings.append(f"{self._params['name']}: {events[0]['text']}")
        if self._lock:
            self._keep(self._events())
            return
        self._lock = lock.taken(self._params, self._clock)
        if not self._check_mode:
            lock.write(self._host, self.folder, self._lock)
        self._give_way()
        self._changed = True
        self._append([*events, *self._with("locked", f"locked by {self._params['who']}")])
        self._write_metrics()

    def note(self) -> None:
        """Write what was done.

        :raises TaskError: the lock is not ours any more
        """
        self._must_be_ours()
        self._keep(self._events())

    def unlock(self) -> None:
        """Write the summary and give the lock back.

        :raises TaskError: the lock is not ours any more
        """
        known = journal.read(self._host, self._run_folder)
        if not self._lock and (not known or journal.last_of(known, "unlocked")):
            # Nothing to give back: this run never came here, or it has been here before.
            self._write_summary(only_again=True)
            return
        self._must_be_ours()
        self._changed = True
        started = self._lock.get("taken", 0.0)
        self._write_summary(started)
        self._append(self._with("unlocked", f"unlocked by {self._params['who'] or self._lock.get('who', '')}"))
        self._remove_lock()
        self._prune()

    def break_named(self) -> None:
        """Break the lock of the run that the user has named.

        :raises TaskError: another run has the lock
        """
        if not self._lock:
            return
        if self._lock["run"] != self._params["break_run"]:
            raise self._refused()
        self._break("by name")
        self._remove_lock()

    # Locks

    def _give_way(self) -> None:
        """Give the lock back where a group that has the same hosts is locked: looked at only now, or two would miss it.

        :raises TaskError: it is
        """
        for name in filter(lock.NAME.fullmatch, self._params["beside"]):
            other = lock.read(self._host, f"{self._params['path'].rstrip('/')}/{name}")
            if other and other["run"] not in (*self._params["gone"], self._run):
                self._remove_lock()
                start = f"{self._params['name']}: not locked, because {name} has hosts of it"
                raise TaskError(f"{start} and is {self._held(name, other)}", lost=False, **self._state())

    def _must_be_ours(self) -> None:
        if self._lock and self._lock["run"] == self._run:
            return
        start = f"{self._params['name']}: run {self._run} has lost its lock on {self._host.name()}"
        broken = journal.last_of(journal.read(self._host, self._run_folder), "lock_broken")
        why = [str(broken["text"])] if broken else []
        if self._lock:
            why.append(f"now it is held by {lock.held(self._lock, self._clock)}")
        text = "; ".join(why) or f"{self.folder}/{lock.LOCK} is gone"
        raise TaskError(f"{start}: {text}. Nothing was written.", lost=True, **self._state())

    def _refused(self) -> TaskError:
        name = self._params["name"]
        return TaskError(f"{name}: {self._held(name, self._lock)}", lost=False, **self._state())

    def _held(self, name: str, found: dict[str, t.Any]) -> str:
        """Return who has the lock of a group, and how it is broken."""
        message = f"locked on {self._host.name()} by {lock.held(found, self._clock)}."
        return f"{message} If that run is dead: {words.unlock(name, found['run'])}" if found["run"] else message

    def _break(self, why: str) -> Event:
        """Break the lock that is there, and tell it in the journal of the run that had it."""
        holder = self._lock["run"]
        whose = f" of {self._lock['who']}" if self._lock.get("who") else ""
        by = ", ".join(part for part in (f"run {self._run}" if self._run else "", self._params["who"]) if part)
        text = f"the lock of run {holder}{whose} was broken ({why}) by {by or 'an unnamed user'}"
        event = journal.normal({"at": self._at, "event": "lock_broken", "text": text, "run": holder})
        if not self._check_mode:
            journal.append(self._host, f"{self.folder}/{holder}", [event])
        self._broken.append(holder)
        self._changed = True
        self._lock = {}
        return event

    def _remove_lock(self) -> None:
        self._lock = {}
        if not self._check_mode:
            lock.remove(self._host, self.folder)
        self._write_metrics()

    # Journals

    @property
    def _run_folder(self) -> str:
        return f"{self.folder}/{self._run}"

    def _events(self) -> list[Event]:
        return [journal.normal(event) for event in self._params["events"]]

    def _with(self, name: str, text: str) -> list[Event]:
        """Return the given events, and one of this name unless it is among them."""
        events = self._events()
        if any(event["event"] == name for event in events):
            return events
        return [*events, journal.normal({"at": self._at, "event": name, "text": text})]

    def _append(self, events: Iterable[Event]) -> bool:
        new = journal.new_of(self._host, self._run_folder, events)
        if not self._check_mode:
            journal.append(self._host, self._run_folder, new)
        return bool(new)

    def _keep(self, events: Iterable[Event]) -> None:
        """Write what is new into the journal and into the lock, which is ours."""
        step = self._params["step"] or self._lock.get("step", "")
        if not self._append(events) and step == self._lock.get("step", ""):
            return
        self._changed = True
        self._lock = {**self._lock, "step": step, "seen": self._clock}
        if not self._check_mode:
            lock.write(self._host, self.folder, self._lock)

    # What remains of a run

    def _write_summary(self, started: float = 0.0, only_again: bool = False) -> None:
        """Write the summary, the picture, and what is known of the last run.

        :param only_again: the run has ended before: its time of end stays
        """
        summary, timeline = self._params["summary"], self._params["timeline"]
        wanted = {
            journal.SUMMARY: json.dumps(summary, indent=1, default=str) + "\n" if summary else "",
            journal.TIMELINE: timeline,
        }
        differs = False
        for name, text in wanted.items():
            if text and self._host.read(f"{self._run_folder}/{name}") != text:
                differs = True
                self._write(f"{self._run_folder}/{name}", text)
        self._changed = self._changed or differs
        if summary and not only_again:
            last = {
                **{key: self._lock.get(key) or self._params[key] for key in ("run", "verb", "version", "who")},
                **{key: str(summary.get(key, "")) for key in REPEATED},
                "started": started,
                "finished": self._clock,
                "requests": summary.get("requests") or {},
            }
            self._write(f"{self.folder}/{lock.LAST}", json.dumps(last, default=str) + "\n")

    def _write(self, path: str, text: str, mode: int = 0o600) -> None:
        if not self._check_mode:
            self._host.write(path, text, mode)

    def _write_metrics(self) -> None:
        folder = self._params["metrics_dir"].rstrip("/")
        if folder and self._host.is_folder(folder):
            name = self._params["name"]
            text = metrics.text(name, self._lock, lock.last(self._host, self.folder))
            self._write(f"{folder}/{metrics.file_name(name)}", text, 0o644)

    def _prune(self) -> None:
        """Remove the oldest runs; a run begins with its date."""
        others = [run for run in self._host.folders(self.folder) if run != self._run and lock.RUN.fullmatch(run)]
        for old in others[: max(len(others) - self._params["keep"] + 1, 0)]:
            if not self._check_mode:
                self._host.remove_tree(f"{self.folder}/{old}")

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The one way to change nginx: all of a change is on disk and serves, or none of it.

A run may be killed at any moment. Before it writes anything it notes how to take the change back; the next run finds
the notes, takes the change back, and then does its own work. The notes go when the reload is proven.
"""

from __future__ import annotations

import contextlib
import dataclasses
import posixpath
import re
import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, HostError, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import reload as reloading
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import sight, undo
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import (
    BrokenConfig,
    Content,
    Host,
    Record,
    ReloadError,
    Tested,
)
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.reload import Loading, Reloaded
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.sight import Seen

_WARNING = re.compile(r"\[warn\] (?:\d+#\d+: )?(.*) in (/\S+):\d+$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Change:
    """What a module wants of nginx."""

    # The new text of each file; None: it goes. A file that has this text already is left alone.
    files: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    # Servers that this takes out of use.
    drain: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    # Reload also where nginx serves this already.
    force_reload: bool = False


@dataclasses.dataclass(frozen=True)
class FileDiff:
    """A file before and after; None: there is none."""

    path: str
    before: str | None
    after: str | None


@dataclasses.dataclass(frozen=True)
class Applied:
    """What came of a change."""

    files: tuple[FileDiff, ...]
    reloaded: Reloaded
    # As it is now, or as it was where nothing may be changed.
    configuration: Configuration
    # In check mode: whether nginx would be reloaded.
    would_reload: bool = False
    # nginx has not been told, as nobody wanted it yet.
    outstanding: bool = False
    # What killed runs had left, and was cleared away.
    leftovers: tuple[str, ...] = ()
    # Servers that were taken out, by this run or an earlier one of the same name, and not seen drained.
    pending_drain: tuple[str, ...] = ()
    # Warnings of the reload and of the plan.
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is different now."""
        return bool(self.files) or self.reloaded.performed or self.would_reload


Plan = Callable[[Configuration], Change]


def apply(host: Host, what: str, plan: Plan, check_mode: bool, reload: bool = True) -> Applied:
    """Change nginx: plan, write, test, reload, prove; on a failure everything is as it was.

    :param what: who wants it, for whoever has to wait
    :param plan: given the configuration, say what to change; called under the lock
    :param reload: whether nginx shall serve it now; else it serves it after the next reload
    :raises BrokenConfig: nginx refuses the configuration, before the change or with it
    :raises ReloadError: the change does not serve
    :raises LockError: somebody else is changing nginx
    """
    if check_mode:
        return _predict(host, plan, reload)
    with host.lock(what):
        return _apply(host, what, plan, reload)


def as_result(applied: Applied) -> dict[str, t.Any]:
    """Return what each module tells of it; the warnings are for the module to join with its own."""
    return {
        "changed": applied.changed,
        "reloads": int(applied.reloaded.performed),
        "reload": {**reloading.as_result(applied.reloaded), "needed": _needed(applied)},
        "leftovers": list(applied.leftovers),
        "diff": [
            {
                "before_header": diff.path,
                "after_header": diff.path,
                "before": diff.before or "",
                "after": diff.after or "",
            }
            for diff in applied.files
        ],
    }


def _needed(applied: Applied) -> bool:
    return applied.would_reload or applied.outstanding or applied.reloaded.performed


def _predict(host: Host, plan: Plan, reload: bool) -> Applied:
    before = sight.see(host, host.build())
    change = _planned(host, before, plan)
    diffs = _diffs(host, change)
    texts = {path: file.text for path, file in before.configuration.files.items()}
    for diff in diffs:
        texts.pop(diff.path, None)
        texts.update({} if diff.after is None else {diff.path: diff.after})
    after = dataclasses.replace(before, fingerprint=sight.digest(host, before.configuration, texts))
    due = host.master() is not None and _due(host, before, after, change, host.record())
    return Applied(diffs, Reloaded(), before.configuration, would_reload=due and reload, warnings=change.warnings)


def _apply(host: Host, what: str, plan: Plan, reload: bool) -> Applied:
    recovered = _recover(host)
    host.prepare()
    before = sight.see(host, host.build())
    leftovers = (*recovered, *_clear(host, before))
    change = _planned(host, before, plan)
    diffs = _diffs(host, change)
    _refuse_stale(before, diffs)
    record = host.record()
    if diffs and change.drain:
        known = record.drain.get(what, ())
        record = _keep(host, record, drain={**record.drain, what: tuple(sorted({*known, *change.drain}))})
    saved = undo.save(host, {diff.path: diff.after for diff in diffs}, [before.generation_file])
    try:
        after = _write(host, before, diffs, saved)
        due = _due(host, before, after, change, record)
        reloaded = _reload(host, before, after, saved) if due and reload else Reloaded()
    except TaskError as error:
        _back_out(host, what, before, saved, error)
        raise
    host.set_undo(None)
    stopped = host.master() is None
    outstanding = due and not reloaded.performed and not stopped
    if outstanding != record.reload or reloaded.performed:
        last = _last(host, what, reloaded) if reloaded.performed else record.last
        record = _keep(host, record, reload=outstanding, last=last)
    return Applied(
        diffs,
        reloaded,
        after.configuration,
        outstanding=outstanding,
        leftovers=leftovers,
        pending_drain=pending(record, what, after.configuration),
        warnings=(*change.warnings, *reloaded.warnings),
    )


def pending(record: Record, what: str, configuration: Configuration) -> tuple[str, ...]:
    """Return the servers that were taken out and are not back: a change that was taken back has left them in use."""
    used = {s.address for site in configuration.upstreams for s in site.upstream.servers if s.enabled}
    return tuple(address for address in record.drain.get(what, ()) if address not in used)


def _recover(host: Host) -> list[str]:
    """Take back what a killed run had half made."""
    notes = host.undo()
    if notes is None:
        return []
    _keep(host, host.record(), reload=True)
    restored = undo.take_back(host, undo.load(notes))
    host.set_undo(None)
    return [f"{path}: taken back, as the run that changed it did not end" for path in restored]


def _clear(host: Host, seen: Seen) -> list[str]:
    found = host.leftovers(sight.folders(host, seen))
    for path in found:
        host.remove(path)
    return found


def _planned(host: Host, before: Seen, plan: Plan) -> Change:
    """Ask for the plan. What nginx refuses already may only be changed where the plan writes the very file it names."""
    broken = BrokenConfig(
        f"{reloading.refused(before.tested.messages)} It was so before this task, which has written nothing.",
        nginx=before.tested.messages,
    )
    try:
        change = plan(before.configuration)
    except (TaskError, ConfigError):
        if before.tested.ok:
            raise
        raise broken from None
    if not before.tested.ok and not before.configuration.blamed & {host.real(path) for path in change.files}:
        raise broken
    return change


def _diffs(host: Host, change: Change) -> tuple[FileDiff, ...]:
    diffs = (FileDiff(path, host.read(path), text) for path, text in sorted(change.files.items()))
    return tuple(diff for diff in diffs if diff.before != diff.after)


def _refuse_stale(before: Seen, diffs: Iterable[FileDiff]) -> None:
    """Refuse to write what was planned from another text than the file has: somebody else's change would be lost."""
    for diff in diffs:
        known = before.configuration.files.get(diff.path)
        if before.tested.ok and known is not None and known.text != diff.before:
            raise HostError(f"{diff.path} was changed by somebody else at this very moment; nothing was written")


def _write(host: Host, before: Seen, diffs: Iterable[FileDiff], saved: list[undo.Saved]) -> Seen:
    """Write the files and test them.

    :raises BrokenConfig: nginx refuses them, or warns of one of them
    """
    diffs = tuple(diffs)
    if not diffs:
        return before
    host.set_undo(undo.dump(saved))
    for diff in diffs:
        _write_one(host, diff, saved)
    tested = host.dump()
    if not tested.ok:
        raise BrokenConfig(
            f"{reloading.refused(tested.messages)} The files are as they were.",
            nginx=tested.messages,
            line=_quoted_line(host, tested),
        )
    warnings = _new_warnings(host, before.tested, tested, {host.real(diff.path) for diff in diffs})
    if warnings:
        told = "nginx takes this configuration but would not do what it says, so the files are as they were:"
        raise BrokenConfig(f"{told} {' '.join(warnings)}", nginx=tested.messages)
    after = sight.see(host, before.build, tested)
    _refuse_unread(host, after, diffs)
    return after


def _refuse_unread(host: Host, after: Seen, diffs: Iterable[FileDiff]) -> None:
    read = {host.real(path) for path in after.configuration.files}
    for diff in diffs:
        if diff.after is not None and host.real(diff.path) not in read:
            folder = posixpath.dirname(diff.path)
            raise BrokenConfig(
                f"nginx does not read {diff.path}, so the files are as they were: write 'include {folder}/*.conf;' "
                f"into the http block of {host.conf_path}."
            )


def _write_one(host: Host, diff: FileDiff, saved: Iterable[undo.Saved]) -> None:
    if diff.after is None:
        host.remove(diff.path)
        return
    found = next(entry.before for entry in saved if entry.path == diff.path)
    host.write(diff.path, dataclasses.replace(found, text=diff.after) if found else Content(diff.after))


def _new_warnings(host: Host, before: Tested, after: Tested, ours: set[str]) -> list[str]:
    """Return the warnings that name a file of ours and were not there before; a line number may have changed."""
    known = set(_WARNING.findall(before.messages))
    return [
        f"[warn] {told} in {path}"
        for told, path in _WARNING.findall(after.messages)
        if (told, path) not in known and host.real(path) in ours
    ]


def _quoted_line(host: Host, tested: Tested) -> str:
    """Return the line that nginx complains of."""
    found = re.search(r" in (/\S+):(\d+)$", tested.messages, re.MULTILINE)
    lines = (host.read(found[1]) or "").splitlines() if found else []
    return lines[int(found[2]) - 1].strip() if found and 0 < int(found[2]) <= len(lines) else ""


def _due(host: Host, before: Seen, after: Seen, change: Change, record: Record) -> bool:
    """Whether nginx has to be told what is on disk afterwards: a running one by a reload, a stopped one by a file."""
    if change.force_reload:
        return True
    state = sight.live(host, after, record.reload)
    if state == "stopped" and after.generation_file:
        return after.fingerprint not in (host.read(after.generation_file) or "")
    if state in ("stopped", "unknown"):
        return before.fingerprint != after.fingerprint
    return state == "different"


def _reload(host: Host, before: Seen, after: Seen, saved: list[undo.Saved]) -> Reloaded:
    if after.generation_file:
        # It may be new with this change, and then it is not among what was saved.
        if all(entry.path != after.generation_file for entry in saved):
            saved.extend(undo.save(host, {}, [after.generation_file]))
        host.set_undo(undo.dump(saved))
    return reloading.reload(host, _loading(after, before))


def _loading(seen: Seen, before: Seen) -> Loading:
    return Loading(
        seen.build,
        seen.configuration,
        seen.fingerprint,
        seen.generation_file,
        {*before.logs, *seen.logs},
        before.configuration.listen_ports,
    )


def _back_out(host: Host, what: str, before: Seen, saved: list[undo.Saved], error: TaskError) -> None:
    """Put the old files back, and make nginx serve them where it may not do so any more.

    :raises HostError: they could not be put back; the next run does it
    """
    try:
        undo.take_back(host, saved)
        host.set_undo(None)
    except HostError as second:
        raise HostError(f"{error} The old files could not be put back: {second} The next run does it.") from error
    if not isinstance(error, ReloadError):
        return
    failed = {**_last(host, what, Reloaded()), "outcome": "failed", "error": str(error)}
    record = _keep(host, host.record(), reload=sight.live(host, before) != "same", last=failed)
    if record.reload and error.rotated:
        # Where this fails too, the record makes the next run reload.
        with contextlib.suppress(TaskError):
            reloading.reload(host, _loading(before, before))
            _keep(host, record, reload=False)


def _keep(host: Host, record: Record, **values: t.Any) -> Record:
    kept = dataclasses.replace(record, **values)
    if kept != record:
        host.set_record(kept)
    return kept


def _last(host: Host, what: str, reloaded: Reloaded) -> dict[str, t.Any]:
    moment = host.wall().strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "at": moment,
        "what": what,
        "outcome": "proven",
        "proof": reloaded.proof,
        "seconds": round(reloaded.seconds, 3),
    }

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The only file with effects: one nginx, its files, its processes and its sockets."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import glob
import hashlib
import json
import os
import posixpath
import secrets
import shutil
import signal
import socket
import stat
import time
import typing as t
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import HostError
from ansible_collections.evenkeel.web.plugins.module_utils._common.host import locked, sync, told
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drain import Look, OldWorker
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import Build, read_build
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import (
    FORGOTTEN,
    Content,
    LockError,
    Record,
    ReloadError,
    Target,
    Tested,
    Worker,
)
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.sockets import Socket, parse_table

# Where nginx may be although a user's PATH does not lead there.
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
LOCKS = "/run/lock"
# Files that are not finished, or were not removed, begin with this.
UNFINISHED = ".evenkeel-"
UNDO = ".evenkeel.json"
MASTER, WORKER, RETIRED = "nginx: master process", "nginx: worker process", "nginx: worker process is shutting down"
MOST_OF_LOG = 1 << 20
LOCK_INTERVAL = 0.1


class LocalHost:
    """The nginx of this machine that the options name.

    :param run_command: what AnsibleModule.run_command is: runs a program and returns its code, output and errors
    """

    def __init__(self, target: Target, run_command: Callable[..., tuple[int, bytes, bytes]]) -> None:
        self._target = target
        self._run_command = run_command
        self._pid_path = ""
        self._lock: int | None = None

    @property
    def target(self) -> Target:
        return self._target

    @property
    def upstreams_dir(self) -> str:
        return self._target.upstreams_dir or f"{posixpath.dirname(self.conf_path)}/upstreams.d"

    @functools.cached_property
    def conf_path(self) -> str:
        if self._target.config_dir:
            return posixpath.join(self._target.config_dir, "nginx.conf")
        build = self.build()
        return posixpath.join(build.prefix, build.conf_path)

    # Time

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def wall(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.timezone.utc)

    # The program

    def build(self) -> Build:
        return self._build

    @functools.cached_property
    def _build(self) -> Build:
        return read_build(self._run([self._binary, "-V"]).messages)

    @functools.cached_property
    def _binary(self) -> str:
        path = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"
        found = shutil.which(self._target.nginx_binary, path=path)
        if found is None:
            raise HostError(
                f"nginx_binary: there is no program {self._target.nginx_binary}. Install nginx on this host, or say "
                f"where it is."
            )
        return found

    def test(self) -> Tested:
        return self._nginx("-t")

    def dump(self) -> Tested:
        return self._nginx("-T")

    def _nginx(self, option: str) -> Tested:
        chosen = ["-c", self.conf_path] if self._target.config_dir else []
        tested = self._run([self._binary, option, *chosen])
        if not tested.ok and "(13: Permission denied)" in tested.messages and os.geteuid() != 0:
            raise HostError(f"nginx cannot read its files as this user: the task needs become: true. {tested.messages}")
        return tested

    def _run(self, command: list[str]) -> Tested:
        try:
            code, output, errors = self._run_command(
                command, encoding=None, handle_exceptions=False, environ_update={"LC_ALL": "C"}
            )
        except OSError as error:
            raise HostError(f"{command[0]} cannot be run: {error.strerror}") from error
        return Tested(code == 0, _text(errors), _text(output) if code == 0 else "")

    # Files

    def read(self, path: str) -> str | None:
        with told(path):
            try:
                return _text(Path(path).read_bytes())
            except (FileNotFoundError, NotADirectoryError):
                return None

    def content(self, path: str) -> Content | None:
        text = self.read(path)
        if text is None:
            return None
        with told(path):
            found = Path(path).stat()
            link = str(Path(path).readlink()) if Path(path).is_symlink() else ""
        return Content(text, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, link)

    def write(self, path: str, content: Content) -> None:
        if content.link and not _exists(path):
            with told(path):
                Path(path).symlink_to(content.link)
        path = self.real(path)
        unfinished = posixpath.join(posixpath.dirname(path), f"{UNFINISHED}{os.getpid()}-{posixpath.basename(path)}")
        with told(path):
            Path(posixpath.dirname(path)).mkdir(mode=0o755, exist_ok=True)
            try:
                self._write_new(unfinished, path, content)
                Path(unfinished).replace(path)
            except OSError:
                with contextlib.suppress(OSError):
                    Path(unfinished).unlink()
                raise
            sync(posixpath.dirname(path))

    def _write_new(self, unfinished: str, path: str, content: Content) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
            file.write(content.text.encode(errors="surrogateescape"))
            os.fchown(file.fileno(), content.uid, content.gid)
            os.fchmod(file.fileno(), content.mode)
            _copy_attributes(path, file.fileno())
            file.flush()
            os.fsync(file.fileno())

    def remove(self, path: str) -> None:
        # A file system that is read-only refuses to remove even what is not there.
        if not _exists(path):
            return
        with told(path), contextlib.suppress(FileNotFoundError):
            Path(path).unlink()
            sync(posixpath.dirname(path))

    def real(self, path: str) -> str:
        return str(Path(path).resolve())

    def glob(self, pattern: str) -> list[str]:
        if not glob.has_magic(pattern):
            return [pattern]
        return sorted(str(path) for path in Path("/").glob(pattern.lstrip("/")))

    def digest(self, path: str) -> str:
        try:
            data = Path(posixpath.dirname(self.conf_path), path).read_bytes()
        except OSError:
            return ""
        return hashlib.sha256(data).hexdigest()

    def leftovers(self, directories: Iterable[str]) -> list[str]:
        found = {str(path) for folder in directories for path in Path(folder).glob(f"{UNFINISHED}*")}
        others = [self._undo_path, *([self._target.closing_flag] if self.announced() is None else [])]
        return [*sorted(found), *(path for path in others if _exists(path))]

    # What outlives a run

    @functools.cached_property
    def _lock_path(self) -> str:
        name = hashlib.sha256(self.real(self.conf_path).encode()).hexdigest()[:16]
        return f"{LOCKS}/evenkeel-nginx-{name}.lock"

    @contextlib.contextmanager
    def lock(self, what: str) -> Iterator[None]:
        with self._opened_lock() as lock:
            self._wait_for(lock)
            self._lock = lock
            try:
                holder = {"pid": os.getpid(), "what": what, "since": self.wall().strftime("%Y-%m-%dT%H:%M:%SZ")}
                self._save({**self._saved(), "holder": holder})
                yield
            finally:
                self._lock = None

    @contextlib.contextmanager
    def _opened_lock(self) -> Iterator[int]:
        with told(self._lock_path):
            # Others may write into this directory too; what they put there is not opened.
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(lock).st_uid != os.geteuid():
                raise LockError(f"{self._lock_path} belongs to somebody else; remove it")
            yield lock
        finally:
            os.close(lock)

    def _wait_for(self, lock: int) -> None:
        deadline = self.now() + self._target.lock_timeout
        while not locked(lock):
            if self.now() >= deadline:
                holder = self._saved().get("holder") or {}
                raise LockError(
                    f"lock_timeout: for {self._target.lock_timeout:g} s this nginx has been in the hands of process "
                    f"{holder.get('pid', '?')} ({holder.get('what', 'unknown')}), which began at "
                    f"{holder.get('since', 'an unknown time')}. Nothing was changed.",
                    holder=holder,
                )
            self.sleep(LOCK_INTERVAL)

    def record(self) -> Record:
        saved = self._saved()
        drain = {what: tuple(addresses) for what, addresses in saved.get("drain", {}).items()}
        return Record(bool(saved.get("reload")), drain, saved.get("last", {}))

    def set_record(self, record: Record) -> None:
        self._save({**self._saved(), **dataclasses.asdict(record)})

    def _saved(self) -> dict[str, t.Any]:
        # Others may write into this directory too; what they put there is not believed.
        if _exists(self._lock_path) and Path(self._lock_path).lstat().st_uid != os.geteuid():
            return {}
        # A longer text from before may end it, as it is written over in place: the lock is on this very file.
        try:
            return dict(json.JSONDecoder().raw_decode(self.read(self._lock_path) or "{}")[0])
        except ValueError:
            return {"reload": True}

    def _save(self, saved: Mapping[str, t.Any]) -> None:
        if self._lock is None:
            raise LockError("the record of this nginx can only be written under its lock")
        data = json.dumps(saved).encode()
        with told(self._lock_path):
            os.pwrite(self._lock, data, 0)
            os.ftruncate(self._lock, len(data))

    @property
    def _undo_path(self) -> str:
        return posixpath.join(posixpath.dirname(self.real(self.conf_path)), UNDO)

    def undo(self) -> str | None:
        return self.read(self._undo_path)

    def set_undo(self, notes: str | None) -> None:
        if notes is None:
            self.remove(self._undo_path)
        else:
            self.write(self._undo_path, Content(notes, 0o600))

    def settle(self, addresses: Iterable[str]) -> None:
        gone = frozenset(addresses)
        if not any(gone & set(known) for known in self.record().drain.values()):
            return
        with self._opened_lock() as lock:
            # Whoever has the lock now is not worth waiting for: the worst is that somebody looks once more.
            if not locked(lock):
                return
            self._lock = lock
            try:
                record = self.record()
                left = {what: tuple(a for a in known if a not in gone) for what, known in record.drain.items()}
                kept = {what: known for what, known in left.items() if known}
                self.set_record(dataclasses.replace(record, drain=kept))
            finally:
                self._lock = None

    # Processes

    def watch(self, pid_path: str) -> None:
        self._pid_path = pid_path

    def master(self) -> int | None:
        return self._named_master(self._pid_path)

    def _named_master(self, pid_path: str) -> int | None:
        try:
            pid = int((self.read(pid_path) or "").strip() or 0)
        except ValueError:
            return None
        return pid if pid and _title(pid).startswith(MASTER) else None

    def workers(self, master: int) -> list[Worker]:
        return [worker for worker, parent in _all_workers() if parent == master]

    def look(self, current: bool = False) -> Look:
        master, replaced = self.master(), self._named_master(f"{self._pid_path}.oldbin")
        retired, serving = [], []
        for worker, parent in _all_workers():
            if parent == master and not worker.shutting_down:
                serving.append(worker)
            elif parent in (master, replaced) or not _title(parent).startswith(MASTER):
                # Its master died, or was replaced: what it serves is not what is on disk.
                retired.append(worker)
        wanted = [*retired, *serving] if current else retired
        described = {worker.pid: worker for worker in _described(wanted)}
        return Look(
            tuple(described[worker.pid] for worker in retired if worker.pid in described),
            tuple(described[worker.pid] for worker in serving if worker.pid in described),
        )

    def sockets(self, pid: int) -> list[Socket]:
        try:
            return _table(pid, None)
        except (FileNotFoundError, ProcessLookupError):
            return []

    # Reloading

    def prepare(self) -> None:
        with told(self._target.runtime_dir):
            Path(self._target.runtime_dir).mkdir(mode=0o755, parents=True, exist_ok=True)
            # An nginx that was killed leaves its socket, and could not start beside it.
            if self.has_socket() and _refused(self._target.generation_socket):
                Path(self._target.generation_socket).unlink()

    def announce(self, on: bool) -> None:
        if not on:
            self.remove(self._target.closing_flag)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with told(self._target.closing_flag), os.fdopen(os.open(self._target.closing_flag, flags, 0o644), "w") as flag:
            flag.write(f"{self.now()!r}\n")

    def announced(self) -> float | None:
        try:
            seconds = self.now() - float(Path(self._target.closing_flag).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        # A time that is yet to come is one of the boot before.
        return seconds if 0 <= seconds <= FORGOTTEN else None

    def signal(self, master: int) -> None:
        if self._target.reload_command:
            done = self._run(list(self._target.reload_command))
            if not done.ok:
                command = " ".join(self._target.reload_command)
                raise ReloadError(f"reload_command: '{command}' failed: {done.messages.strip()}")
            return
        with told(f"process {master}"):
            os.kill(master, signal.SIGHUP)

    def nonce(self) -> str:
        return secrets.token_hex(8)

    def ask_generation(self) -> str | None:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(self._target.generation_socket)
                connection.sendall(b"GET / HTTP/1.0\r\nHost: generation\r\n\r\n")
                answer = b"".join(iter(functools.partial(connection.recv, 4096), b""))
        except OSError:
            return None
        return _text(answer.partition(b"\r\n\r\n")[2])

    def has_socket(self) -> bool:
        return _exists(self._target.generation_socket)

    def log_sizes(self, paths: Iterable[str]) -> dict[str, int]:
        return {path: Path(path).stat().st_size if _exists(path) else 0 for path in paths}

    def log_since(self, sizes: Mapping[str, int]) -> str:
        said = []
        for path, size in sizes.items():
            with contextlib.suppress(OSError), Path(path).open("rb") as file:
                now = os.fstat(file.fileno()).st_size
                # A log that was rotated begins anew; of one that is flooded the end is enough.
                file.seek(max(size if size <= now else 0, now - MOST_OF_LOG))
                said.append(_text(file.read()))
        return "".join(said)


def _exists(path: str) -> bool:
    """Whether there is such a file, also a symlink that leads nowhere."""
    return os.path.lexists(path)


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _copy_attributes(path: str, handle: int) -> None:
    """Give a new file the access lists and labels of the one that it replaces, as far as there are any."""
    with contextlib.suppress(OSError):
        for name in os.listxattr(path):
            with contextlib.suppress(OSError):
                os.setxattr(handle, name, os.getxattr(path, name))


def _refused(path: str) -> bool:
    """Whether nobody listens at a socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _title(pid: int) -> str:
    """Return what a process calls itself; empty: there is none."""
    try:
        return _text(Path(f"/proc/{pid}/cmdline").read_bytes()).rstrip("\0 ")
    except OSError:
        return ""


def _all_workers() -> list[tuple[Worker, int]]:
    """Return the worker processes of every nginx on this machine, each with its parent."""
    found = []
    for name in (entry.name for entry in os.scandir("/proc")):
        if not name.isdigit() or not (title := _title(int(name))).startswith(WORKER):
            continue
        try:
            columns = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        found.append((Worker(int(name), int(columns[19]), title.startswith(RETIRED)), int(columns[1])))
    return found


def _described(workers: Iterable[Worker]) -> list[OldWorker]:
    """Return workers with their sockets; one that ends meanwhile is left out."""
    held: dict[Worker, set[int]] = {}
    for worker in workers:
        with told(f"/proc/{worker.pid}/fd"), contextlib.suppress(FileNotFoundError, ProcessLookupError):
            held[worker] = _inodes(worker.pid)
    if not held:
        return []
    known = {found.inode: found for found in _sockets(held, set().union(*held.values()))}
    uptime, ticks = time.clock_gettime(time.CLOCK_BOOTTIME), os.sysconf("SC_CLK_TCK")
    return [
        OldWorker(
            worker.pid,
            uptime - worker.started / ticks,
            tuple(known[inode] for inode in sorted(inodes) if inode in known),
            _memory(worker.pid),
        )
        for worker, inodes in held.items()
    ]


def _inodes(pid: int) -> set[int]:
    """Return the sockets that a process holds."""
    folder = os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY)
    found = set()
    try:
        for entry in os.scandir(folder):
            try:
                link = os.readlink(entry.name, dir_fd=folder)
            except OSError:
                continue
            if link.startswith("socket:["):
                found.add(int(link[8:-1]))
    finally:
        os.close(folder)
    return found


def _sockets(workers: Iterable[Worker], inodes: set[int]) -> list[Socket]:
    """Return these sockets of the network that the workers live in, which need not be ours."""
    for worker in workers:
        # An empty table would mean that nothing is open, so one that ended meanwhile must not be asked.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return _table(worker.pid, inodes)
    return []


def _table(pid: int, inodes: set[int] | None) -> list[Socket]:
    found = _read_table(f"/proc/{pid}/net/tcp", False, inodes)
    # A kernel without IPv6 has no such table.
    with contextlib.suppress(FileNotFoundError):
        found += _read_table(f"/proc/{pid}/net/tcp6", True, inodes)
    return found


def _read_table(path: str, v6: bool, inodes: set[int] | None) -> list[Socket]:
    return parse_table(Path(path).read_text(encoding="ascii"), v6, inodes)


def _memory(pid: int) -> int:
    """Return what is a process's own: all workers share the zones."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(sizes[0]) if sizes else 0


__all__ = ("LocalHost", "Target")

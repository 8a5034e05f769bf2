# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The only file with effects: HTTP, logs, releases, systemd, and the files of locks and journals."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import os
import posixpath
import queue
import shutil
import socket
import threading
import time
import typing as t
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.error import HTTPError, URLError

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import HostError
from ansible_collections.evenkeel.web.plugins.module_utils._common.host import locked, sync, told
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import Ask, Item, Reply, Result

# Enough of an answer to say what it is.
MOST_OF_BODY = 4096
# Seconds; nobody keeps a directory for longer than it takes to write a few files.
ALONE_TIMEOUT = 30.0
ALONE_INTERVAL = 0.02
BUFFER = 1 << 18
GUARD = ".guard"
PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "MainPID",
    "NRestarts",
    "ActiveEnterTimestampMonotonic",
)


class OpenLog:
    """A log that is open."""

    def __init__(self, file: t.BinaryIO) -> None:
        self._file = file
        found = os.fstat(file.fileno())
        self.inode = found.st_ino
        self.size = found.st_size
        self.modified = found.st_mtime

    def lines(self, offset: int) -> Iterable[bytes]:
        self._file.seek(offset)
        return self._file


class LocalHost:
    """This machine.

    :param run_command: what AnsibleModule.run_command is: runs a program and returns its code, output and errors
    """

    def __init__(self, run_command: Callable[..., tuple[int, str, str]]) -> None:
        self._run_command = run_command

    # Time

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0))

    # HTTP

    def ask(self, ask: Ask) -> Reply:
        # Only here: it takes a third of the time in which a module that asks nobody starts.
        from ansible.module_utils.urls import open_url

        # The timeout of a socket begins anew with each byte, so one that trickles its answer would not meet it.
        answer: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        threading.Thread(target=lambda: answer.put(_ask(open_url, ask)), daemon=True).start()
        try:
            return answer.get(timeout=ask.timeout)
        except queue.Empty:
            return _too_slow(ask)

    def each(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        answers: queue.SimpleQueue[tuple[int, Result | None, BaseException | None]] = queue.SimpleQueue()

        def call(number: int, item: Item) -> None:
            try:
                answers.put((number, function(item), None))
            except BaseException as error:  # it is raised where the caller waits
                answers.put((number, None, error))

        for number, item in enumerate(items):
            threading.Thread(target=call, args=(number, item), daemon=True).start()
        found: dict[int, Result] = {}
        for _item in items:
            number, result, error = answers.get()
            if error is not None:
                raise error
            found[number] = t.cast("Result", result)
        return [found[number] for number in range(len(items))]

    # Logs

    @contextlib.contextmanager
    def open_log(self, path: str) -> Iterator[OpenLog | None]:
        with told(path):
            try:
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                yield None
                return
            with os.fdopen(handle, "rb", buffering=BUFFER) as file:
                yield OpenLog(file)

    # Releases

    def link(self, path: str) -> str:
        try:
            return str(Path(path).readlink())
        except OSError:
            return ""

    def real(self, path: str) -> str:
        return str(Path(path).resolve())

    def folders(self, path: str) -> list[str]:
        with told(path):
            try:
                return sorted(entry.name for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False))
            except (FileNotFoundError, NotADirectoryError):
                return []

    def modified(self, path: str) -> float | None:
        with told(path):
            try:
                return Path(path).stat().st_mtime
            except (FileNotFoundError, NotADirectoryError):
                return None

    def unit(self, name: str) -> Mapping[str, str]:
        command = ["systemctl", "show", f"--property={','.join(PROPERTIES)}", "--", name]
        output = self._output("unit", command, "Is this a host with systemd?")
        return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)

    def listening(self) -> str:
        command = ["ss", "--no-header", "--listening", "--tcp", "--numeric", "--processes"]
        return self._output("listen", command, "It is in the package iproute2")

    def _output(self, option: str, command: list[str], hint: str) -> str:
        try:
            code, output, errors = self._run_command(command, handle_exceptions=False, environ_update={"LC_ALL": "C"})
        except OSError as error:
            raise HostError(f"{option}: {command[0]} cannot be run: {error.strerror}. {hint}") from error
        if code != 0:
            raise HostError(f"{option}: '{' '.join(command)}' failed: {errors.strip()}")
        return output

    def working_directory(self, pid: int) -> str:
        path = f"/proc/{pid}/cwd"
        with told(path):
            try:
                return str(Path(path).readlink())
            except (FileNotFoundError, ProcessLookupError):
                return ""

    # Locks and journals

    def name(self) -> str:
        return socket.gethostname()

    @contextlib.contextmanager
    def alone(self, folder: str) -> Iterator[None]:
        _make(folder)
        with told(folder):
            # The kernel lets go of it when a process dies.
            guard = os.open(posixpath.join(folder, GUARD), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            deadline = self.now() + ALONE_TIMEOUT
            while not locked(guard):
                if self.now() >= deadline:
                    raise HostError(f"{folder}: another process has been writing there for {ALONE_TIMEOUT:g} s")
                self.sleep(ALONE_INTERVAL)
            yield
        finally:
            os.close(guard)

    def read(self, path: str) -> str | None:
        with told(path):
            try:
                return Path(path).read_bytes().decode(errors="replace")
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write(self, path: str, text: str, mode: int = 0o600) -> None:
        folder = posixpath.dirname(path)
        _make(folder)
        unfinished = posixpath.join(folder, f".{posixpath.basename(path)}.{os.getpid()}")
        with told(path):
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
                with os.fdopen(os.open(unfinished, flags, mode), "wb") as file:
                    os.fchmod(file.fileno(), mode)
                    file.write(text.encode(errors="replace"))
                    file.flush()
                    os.fsync(file.fileno())
                Path(unfinished).replace(path)
            except OSError:
                with contextlib.suppress(OSError):
                    Path(unfinished).unlink()
                raise
            sync(folder)

    def append(self, path: str, text: str) -> None:
        folder = posixpath.dirname(path)
        _make(folder)
        with told(path):
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            try:
                size = os.fstat(file).st_size
                cut = size > 0 and os.pread(file, 1, size - 1) != b"\n"
                _write_all(file, (b"\n" if cut else b"") + text.encode(errors="replace"))
                os.fsync(file)
            finally:
                os.close(file)
            sync(folder)

    def remove(self, path: str) -> None:
        with told(path), contextlib.suppress(FileNotFoundError):
            Path(path).unlink()
            sync(posixpath.dirname(path))

    def remove_tree(self, path: str) -> None:
        with told(path), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)

    def is_folder(self, path: str) -> bool:
        return Path(path).is_dir()


def _ask(open_url: Callable[..., t.Any], ask: Ask) -> Reply:
    """Ask once; a redirect and an error status are answers."""
    try:
        # open_url installs what it was called with as the opener of the whole process. Every call here has the same
        # options, and a jar that takes no cookie, so it makes no difference whose opener a thread finds.
        response = open_url(
            ask.url,
            headers={"Connection": "close", **({"Host": ask.host} if ask.host else {})},
            timeout=ask.timeout,
            use_proxy=False,
            use_netrc=False,
            validate_certs=False,
            follow_redirects="none",
            cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
        )
    except HTTPError as error:
        response = error
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _too_slow(ask) if _timed_out(error) else Reply(error=f"no answer: {_reason(error)}")
    try:
        with response:
            body = response.read(MOST_OF_BODY)
            # A read with a limit says nothing of bytes that were promised and never came.
            if len(body) < MOST_OF_BODY and response.length:
                return Reply(error=f"the answer broke off: {response.length} bytes did not come")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _too_slow(ask) if _timed_out(error) else Reply(error=f"the answer broke off: {_reason(error)}")
    return Reply(
        response.status,
        {name.lower(): value for name, value in response.headers.items()},
        body.decode(errors="replace"),
    )


def _too_slow(ask: Ask) -> Reply:
    return Reply(error=f"no complete answer within {ask.timeout:g} s")


def _timed_out(error: Exception) -> bool:
    return isinstance(error.reason if isinstance(error, URLError) else error, TimeoutError)


def _reason(error: object) -> str:
    if isinstance(error, URLError):
        return _reason(error.reason)
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without one"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _make(folder: str) -> None:
    with told(folder):
        # mkdir gives the mode only to the last one.
        missing = [path for path in (Path(folder), *Path(folder).parents) if not path.is_dir()]
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


__all__ = ("LocalHost",)

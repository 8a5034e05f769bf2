# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What the pure part asks of the machine, and the errors that the machine may answer with."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drain import Look
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import Build
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.sockets import Socket
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.wait import Clock

CLOSING_FLAG = "closing"
# Seconds after which an announcement was left behind by a killed run. Too short would cost a window, and no request.
FORGOTTEN = 900.0
GENERATION_SOCKET = "generation.sock"


class BrokenConfig(TaskError):
    """nginx refuses its configuration."""


class LockError(TaskError):
    """Somebody else is changing this nginx."""


class ReloadError(TaskError):
    """The new configuration does not serve, or nothing proves that it does.

    :param rotated: there are new workers, so something was loaded
    """

    def __init__(self, message: str, rotated: bool = False, **details: t.Any) -> None:
        super().__init__(message, **details)
        self.rotated = rotated


@dataclasses.dataclass(frozen=True)
class Target:
    """Which nginx, and how to treat it: the options that all modules share."""

    nginx_binary: str = "nginx"
    # Where nginx.conf stands; None: where this nginx was built to look for it.
    config_dir: str | None = None
    # Where the files of nginx_upstream go; None: upstreams.d beside nginx.conf.
    upstreams_dir: str | None = None
    # None: SIGHUP to the master.
    reload_command: Sequence[str] | None = None
    runtime_dir: str = "/run/evenkeel"
    # Seconds.
    close_window: float = 10.0
    lock_timeout: float = 120.0
    reload_timeout: float = 30.0

    @property
    def closing_flag(self) -> str:
        """Return the file whose existence tells nginx to close connections after each answer."""
        return f"{self.runtime_dir}/{CLOSING_FLAG}"

    @property
    def generation_socket(self) -> str:
        """Return the socket at which a running nginx says which configuration it serves."""
        return f"{self.runtime_dir}/{GENERATION_SOCKET}"


@dataclasses.dataclass(frozen=True)
class Tested:
    """What nginx says of the configuration on disk."""

    ok: bool
    # What it complained of, also where it accepts it.
    messages: str
    # What `nginx -T` printed; empty: refused, or not asked for.
    dump: str = ""


@dataclasses.dataclass(frozen=True)
class Worker:
    """A worker process. A number may be used again; with the time of its start it is unique."""

    pid: int
    # Clock ticks since the machine started.
    started: int
    shutting_down: bool


@dataclasses.dataclass(frozen=True)
class Content:
    """A file: its text and whose it is."""

    text: str
    mode: int = 0o644
    # -1: of whoever writes it.
    uid: int = -1
    gid: int = -1
    # Where the path leads, if it is a symlink.
    link: str = ""


@dataclasses.dataclass(frozen=True)
class Record:
    """What outlives a run, beside the configuration."""

    # Nothing proves that nginx serves what is on disk.
    reload: bool = False
    # Servers that were taken out and not seen drained, by who took them out.
    drain: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    # The last reload: when, by whom, and what proved it.
    last: Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


class Host(Clock, t.Protocol):
    """One nginx and the machine that it runs on. Only the implementation has effects."""

    @property
    def target(self) -> Target:
        """Return the options."""

    @property
    def upstreams_dir(self) -> str:
        """Return where the files of nginx_upstream go."""

    @property
    def conf_path(self) -> str:
        """Return nginx's main configuration file."""

    def build(self) -> Build:
        """Ask `nginx -V`.

        :raises HostError: there is no nginx
        """

    def test(self) -> Tested:
        """Ask `nginx -t`."""

    def dump(self) -> Tested:
        """Ask `nginx -T`: the same test, and the whole configuration where it passes."""

    def read(self, path: str) -> str | None:
        """Return a file's text, None where there is none."""

    def content(self, path: str) -> Content | None:
        """Return a file with its mode and owner, None where there is none."""

    def write(self, path: str, content: Content) -> None:
        """Write a file in one step, at the far end of a symlink."""

    def remove(self, path: str) -> None:
        """Remove a file that may be gone already."""

    def real(self, path: str) -> str:
        """Return the path behind symlinks."""

    def glob(self, pattern: str) -> list[str]:
        """Return the existing files that a pattern of nginx names, in nginx's order."""

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a file that nginx reads but does not print; empty: there is none."""

    def leftovers(self, directories: Iterable[str]) -> list[str]:
        """Return what a killed run left: unfinished files, its notes, and a closing flag that nobody waits for."""

    def lock(self, what: str) -> contextlib.AbstractContextManager[None]:
        """Be the only one who changes this nginx.

        :raises LockError: somebody else is, for longer than lock_timeout
        """

    def record(self) -> Record:
        """Return what outlived the last run."""

    def set_record(self, record: Record) -> None:
        """Keep this for the next run; only under the lock."""

    def undo(self) -> str | None:
        """Return the notes by which a half-made change can be taken back, None where there are none."""

    def set_undo(self, notes: str | None) -> None:
        """Keep such notes until they are replaced (None: forgotten); they survive a power cut."""

    def settle(self, addresses: Iterable[str]) -> None:
        """Forget that these servers are not drained."""

    def watch(self, pid_path: str) -> None:
        """Say where the master of this nginx writes its number."""

    def master(self) -> int | None:
        """Return the master process; None: nginx does not run."""

    def workers(self, master: int) -> list[Worker]:
        """Return the worker processes of a master."""

    def look(self, current: bool = False) -> Look:
        """Return the old workers and their sockets, and on demand the current ones."""

    def sockets(self, pid: int) -> list[Socket]:
        """Return all TCP sockets of the network that a process lives in."""

    def prepare(self) -> None:
        """Make the runtime directory, and remove a socket there that nobody listens on while nginx does not run."""

    def announce(self, on: bool) -> None:
        """Set the closing flag, which keeps since when, or remove it."""

    def announced(self) -> float | None:
        """Return for how many seconds the flag has been set; None: it is not, nobody can say, or it was forgotten."""

    def signal(self, master: int) -> None:
        """Tell nginx to reload.

        :raises ReloadError: the command that does it failed
        """

    def nonce(self) -> str:
        """Return a word that was never used before."""

    def ask_generation(self) -> str | None:
        """Ask a running nginx over a new connection which configuration it serves; None: no answer."""

    def has_socket(self) -> bool:
        """Whether the socket to ask at exists."""

    def log_sizes(self, paths: Iterable[str]) -> dict[str, int]:
        """Return how long each log is now; 0 where there is none."""

    def log_since(self, sizes: Mapping[str, int]) -> str:
        """Return what was written since."""

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What the pure part asks of the machine."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence

Item = t.TypeVar("Item")
Result = t.TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Ask:
    """One GET request: no redirect is followed, no proxy is used, no certificate is checked."""

    url: str
    # The Host header; empty: the one of the url.
    host: str
    # Seconds for the whole answer.
    timeout: float


@dataclasses.dataclass(frozen=True)
class Reply:
    """What came back."""

    # 0: no answer.
    status: int = 0
    # Names are lower case.
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    # The first part of it.
    body: str = ""
    # Why there is no answer; empty: there is one.
    error: str = ""


class Clock(t.Protocol):
    """Time, and the passing of it. All in seconds."""

    def now(self) -> float:
        """Return seconds that only ever grow."""

    def wall(self) -> float:
        """Return the time of this machine's clock since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""


class Prober(Clock, t.Protocol):
    """A machine that asks others over HTTP."""

    def ask(self, ask: Ask) -> Reply:
        """Send one request over a connection of its own; never raises."""

    def each(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Call a function for all items at the same time and return the results in the order of the items."""


class LogFile(t.Protocol):
    """A log that is open for reading; its number and its size are those of when it was opened."""

    @property
    def inode(self) -> int:
        """Return the number of the file, which a rename keeps."""

    @property
    def size(self) -> int:
        """Return its length in bytes."""

    @property
    def modified(self) -> float:
        """Return when it was written last, since the epoch."""

    def lines(self, offset: int) -> Iterable[bytes]:
        """Return the lines from an offset to the end, the last one perhaps without its end."""


class LogHost(Clock, t.Protocol):
    """A machine with logs."""

    def open_log(self, path: str) -> contextlib.AbstractContextManager[LogFile | None]:
        """Open a log; None where there is none.

        :raises HostError: it cannot be read
        """


class ReleaseHost(Clock, t.Protocol):
    """A machine with releases and systemd."""

    def link(self, path: str) -> str:
        """Return where a symlink leads, as it is written; empty: there is none."""

    def real(self, path: str) -> str:
        """Return the path behind symlinks."""

    def folders(self, path: str) -> list[str]:
        """Return the names of the directories in a directory, sorted; empty where there is none."""

    def modified(self, path: str) -> float | None:
        """Return when a file was written last, since the epoch; None: there is none."""

    def unit(self, name: str) -> Mapping[str, str]:
        """Return the properties of a systemd unit.

        :raises HostError: systemd does not answer
        """

    def listening(self) -> str:
        """Return who listens on which TCP port, as C(ss) prints it.

        :raises HostError: there is no ss, or it fails
        """

    def working_directory(self, pid: int) -> str:
        """Return the directory that a process works in; empty: there is no such process.

        :raises HostError: it may not be read
        """


class RolloutHost(Clock, t.Protocol):
    """A machine that keeps the locks and the journals of rollouts. What is written survives a power cut."""

    def name(self) -> str:
        """Return what this machine calls itself."""

    def alone(self, folder: str) -> contextlib.AbstractContextManager[None]:
        """Be the only one who changes a directory, which is made if it is missing.

        :raises HostError: somebody else is, for too long
        """

    def read(self, path: str) -> str | None:
        """Return the text of a file; None: there is none."""

    def write(self, path: str, text: str, mode: int = 0o600) -> None:
        """Write a file in one step; its directory is made if it is missing."""

    def append(self, path: str, text: str) -> None:
        """Append whole lines to a file, after the end of a line that was cut off; its directory is made."""

    def remove(self, path: str) -> None:
        """Remove a file that may be gone already."""

    def remove_tree(self, path: str) -> None:
        """Remove a directory with all that is in it."""

    def folders(self, path: str) -> list[str]:
        """Return the names of the directories in a directory, sorted; empty where there is none."""

    def is_folder(self, path: str) -> bool:
        """Whether there is such a directory."""


class Host(Prober, LogHost, ReleaseHost, RolloutHost, t.Protocol):
    """All of it. Only the implementation has effects."""

"""A machine without effects, and a clock that is moved by hand."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import Ask, Reply

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclasses.dataclass
class FakeClock:
    """Time passes only where somebody sleeps."""

    time: float = 1000.0
    epoch: float = 1795842000.0
    slept: list[float] = dataclasses.field(default_factory=list)

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.epoch + self.time - 1000.0

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.time += seconds


@dataclasses.dataclass
class FakeProber(FakeClock):
    """Answers from a list, the last one for ever; each answer takes a while."""

    replies: list[Reply] = dataclasses.field(default_factory=list)
    takes: float = 0.0
    asked: list[Ask] = dataclasses.field(default_factory=list)

    def ask(self, ask: Ask) -> Reply:
        self.asked.append(ask)
        self.time += min(self.takes, ask.timeout)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def each(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        return [function(item) for item in items]


@dataclasses.dataclass
class FakeFiles(FakeClock):
    """Files in memory; a directory is there when a file is in it."""

    files: dict[str, str] = dataclasses.field(default_factory=dict)
    modes: dict[str, int] = dataclasses.field(default_factory=dict)
    present: set[str] = dataclasses.field(default_factory=set)
    inside: bool = False

    def name(self) -> str:
        return "lb1"

    @contextlib.contextmanager
    def alone(self, folder: str) -> Iterator[None]:
        assert not self.inside
        self.inside = True
        try:
            yield
        finally:
            self.inside = False

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def write(self, path: str, text: str, mode: int = 0o600) -> None:
        assert self.inside
        self.files[path], self.modes[path] = text, mode

    def append(self, path: str, text: str) -> None:
        assert self.inside
        assert text.endswith("\n")
        self.files[path] = self.files.get(path, "") + text

    def remove(self, path: str) -> None:
        assert self.inside
        self.files.pop(path, None)

    def remove_tree(self, path: str) -> None:
        assert self.inside
        self.files = {name: text for name, text in self.files.items() if not name.startswith(f"{path}/")}

    def folders(self, path: str) -> list[str]:
        below = [name[len(path) + 1 :] for name in self.files if name.startswith(f"{path}/")]
        return sorted({name.split("/")[0] for name in below if "/" in name})

    def is_folder(self, path: str) -> bool:
        return path in self.present


@dataclasses.dataclass
class FakeReleases(FakeClock):
    """Releases of a host, and its systemd."""

    links: dict[str, str] = dataclasses.field(default_factory=dict)
    tree: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    times: dict[str, float] = dataclasses.field(default_factory=dict)
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    directory: str = ""
    listeners: str = ""

    def link(self, path: str) -> str:
        return self.links.get(path, "")

    def real(self, path: str) -> str:
        return path

    def folders(self, path: str) -> list[str]:
        return self.tree.get(path, [])

    def modified(self, path: str) -> float | None:
        return self.times.get(path)

    def unit(self, name: str) -> Mapping[str, str]:
        return self.properties

    def listening(self) -> str:
        return self.listeners

    def working_directory(self, pid: int) -> str:
        return self.directory

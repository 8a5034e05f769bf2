"""Taking a half-made change back, whoever was at the files since."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import undo
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Content, Host

OLD, NEW = Content("old\n", 0o640, 1, 2), Content("new\n")


@dataclasses.dataclass
class Disk:
    """Files in memory."""

    files: dict[str, Content]

    def content(self, path: str) -> Content | None:
        return self.files.get(path)

    def write(self, path: str, content: Content) -> None:
        self.files[path] = content

    def remove(self, path: str) -> None:
        self.files.pop(path, None)


def host(disk: Disk) -> Host:
    return t.cast(Host, disk)


CHANGES: list[tuple[str, Content | None, str | None]] = [
    ("changed", OLD, "new\n"),
    ("created", None, "new\n"),
    ("removed", OLD, None),
]


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize(("before", "after"), [change[1:] for change in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_change_is_taken_back_from_notes(before: Content | None, after: str | None, written: bool) -> None:
    disk = Disk({"a": before} if before else {})
    notes = undo.dump(undo.save(host(disk), {"a": after}))
    was = dict(disk.files)
    if written:
        disk.files = {"a": Content(after)} if after is not None else {}
    assert undo.take_back(host(disk), undo.load(notes)) == (["a"] if written else [])
    assert disk.files == was


@pytest.mark.parametrize("after", ["new\n", None])
def test_what_somebody_else_wrote_since_stays(after: str | None) -> None:
    disk = Disk({"a": OLD})
    saved = undo.save(host(disk), {"a": after})
    disk.files["a"] = Content("by hand\n")
    assert undo.take_back(host(disk), saved) == []
    assert disk.files["a"].text == "by hand\n"


def test_a_file_of_ours_is_put_back_whatever_it_says() -> None:
    disk = Disk({"a": OLD})
    saved = undo.save(host(disk), {}, ["a", ""])
    disk.files["a"] = NEW
    assert undo.take_back(host(disk), saved) == ["a"]
    assert disk.files == {"a": OLD}


def test_bytes_that_are_no_text_survive_the_notes() -> None:
    text = b"\xff\x00".decode(errors="surrogateescape")
    disk = Disk({"a": Content(text)})
    notes = undo.dump(undo.save(host(disk), {"a": "new\n"}))
    disk.files["a"] = NEW
    undo.take_back(host(disk), undo.load(notes.encode().decode()))
    assert disk.files["a"].text == text


def test_no_notes_are_no_change() -> None:
    assert undo.load(None) == []

"""docs/rollouts.md says of faults what the table of the tests says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.rollouts.faults.table import ROWS, SECTIONS
from tools import rollout_faults

LINE = 140


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault as the tool wants it."""

    name: str = "the disk is full"
    sees: str = "How many bytes are free."
    todo: str = "Make room."
    code: int = 2


SAMPLE = {"Hosts": [Fault()], "Others": [Fault(name="none", code=0)]}
EMPTY = "# Title\n\n<!-- faults -->\n<!-- end -->\n\nThe end.\n"
FULL = """# Title

<!-- faults -->

### Hosts

- **The disk is full** (exit code 2)
  - You see: How many bytes are free.
  - Next: Make room.

### Others

- **None** (exit code 0)
  - You see: How many bytes are free.
  - Next: Make room.

<!-- end -->

The end.
"""


@pytest.fixture(name="page")
def page_fixture(tmp_path: Path) -> Path:
    """A page without faults."""
    path = tmp_path / "page.md"
    path.write_text(EMPTY)
    return path


def test_the_page_is_what_the_tool_writes() -> None:
    assert rollout_faults.main(SECTIONS, ["--check"]) == 0, "write it: python -m tools.rollout_faults"


def test_every_row_is_told() -> None:
    text = rollout_faults.PAGE.read_text(encoding="utf-8")
    assert ROWS
    assert [row.name for row in ROWS if f"**{row.name[0].upper()}{row.name[1:]}**" not in text] == []


def test_no_line_is_too_long() -> None:
    assert [line for line in rollout_faults.PAGE.read_text(encoding="utf-8").splitlines() if len(line) > LINE] == []


def test_it_writes_between_its_marks_and_only_there(page: Path) -> None:
    assert rollout_faults.main(SAMPLE, [], page) == 0
    assert page.read_text() == FULL
    assert rollout_faults.main(SAMPLE, [], page) == 0
    assert page.read_text() == FULL


def test_check_writes_nothing_and_fails_when_something_is_different(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rollout_faults.main(SAMPLE, ["--check"], page) == 1
    assert page.read_text() == EMPTY
    assert "python -m tools.rollout_faults" in capsys.readouterr().out
    page.write_text(FULL)
    assert rollout_faults.main(SAMPLE, ["--check"], page) == 0


def test_a_long_text_becomes_lines() -> None:
    lines = list(rollout_faults.told(Fault(sees="word " * 60)))
    assert len("\n".join(lines).splitlines()) > 4
    assert all(len(line) <= LINE for line in "\n".join(lines).splitlines())


def test_a_page_without_a_place_is_refused(page: Path) -> None:
    page.write_text("# Title\n")
    with pytest.raises(ValueError, match="faults"):
        rollout_faults.main(SAMPLE, [], page)

"""Writes the part of docs/rollouts.md that tells of faults, from the table of the tests.

python -m tools.rollout_faults [--check]
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

PAGE = Path(__file__).resolve().parents[1] / "docs/rollouts.md"
PART = re.compile(r"(?<=^<!-- faults -->\n).*?(?=^<!-- end -->$)", re.MULTILINE | re.DOTALL)
WIDTH = 138


class Fault(Protocol):
    """What the page says of a fault: its name, what the user sees, what to do next, and the exit code."""

    @property
    def name(self) -> str: ...
    @property
    def sees(self) -> str: ...
    @property
    def todo(self) -> str: ...
    @property
    def code(self) -> int: ...


def item(text: str, mark: str) -> str:
    """Return a text as an item of a list, in lines that are not too long."""
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def told(fault: Fault) -> Iterator[str]:
    """Yield the lines of a fault."""
    yield item(f"**{fault.name[0].upper()}{fault.name[1:]}** (exit code {fault.code})", "- ")
    yield item(f"You see: {fault.sees}", "  - ")
    yield item(f"Next: {fault.todo}", "  - ")


def part(sections: Mapping[str, Sequence[Fault]]) -> str:
    """Return what the page says of all faults."""
    blocks = []
    for title, faults in sections.items():
        lines = [line for fault in faults for line in told(fault)]
        blocks.append("\n".join([f"### {title}", "", *lines]))
    return "\n" + "\n\n".join(blocks) + "\n\n"


def page(text: str, sections: Mapping[str, Sequence[Fault]]) -> str:
    """Return a page with the part about faults renewed.

    :raises ValueError: the page has no place for it
    """
    if not PART.search(text):
        raise ValueError("the page has no lines <!-- faults --> and <!-- end --> after each other")
    return PART.sub(lambda _found: part(sections), text, count=1)


def main(sections: Mapping[str, Sequence[Fault]], words: Sequence[str], path: Path = PAGE) -> int:
    """Write the page, or with --check only say whether it is what would be written."""
    parser = argparse.ArgumentParser(prog="python -m tools.rollout_faults", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page would change")
    arguments = parser.parse_args(words)
    text = path.read_text(encoding="utf-8")
    wanted = page(text, sections)
    if arguments.check and text != wanted:
        print(f"{path.name} is not what the table of faults says; write it: python -m tools.rollout_faults")
        return 1
    if text != wanted:
        path.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    from tests.rollouts.faults.table import SECTIONS

    sys.exit(main(SECTIONS, sys.argv[1:]))

"""The comment behind a server's line."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import notes
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._nginx import strategies
from hypothesis import given
from hypothesis import strategies as st

SWAP = Hold("deploy 7f3a", "disk swap", "2026-11-28T01:30:00Z", "2026-11-28T03:30:00Z")
SWAP_NOTE = '[held by="deploy 7f3a" since=2026-11-28T01:30:00Z until=2026-11-28T03:30:00Z reason="disk swap"]'


@pytest.mark.parametrize(
    ("comment", "held", "alone", "text"),
    [
        ("", (), None, ""),
        ("backend1", (), None, "backend1"),
        ("", (Hold("ops"),), None, "[held by=ops]"),
        ("", (Hold(""),), None, '[held by=""]'),
        ("backend1", (SWAP,), "3", f"backend1 {SWAP_NOTE} [alone max_fails=3]"),
        ("", (Hold("a", "b]"),), "", '[held by=a reason="b]"] [alone]'),
        ("", (Hold("a"), Hold("b", 'say "x"')), None, '[held by=a] [held by=b reason="say \\"x\\""]'),
    ],
)
def test_both_ways(comment: str, held: tuple[Hold, ...], alone: str | None, text: str) -> None:
    assert notes.write(comment, held, alone) == text
    assert notes.read(text) == (comment, held, alone)


@pytest.mark.parametrize(
    ("text", "comment", "owners"),
    [
        ("rack 1 [held by=ops] left", "rack 1 left", ["ops"]),
        ("[held by=b] [held by=a] [held by=b]", "", ["a", "b"]),
        ("[held [held by=a] by=b]", "", ["a", "b"]),
        ("[held reason=x]", "[held reason=x]", []),
        ("[held by=x why=y]", "[held by=x why=y]", []),
        ('[held by="\\x"]', '[held by="\\x"]', []),
        ("[held]", "[held]", []),
    ],
)
def test_what_a_human_made_of_it(text: str, comment: str, owners: list[str]) -> None:
    found, holds, alone = notes.read(text)
    assert (found, [hold.owner for hold in holds], alone) == (comment, owners, None)


@given(strategies.comments, strategies.holds, strategies.alone)
def test_what_is_written_is_read_back(comment: str, held: tuple[Hold, ...], alone: str | None) -> None:
    text = notes.write(comment, held, alone)
    assert "\n" not in text
    assert notes.read(text) == (comment, held, alone)


_PIECES = st.sampled_from(["[held", " by=", '"', "a", "]", "[alone", " "])


@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
def test_any_comment_can_be_read(text: str) -> None:
    comment, _holds, _alone = notes.read(text)
    assert comment == comment.strip()

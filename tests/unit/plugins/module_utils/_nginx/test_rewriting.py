"""Single server lines inside a text that somebody else wrote."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold, Server
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.reader import read_server
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.rewriting import edit, rewrite_line
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import Statement, parse, statements
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._nginx import strategies
from hypothesis import given
from hypothesis import strategies as st

HELD: dict[str, t.Any] = {"down": True, "holds": (Hold("ops"),)}
FREE: dict[str, t.Any] = {"down": False, "holds": ()}
NOTE = "[held by=ops]"


def lines(text: str) -> list[Statement]:
    return [statement for statement in statements(parse(text)) if statement.name == "server"]


def change(text: str, ours: bool = False, **fields: t.Any) -> str:
    """Change every server of a text in the same way."""
    changes = {}
    for statement in lines(text):
        before = read_server(statement, ours=False)
        start, end, new = rewrite_line(text, statement, before, dataclasses.replace(before, **fields), ours)
        changes[start, end] = new
    return edit(text, changes)


@pytest.mark.parametrize(
    ("before", "held"),
    [
        ("server a;\n", f"server a down; # {NOTE}\n"),
        ("  server   a  weight=2 ;#x\n", f"  server   a  weight=2 down ;#x {NOTE}\n"),
        ("server 'a b'\n  weight=2; # rack\n", f"server 'a b'\n  weight=2 down; # rack {NOTE}\n"),
        ("u {\n\tserver a;\n\tserver b;\n}\n", f"u {{\n\tserver a down; # {NOTE}\n\tserver b down; # {NOTE}\n}}\n"),
        ("server a;", f"server a down; # {NOTE}"),
    ],
)
def test_only_what_must_change_does_and_it_comes_back(before: str, held: str) -> None:
    assert change(before, **HELD) == held
    assert change(held, **FREE) == before


def test_a_comment_swallows_nothing() -> None:
    text = change("  upstream u { server a; server b; keepalive 4; }\n", **HELD)
    assert text == (f"  upstream u {{ server a down; # {NOTE}\n      server b down; # {NOTE}\n      keepalive 4; }}\n")
    assert [read_server(line, ours=False).down for line in lines(text)] == [True, True]


def test_a_value_changes_in_its_place() -> None:
    assert change("server a  max_fails=3  backup;", max_fails=0, alone="3") == (
        "server a  max_fails=0  backup; # [alone max_fails=3]"
    )
    assert change("server a  max_fails=0  backup; # [alone max_fails=3]", max_fails=3, alone=None) == (
        "server a  max_fails=3  backup;"
    )


def test_a_parameter_that_is_written_twice() -> None:
    assert change("server a down weight=1 down;", **FREE) == "server a weight=1;"
    assert change("server a max_fails=3 max_fails=1;", max_fails=0) == "server a max_fails=0;"
    assert change("server a max_fails=3 max_fails=1;", max_fails=None) == "server a;"


def test_a_comment_inside_the_line_moves_behind_it() -> None:
    assert change("server a # why\n weight=2;\n", **HELD) == f"server a weight=2 down; # why {NOTE}\n"


def test_a_line_of_ours_gets_the_form_of_the_renderer() -> None:
    assert change("server a   resolve weight=2;\n", ours=True, **HELD) == f"server a weight=2 down resolve; # {NOTE}\n"


def test_edit_refuses_changes_that_overlap() -> None:
    assert edit("abcd", {(0, 1): "x", (1, 2): "", (4, 4): "!"}) == "xcd!"
    with pytest.raises(ValueError, match="offset 1"):
        edit("abcd", {(0, 2): "x", (1, 3): "y"})


@given(strategies.foreign_blocks(), strategies.holds, st.booleans())
def test_whoever_is_changed_is_read_back_and_nobody_else_moves(text: str, holds: tuple[Hold, ...], ours: bool) -> None:
    changed = change(text, ours, down=bool(holds), holds=holds)
    before, after = ([read_server(line, ours=False) for line in lines(each)] for each in (text, changed))
    assert [set_free(server) for server in after] == [set_free(server) for server in before]
    assert all(server.holds == holds and server.down == bool(holds) for server in after)
    others = [node.words for node in statements(parse(text)) if node.name != "server"]
    assert [node.words for node in statements(parse(changed)) if node.name != "server"] == others


def set_free(server: Server) -> Server:
    return dataclasses.replace(server, down=False, holds=())

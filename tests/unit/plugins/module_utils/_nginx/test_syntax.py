"""nginx's statements."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import (
    Comment,
    ParseError,
    Statement,
    parse,
    statements,
)
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._nginx import strategies
from hypothesis import given


def only(text: str) -> Statement:
    (statement,) = parse(text)
    assert isinstance(statement, Statement)
    return statement


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a;", ("a",)),
        ("  server   10.0.0.1\tweight=2 ;", ("server", "10.0.0.1", "weight=2")),
        ("a\n  b\n  c;", ("a", "b", "c")),
        ("a 'b c' \"d;e\";", ("a", "b c", "d;e")),
        ("a b#c;", ("a", "b#c")),
        ("a b'c;", ("a", "b'c")),
        ("a ${b}c;", ("a", "${b}c")),
        ("a b}c;", ("a", "b}c")),
        ("a é;", ("a", "é")),
        ("a\u00a0b;", ("a\u00a0b",)),
        ("a # why\n b;", ("a", "b")),
        ("a (b);", ("a", "(b)")),
        ("a 'b')c;", ("a", "b", ")c")),
    ],
)
def test_words(text: str, words: tuple[str, ...]) -> None:
    assert only(text).words == words


def test_a_statement_knows_where_it_stands() -> None:
    text = "\n  server 10.0.0.1 weight=2; # backend1\nnext;"
    statement = parse(text)[0]
    assert isinstance(statement, Statement)
    assert text[statement.start : statement.end] == "server 10.0.0.1 weight=2;"
    assert text[statement.start : statement.comment_end] == "server 10.0.0.1 weight=2; # backend1"
    assert (statement.line, statement.comment, statement.raw) == (2, "backend1", "server 10.0.0.1 weight=2")
    assert statement.block is None
    assert statement.body is None


def test_a_block_knows_its_inside() -> None:
    text = "http { upstream a { server b; match c { d; } } # end\n}"
    http = only(text)
    assert http.body is not None
    assert text[slice(*http.body)] == " upstream a { server b; match c { d; } } # end\n"
    assert [statement.words for statement in statements((http,))] == [
        ("http",),
        ("upstream", "a"),
        ("server", "b"),
        ("match", "c"),
        ("d",),
    ]
    upstream, *_others = http.block or ()
    assert isinstance(upstream, Statement)
    assert upstream.comment == "end"
    assert upstream.inside == " server b; match c { d; } "


def test_comments_on_their_own() -> None:
    text = "# one\na; # behind\n  #two\nb { # three\n}\n"
    tree = parse(text)
    assert [(node.text, node.line) for node in tree if isinstance(node, Comment)] == [("one", 1), ("two", 3)]
    block = tree[-1]
    assert isinstance(block, Statement)
    assert block.block is not None
    (inside,) = block.block
    assert isinstance(inside, Comment)
    assert text[inside.start : inside.end] == "# three"


def test_comments_inside_a_statement() -> None:
    statement = only("server 10.0.0.1 # first\n weight=2 # second\n; # third")
    assert statement.inner == ("first", "second")
    assert statement.comment == "third"


def test_lua_is_skipped_as_a_whole() -> None:
    text = (
        "server { content_by_lua_block {\n local t = {a = '}'} -- }\n local s = [==[ } ]==] --[[ } ]]\n"
        ' ngx.say("}") }\n listen 80; }'
    )
    server = only(text)
    assert [node.words for node in server.block or () if isinstance(node, Statement)] == [
        ("content_by_lua_block",),
        ("listen", "80"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a;\n}", 2, 1, 'unexpected "}"'),
        ("a;\n  ;", 2, 3, 'unexpected ";"'),
        ("{", 1, 1, 'unexpected "{"'),
        ("a {\n b", 2, 2, 'unexpected end of file, expecting ";" or "{"'),
        ("a {\n b;", 1, 3, 'this "{" is never closed'),
        ("a\n b }", 2, 4, 'unexpected "}", expecting ";"'),
        ('a "b', 1, 3, 'this " is never closed'),
        ("'b", 1, 1, "this ' is never closed"),
        ('a "b"c;', 1, 3, 'unexpected "c" behind a quoted word'),
        ('a "b"', 1, 3, "unexpected end of file"),
        ("a \\", 1, 3, "unexpected end of file"),
        ("x_by_lua_block { {", 1, 16, "never closed"),
        ("a {" * 200, 1, 303, "too many blocks"),
    ],
)
def test_errors_say_where(text: str, line: int, column: int, says: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text, "/etc/nginx/x.conf")
    assert says in caught.value.message
    assert (caught.value.line, caught.value.column, caught.value.path) == (line, column, "/etc/nginx/x.conf")


@given(strategies.configurations)
def test_any_text_is_a_tree_or_an_error_with_its_place(text: str) -> None:
    try:
        tree = parse(text)
    except ParseError as error:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        return
    for statement in statements(tree):
        assert text[statement.end - 1] == (";" if statement.block is None else "}")
        assert text.startswith(statement.raw, statement.start)
        assert statement.line == text.count("\n", 0, statement.start) + 1
        assert statement.end <= statement.comment_end

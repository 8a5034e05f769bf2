"""nginx's words."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import lexer
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._nginx import strategies
from hypothesis import given


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("a", "a"),
        ('"a b"', "a b"),
        ("'a b'", "a b"),
        (r'"a\"b"', 'a"b'),
        (r"'a\'b'", "a'b"),
        (r"a\tb\nc\rd", "a\tb\nc\rd"),
        (r"a\\b", r"a\b"),
        (r"\.php$", r"\.php$"),
        (r"a\;b", r"a\;b"),
        ('""', ""),
    ],
)
def test_the_value_of_a_word(token: str, value: str) -> None:
    assert lexer.unquote(token) == value


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("10.0.0.1:80", "10.0.0.1:80"),
        ("[::1]:80", "[::1]:80"),
        ("$cookie_a", "$cookie_a"),
        ("a#b", "a#b"),
        ("#b", '"#b"'),
        ("", '""'),
        ("a b", '"a b"'),
        ("${a}", '"${a}"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("é", '"é"'),
    ],
)
def test_quotes_only_where_they_are_needed(word: str, written: str) -> None:
    assert lexer.quote(word) == written


def test_significant_tokens_are_those_without_comments() -> None:
    text = 'a "b # c" d#e; # comment\n# another\nx { y ${z}; }\n'
    tokens = ["a", '"b # c"', "d#e", ";", "x", "{", "y", "${z}", ";", "}"]
    assert list(lexer.significant(text)) == tokens


def test_what_is_no_token_still_counts() -> None:
    assert list(lexer.significant('a; "never closed; # b')) == ["a", ";", '"never closed; # b']
    assert list(lexer.significant('a "b"c;')) != list(lexer.significant('a "b" c;'))


@pytest.mark.parametrize("text", ["cookie a expires=1h", " a\n", '"a;b" c', "a\\;", "", "${a}"])
def test_words_only(text: str) -> None:
    assert lexer.is_words(text)


@pytest.mark.parametrize("text", ["a; b", "a # b", "a }", "{", '"open', 'a "b"c', "a\\"])
def test_not_words_only(text: str) -> None:
    assert not lexer.is_words(text)


def test_an_error_says_where() -> None:
    error = lexer.error_at("a;\n  b", 5, "is wrong", "/etc/nginx/nginx.conf")
    assert str(error) == "/etc/nginx/nginx.conf, line 2, column 3: is wrong"
    assert (error.line, error.column, error.path) == (2, 3, "/etc/nginx/nginx.conf")
    assert error.details == {"path": "/etc/nginx/nginx.conf", "line": 2, "column": 3}


@given(strategies.words)
def test_a_quoted_word_is_one_token_with_its_value(word: str) -> None:
    (token,) = lexer.significant(lexer.quote(word))
    assert lexer.unquote(token) == word
    assert lexer.is_words(lexer.quote(word))


@given(strategies.configurations)
def test_no_character_is_lost(text: str) -> None:
    tokens = "".join(lexer.significant(text))
    comments = [match[2] for match in lexer.TOKEN.finditer(text) if match[2]]
    assert len(tokens) <= len(text)
    if not comments:
        assert "".join(tokens.split()) == "".join(text.split())

"""What nginx answers for, and what makes it another configuration."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import read_dump
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.generation import (
    Generation,
    fingerprint,
    generation_path,
    read_answer,
)
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import Statement, parse

TEXT = "http { server { return 200 'a # b'; } } # comment\n"


def of(text: str) -> str:
    return fingerprint({"/etc/nginx/nginx.conf": text}, {})


@pytest.mark.parametrize(
    "same",
    [
        TEXT.replace("# comment", ""),
        TEXT.replace("# comment", "# another; { remark"),
        f"# first\n\n{TEXT}",
        TEXT.replace("{ ", "{\n\t").replace(" }", "\n}").replace("; ", ";"),
    ],
)
def test_comments_and_white_space_do_not_count(same: str) -> None:
    assert of(same) == of(TEXT)


@pytest.mark.parametrize(
    "other",
    [
        TEXT.replace("a # b", "a # c"),
        TEXT.replace("a # b", "a  # b"),
        TEXT.replace("200", "20 0"),
        TEXT.replace("200", "200#"),
        TEXT.replace("http", "# http"),
        f"{TEXT};",
    ],
)
def test_everything_else_counts(other: str) -> None:
    assert of(other) != of(TEXT)


def test_in_another_language_everything_counts() -> None:
    lua = "content_by_lua_block { local n = {}\n # n }"
    assert of(lua) != of(lua.replace("# n", "# m"))


def test_files_and_certificates_count_and_our_own_file_does_not() -> None:
    files, contents = {"/a": "x;", "/b": "y;"}, {"/c.pem": "1"}
    known = fingerprint(files, contents)
    assert fingerprint({"/b": "y;", "/a": "x;"}, contents) == known
    assert fingerprint({**files, "/etc/nginx/evenkeel-generation.conf": "z;"}, contents) == known
    assert fingerprint({"/a": "y;", "/b": "x;"}, contents) != known
    assert fingerprint(files, {"/c.pem": "2"}) != known
    assert fingerprint({"/a": "x;"}, contents) != known


def test_text_that_is_no_utf8_counts_too() -> None:
    assert of("a \udcff;") != of("a \udcfe;")


def test_the_file_is_a_server_that_answers_what_is_read() -> None:
    mark = Generation("0123abcd", of(TEXT))
    (server,) = (part for part in parse(mark.text("/run/x y/z.sock")) if isinstance(part, Statement))
    listen, *_others, location = (part for part in server.block or () if isinstance(part, Statement))
    assert listen.words == ("listen", "unix:/run/x y/z.sock")
    (answer,) = (part for part in location.block or () if isinstance(part, Statement) and part.words[0] == "return")
    assert answer.words[:2] == ("return", "200")
    assert read_answer(f"{mark.nonce} {mark.fingerprint}\n") == mark


@pytest.mark.parametrize("answer", [None, "", "404 Not Found", "abc def", f"{'a' * 16} {'b' * 63}"])
def test_anything_else_is_no_answer(answer: str | None) -> None:
    assert read_answer(answer) is None


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("include evenkeel-generation.con[f];", "/etc/nginx/evenkeel-generation.conf"),
        ("include /opt/x/evenkeel-generation.con[f];", "/opt/x/evenkeel-generation.conf"),
        ("include conf.d/evenkeel-generation.con[f];", "/etc/nginx/conf.d/evenkeel-generation.conf"),
        ("include conf.d/*.conf;", ""),
        ("upstream a { include evenkeel-generation.con[f]; }", ""),
    ],
)
def test_where_the_file_belongs(include: str, expected: str) -> None:
    dump = f"# configuration file /etc/nginx/nginx.conf:\nevents {{}}\nhttp {{ {include} }}\n\n"
    assert generation_path(read_dump(dump, "/etc/nginx"), "/etc/nginx") == expected

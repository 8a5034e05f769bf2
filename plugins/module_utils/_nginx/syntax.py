# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""nginx's statements: a text as a tree that knows where each statement stands."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.lexer import (
    SPACE,
    TOKEN,
    ParseError,
    error_at,
    quote,
    unquote,
)

# A statement without quotes, escapes and comments inside, which most are: one match instead of one per word.
_SIMPLE = re.compile(r"[ \t\r\n]*([!%&(-:<-\[\]-z|~][!$%&(-:<-\[\]-z|~ \t\r\n]*);(?:[ \t]*#([^\n]*))?")
_COMMENT_BEHIND = re.compile(r"[ \t]*#([^\n]*)")
# Pieces of a Lua block: comments and texts may hold braces that do not count.
_LUA = re.compile(
    r"--\[\[.*?\]\]|--[^\n]*|\[(=*)\[.*?\]\1\]|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|([{}])", re.DOTALL
)
_DEEPEST = 100


@dataclasses.dataclass(frozen=True)
class Comment:
    """A comment that stands on its own."""

    # Without the #.
    text: str
    start: int
    end: int
    line: int


@dataclasses.dataclass(frozen=True)
class Statement:
    """A directive, with its block where it has one."""

    # The values, without quotes; the first is the name of the directive.
    words: tuple[str, ...]
    # As written, without the semicolon and without the block.
    raw: str
    # Offsets of the whole statement, semicolon or brace included.
    start: int
    end: int
    line: int
    # None: it ends with a semicolon.
    block: tuple[Statement | Comment, ...] | None
    # The comment behind it on the same line, without the #, and where that ends; "" and `end`: there is none.
    comment: str
    comment_end: int
    # Offsets of the inside of the braces.
    body: tuple[int, int] | None
    # Comments between its words.
    inner: tuple[str, ...] = ()
    # What stands between the braces, as written.
    inside: str = ""

    @property
    def name(self) -> str:
        """Return the name of the directive."""
        return self.words[0]


Tree = tuple["Statement | Comment", ...]


def parse(text: str, path: str = "") -> Tree:
    """Return the statements and comments of a text.

    :raises ParseError: nginx would not read it either
    """
    parser = _Parser(text, path)
    tree = parser.block(None)
    return tree


def statements(tree: Tree) -> Iterator[Statement]:
    """Give the statements of a tree, those inside blocks too, each before its own block."""
    for node in tree:
        if isinstance(node, Statement):
            yield node
            if node.block:
                yield from statements(node.block)


class _Parser:
    """Goes once through a text."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.position = 0
        self._line = 1
        self._counted = 0
        self._depth = 0

    def block(self, opened: int | None) -> Tree:
        """Read up to the brace that closes a block, or the end of the text where none was opened."""
        nodes: list[Statement | Comment] = []
        text, simple = self.text, _SIMPLE.match
        while True:
            match = simple(text, self.position)
            if match:
                nodes.append(self._simple(match))
                continue
            match = TOKEN.match(text, self.position)
            if match is None:
                self._finish(opened)
                return tuple(nodes)
            if match[1] == "}":
                if opened is None:
                    raise self._error(match.start(1), 'unexpected "}"')
                self.position = match.end()
                return tuple(nodes)
            if match[1]:
                raise self._error(match.start(1), f'unexpected "{match[1]}"')
            if match[2]:
                self.position = match.end()
                start = match.start(2)
                nodes.append(Comment(match[2][1:].strip(SPACE), start, match.end(), self._line_of(start)))
            else:
                nodes.append(self._statement(match.start(3)))

    def _simple(self, match: re.Match[str]) -> Statement:
        raw, comment = match.groups()
        start, end = match.span(1)
        self.position = match.end()
        return Statement(
            tuple(raw.split()),
            raw.rstrip(),
            start,
            end + 1,
            self._line_of(start),
            None,
            comment.strip(SPACE) if comment else "",
            end + 1 if comment is None else match.end(),
            None,
        )

    def _statement(self, start: int) -> Statement:
        line = self._line_of(start)
        self.position = start
        words: list[str] = []
        inner: list[str] = []
        while True:
            match = TOKEN.match(self.text, self.position)
            if match is None or match[1] == "}":
                raise self._unfinished(start, match)
            self.position = match.end()
            if match[3]:
                words.append(unquote(match[3]))
            elif match[2]:
                inner.append(match[2][1:].strip(SPACE))
            else:
                break
        stop = match.start(1)
        block, body = self._body(words, stop) if match[1] == "{" else (None, None)
        end = self.position
        comment = _COMMENT_BEHIND.match(self.text, end)
        if comment:
            self.position = comment.end()
        return Statement(
            tuple(words),
            # A comment inside may be the last thing: its line must end before a semicolon can stand.
            self.text[start:stop] if inner else self.text[start:stop].rstrip(SPACE),
            start,
            end,
            line,
            block,
            comment[1].strip(SPACE) if comment else "",
            self.position,
            body,
            tuple(inner),
            self.text[slice(*body)] if body and self._depth else "",
        )

    def _body(self, words: list[str], opened: int) -> tuple[Tree, tuple[int, int]]:
        if words[0].endswith("_by_lua_block"):
            self._skip_lua(opened)
            return (), (opened + 1, self.position - 1)
        if self._depth == _DEEPEST:
            raise self._error(opened, "too many blocks inside one another")
        self._depth += 1
        block = self.block(opened)
        self._depth -= 1
        return block, (opened + 1, self.position - 1)

    def _skip_lua(self, opened: int) -> None:
        depth = 1
        for match in _LUA.finditer(self.text, opened + 1):
            depth += {"{": 1, "}": -1}.get(match[2] or "", 0)
            if depth == 0:
                self.position = match.end()
                return
        raise self._error(opened, 'unexpected end of file, this "{" is never closed')

    def _finish(self, opened: int | None) -> None:
        """Fail unless the text may end here."""
        offset = self._next()
        if offset < len(self.text):
            raise self._error(offset, _why_no_token(self.text, offset))
        if opened is not None:
            raise self._error(opened, 'unexpected end of file, this "{" is never closed')
        self.position = offset

    def _unfinished(self, start: int, match: re.Match[str] | None) -> ParseError:
        if match:
            return self._error(match.start(1), 'unexpected "}", expecting ";"')
        offset = self._next()
        if offset < len(self.text):
            return self._error(offset, _why_no_token(self.text, offset))
        return self._error(start, 'unexpected end of file, expecting ";" or "{"')

    def _next(self) -> int:
        rest = self.text[self.position :]
        return self.position + len(rest) - len(rest.lstrip(SPACE))

    def _line_of(self, offset: int) -> int:
        self._line += self.text.count("\n", self._counted, offset)
        self._counted = offset
        return self._line

    def _error(self, offset: int, message: str) -> ParseError:
        return error_at(self.text, offset, message, self.path)


def _why_no_token(text: str, offset: int) -> str:
    """Say why nothing at this offset can be a word."""
    mark = text[offset]
    if mark not in "\"'":
        return "unexpected end of file"
    closed = re.compile(rf"{mark}[^{mark}\\]*(?:\\.[^{mark}\\]*)*{mark}", re.DOTALL).match(text, offset)
    if closed is None:
        return f"unexpected end of file, this {mark} is never closed"
    behind = text[closed.end() : closed.end() + 1]
    return f'unexpected "{behind}" behind a quoted word' if behind else 'unexpected end of file, expecting ";" or "}"'


__all__ = ("Comment", "ParseError", "Statement", "Tree", "parse", "quote", "statements")

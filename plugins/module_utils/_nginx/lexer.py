# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""nginx's words: how its configuration is cut into tokens, and how a value must be written so that it stays one.

The rules are those of ngx_conf_read_token (src/core/ngx_conf_file.c): a quote or # inside a word is an ordinary
character, a brace behind a $ does not open a block, and a backslash protects the next character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import TaskError

SPACE = " \t\r\n"

WORD = r"(?:[^ \t\r\n;{}\"'#\\$]|\\.|\$\{*)(?:[^ \t\r\n;{\\$]+|\\.|\$\{*)*"
# nginx wants a space, the end of the statement, or a closing parenthesis behind a quoted word.
_QUOTED = r"\"[^\"\\]*(?:\\.[^\"\\]*)*\"(?=[ \t\r\n;{)])|'[^'\\]*(?:\\.[^'\\]*)*'(?=[ \t\r\n;{)])"

TOKEN = re.compile(rf"[ \t\r\n]*(?:([;{{}}])|(#[^\n]*)|({_QUOTED}|{WORD}))", re.DOTALL)

# Words that mean themselves.
_PLAIN = re.compile(r"[!$%&(-:<-\[\]-z|~][!#$%&(-:<-\[\]-z|~]*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {'"': '"', "'": "'", "\\": "\\", "t": "\t", "r": "\r", "n": "\n"}


class ParseError(TaskError):
    """Text that nginx would not read either, or that cannot be understood; and where."""

    def __init__(self, message: str, line: int, column: int, path: str = "") -> None:
        where = f"{path or 'nginx configuration'}, line {line}, column {column}"
        super().__init__(f"{where}: {message}", path=path, line=line, column=column)
        self.line = line
        self.column = column
        self.path = path


def error_at(text: str, offset: int, message: str, path: str = "") -> ParseError:
    """Return the error to raise for what stands at an offset."""
    line = text.count("\n", 0, offset) + 1
    return ParseError(message, line, offset - text.rfind("\n", 0, offset), path)


def unquote(token: str) -> str:
    """Return the value of a word as nginx keeps it."""
    if token[:1] in ('"', "'"):
        token = token[1:-1]
    if "\\" not in token:
        return token
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[0]), token)


def quote(word: str) -> str:
    """Return how a value must be written so that nginx reads it back; in quotes only where it needs them."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def significant(text: str) -> Iterator[str]:
    """Give the tokens of a text without its comments, quotes kept as written.

    What cannot be a token ends it: the rest comes as one piece, so that no change of it goes unnoticed.
    """
    end = 0
    for match in TOKEN.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        token = match[1] or match[3]
        if token:
            yield token
    rest = text[end:].strip(SPACE)
    if rest:
        yield rest


def is_words(text: str) -> bool:
    """Whether a text is words only, so that it can stand inside a statement and a semicolon behind it still ends it."""
    *inside, last = TOKEN.finditer(f"{text};")
    whole = sum(match.end() - match.start() for match in (*inside, last)) == len(text) + 1
    return whole and last[1] == ";" and all(match[3] is not None for match in inside)

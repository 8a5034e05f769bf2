# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Single server lines written anew inside a text, whose other characters stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import notes
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.lexer import TOKEN, unquote
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import parameters, server_line
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import Statement, quote

_INDENT = "    "
_BLANKS = re.compile(r"[ \t]*")
# What stands between the semicolon and the text of a comment.
_HASH = re.compile(r"([ \t]*)#([ \t]*)")


def edit(text: str, changes: Mapping[tuple[int, int], str]) -> str:
    """Return the text with these spans replaced.

    :raises ValueError: two spans overlap
    """
    pieces = []
    end = 0
    for (start, stop), new in sorted(changes.items()):
        if start < end:
            raise ValueError(f"two changes at offset {start}")
        pieces += [text[end:start], new]
        end = stop
    return "".join([*pieces, text[end:]])


def rewrite_line(text: str, statement: Statement, before: Server, after: Server, ours: bool) -> tuple[int, int, str]:
    """Return which span of the text becomes which text when a server becomes another.

    :param ours: the line gets the form that the renderer gives it; else it keeps its own, and only what has to
        change does
    """
    whole = ours or statement.inner or before.address != after.address
    line = server_line(after) if whole else _own_form(text, statement, before, after)
    end = statement.comment_end
    behind = _BLANKS.match(text, end)
    blank_end = behind.end() if behind else end
    # A comment must not swallow what follows in the same line.
    if "#" in line[_statement_length(line) :] and text[blank_end : blank_end + 1] not in ("\n", "\r", ""):
        return statement.start, blank_end, f"{line}\n{_indentation(text, statement.start)}"
    return statement.start, end, line


def _own_form(text: str, statement: Statement, before: Server, after: Server) -> str:
    old, new = parameters(before), parameters(after)
    gone = {_name(word) for word in old if word not in new}
    come = [word for word in new if word not in old]
    written = text[statement.start : statement.end - 1]
    pieces = []
    # With the semicolon, as a quoted word is one only where something may follow it.
    for match in TOKEN.finditer(f"{statement.raw};"):
        word = unquote(match[3] or "")
        if _name(word) not in gone or match[1]:
            pieces.append(match[0] if match[3] else "")
            continue
        # A parameter that gets another value stays where it is.
        successor = next((other for other in come if "=" in other and _name(other) == _name(word)), None)
        if successor is not None:
            come.remove(successor)
            pieces.append(match[0][: match.start(3) - match.start()] + quote(successor))
    pieces += [f" {quote(word)}" for word in come]
    blanks = written[len(statement.raw) :]
    return f"{''.join(pieces)}{blanks};{_comment(text, statement, before, after)}"


def _comment(text: str, statement: Statement, before: Server, after: Server) -> str:
    said = notes.write(after.comment, after.holds, after.alone)
    written = text[statement.end : statement.comment_end]
    if said == notes.write(before.comment, before.holds, before.alone):
        return written
    if not said:
        return ""
    form = _HASH.match(written)
    # The blank before a note that stood alone is ours.
    gap, pad = (form[1], form[2]) if form else (" ", " ")
    return f"{gap}#{pad}{said}"


def _name(word: str) -> str:
    return word.partition("=")[0]


def _statement_length(line: str) -> int:
    """Return where the statement at the beginning of a line ends."""
    for match in TOKEN.finditer(line):
        if match[1] == ";":
            return match.end()
    return len(line)


def _indentation(text: str, offset: int) -> str:
    """Return the blanks for a line of its own behind the statement at this offset."""
    line_start = text.rfind("\n", 0, offset) + 1
    match = _BLANKS.match(text, line_start)
    blanks = match[0] if match else ""
    return blanks if line_start + len(blanks) == offset else blanks + _INDENT

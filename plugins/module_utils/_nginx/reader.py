# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Statements as models. What a model has no field for is kept word for word, never dropped."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import notes
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.lexer import ParseError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import BY_HAND, Hold, Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import Comment, Statement, quote

Fields = dict[str, t.Any]

_NUMBER = re.compile(r"[0-9]{1,18}")
_NUMBERS = frozenset({"weight", "max_conns", "max_fails"})
_TEXTS = frozenset({"fail_timeout", "service", "route"})
_FLAGS = frozenset({"backup", "down", "drain", "resolve"})


def read_server(statement: Statement, ours: bool) -> Server:
    """Return the server that a line describes.

    A hold counts only beside `down`: where somebody took `down` away by hand, nginx uses the server, and so it is
    not held. In the same way `alone` counts only beside `max_fails=0`.

    :param ours: the file is written by this collection: `down` without a hold was then written by hand
    :raises ParseError: it has no address, or a block
    """
    words = statement.words
    if len(words) < 2 or statement.block is not None:
        raise ParseError("server must have an address and end with a semicolon", statement.line, 1)
    fields = _parameters(words[2:])
    written = " ".join(text for text in (*statement.inner, statement.comment) if text)
    if written:
        comment, holds, alone = notes.read(written)
        fields["comment"] = comment
        if "down" in fields:
            fields["holds"] = holds
        if fields.get("max_fails") == 0:
            fields["alone"] = alone
    if ours and "down" in fields and not fields.get("holds"):
        fields["holds"] = (Hold(BY_HAND, reason="down was written by hand"),)
    return Server(words[1], **fields)


def _parameters(words: tuple[str, ...]) -> Fields:
    fields: Fields = {}
    extra = []
    for word in words:
        name, equals, value = word.partition("=")
        # Of two with one name nginx uses the last.
        if not equals and name in _FLAGS:
            fields[name] = True
        elif equals and name in _NUMBERS and _NUMBER.fullmatch(value):
            fields[name] = int(value)
        elif equals and name in _TEXTS:
            fields[name] = value
        else:
            extra.append(word)
    if extra:
        fields["extra"] = tuple(extra)
    return fields


def read_upstream(statement: Statement, ours: bool) -> Upstream:
    """Return the upstream that a block describes.

    Directives that the model does not know, those that stand there a second time, `include` and comment lines are
    kept in `extra`.

    :raises ParseError: it is no upstream block, or a server in it has no address
    """
    if statement.words[0] != "upstream" or len(statement.words) != 2 or statement.block is None:
        raise ParseError("an upstream must have one name and a block", statement.line, 1)
    fields: Fields = {}
    servers = []
    extra = [_comment(text) for text in (*statement.inner, statement.comment) if text]
    for node in statement.block:
        if isinstance(node, Comment):
            extra.append(_comment(node.text))
        elif node.words[0] == "server":
            servers.append(read_server(node, ours))
        elif node.block is None and _known(fields, node):
            extra.extend(_comment(text) for text in (*node.inner, node.comment) if text)
        else:
            extra.append(_verbatim(node))
    return Upstream(statement.words[1], tuple(servers), extra=tuple(extra), **fields)


def _comment(text: str) -> str:
    return f"# {text}" if text else "#"


def _verbatim(node: Statement) -> str:
    end = "" if node.block is None else f" {{{node.inside}}}"
    comment = f" {_comment(node.comment)}" if node.comment else ""
    return f"{node.raw}{end or ';'}{comment}"


def _known(fields: Fields, node: Statement) -> bool:
    """Take a directive into the fields; say whether the model could."""
    name, *arguments = node.words
    read = _DIRECTIVES.get(name)
    found = read(arguments) if read else None
    if found is None or fields.keys() & found.keys():
        return False
    fields.update(found)
    return True


def _zone(arguments: list[str]) -> Fields | None:
    if len(arguments) not in (1, 2):
        return None
    return {"zone": arguments[0], "zone_size": arguments[1] if len(arguments) == 2 else ""}


def _resolver(arguments: list[str]) -> Fields | None:
    return {"resolver": " ".join(quote(word) for word in arguments)} if arguments else None


def _sticky(arguments: list[str]) -> Fields | None:
    return {"sticky": " ".join(quote(word) for word in arguments)} if arguments else None


def _text(field: str) -> Callable[[list[str]], Fields | None]:
    return lambda arguments: {field: arguments[0]} if len(arguments) == 1 else None


def _requests(arguments: list[str]) -> Fields | None:
    return (
        {"keepalive_requests": int(arguments[0])} if len(arguments) == 1 and _NUMBER.fullmatch(arguments[0]) else None
    )


def _keepalive(arguments: list[str]) -> Fields | None:
    if not arguments or not _NUMBER.fullmatch(arguments[0]) or arguments[1:] not in ([], ["local"]):
        return None
    return {"keepalive": int(arguments[0]), "keepalive_local": arguments[1:] == ["local"]}


def _plain_method(name: str) -> Callable[[list[str]], Fields | None]:
    return lambda arguments: None if arguments else {"method": name}


def _hash(arguments: list[str]) -> Fields | None:
    if not arguments or not arguments[0] or arguments[1:] not in ([], ["consistent"]):
        return None
    return {"method": "hash", "key": arguments[0], "consistent": arguments[1:] == ["consistent"]}


def _random(arguments: list[str]) -> Fields | None:
    if arguments[:1] not in ([], ["two"]) or len(arguments) > 2 or "" in arguments:
        return None
    return {"method": "random", "two": bool(arguments), "two_method": "".join(arguments[1:])}


def _least_time(arguments: list[str]) -> Fields | None:
    if arguments[:1] not in (["header"], ["last_byte"]) or arguments[1:] not in ([], ["inflight"]):
        return None
    return {"method": "least_time", "measure": arguments[0], "inflight": arguments[1:] == ["inflight"]}


_DIRECTIVES: dict[str, Callable[[list[str]], Fields | None]] = {
    "zone": _zone,
    "resolver": _resolver,
    "resolver_timeout": _text("resolver_timeout"),
    "least_conn": _plain_method("least_conn"),
    "ip_hash": _plain_method("ip_hash"),
    "hash": _hash,
    "random": _random,
    "least_time": _least_time,
    "keepalive": _keepalive,
    "keepalive_timeout": _text("keepalive_timeout"),
    "keepalive_requests": _requests,
    "keepalive_time": _text("keepalive_time"),
    "sticky": _sticky,
}

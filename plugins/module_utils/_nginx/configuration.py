# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The configuration that nginx has read, as `nginx -T` prints it: its files, and what the plugins must know of them."""

from __future__ import annotations

import dataclasses
import fnmatch
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.lexer import ParseError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.reader import read_server, read_upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import MARK
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.rewriting import edit, rewrite_line
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import (
    Comment,
    Statement,
    Tree,
    parse,
    statements,
)

# The file that tells which configuration is live. It is included with its last letter in brackets, so that nginx
# starts without it.
GENERATION_NAME = "evenkeel-generation.conf"

_FILE = re.compile(r"^# configuration file (.+):\n", re.MULTILINE)
_CERTIFICATE = re.compile(
    r"(?:(?:proxy|grpc|uwsgi)_)?ssl_(?:certificate|certificate_key|trusted_certificate|client_certificate|dhparam|crl"
    r"|password_file|session_ticket_key|stapling_file)"
)
_TIME = re.compile(r"\s*([0-9]+)(ms|[yMwdhms]?)")
_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
_PORT = re.compile(r"(?:.*:)?([0-9]+)(?:-([0-9]+))?")
_DEFAULT_PORT = 80
# What holds where nothing is written.
_TIMEOUTS = {"client_body_timeout": 60.0, "keepalive_timeout": 75.0}


@dataclasses.dataclass(frozen=True)
class ConfigFile:
    """One file."""

    path: str
    text: str
    statements: Tree = dataclasses.field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "statements", parse(self.text, self.path))

    @property
    def ours(self) -> bool:
        """Whether nginx_upstream wrote it."""
        return self.text.startswith(MARK)


@dataclasses.dataclass(frozen=True)
class ServerSite:
    """A server, and where its line stands: a file that the block includes is possible."""

    path: str
    statement: Statement
    server: Server


@dataclasses.dataclass(frozen=True)
class UpstreamSite:
    """An upstream, and where its block stands."""

    name: str
    path: str
    line: int
    ours: bool
    upstream: Upstream
    servers: tuple[ServerSite, ...]


@dataclasses.dataclass(frozen=True)
class _Place:
    """A statement, its file, and the blocks around it."""

    path: str
    statement: Statement
    context: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Configuration:
    """Everything that nginx has read."""

    files: Mapping[str, ConfigFile]
    # The upstreams of http, in the order in which nginx reads them.
    upstreams: tuple[UpstreamSite, ...] = ()
    listen_ports: frozenset[int] = frozenset()
    # Some listener speaks HTTP/2 or HTTP/3.
    http2: bool = False
    # The longest that is in force anywhere, in seconds.
    client_body_timeout: float = _TIMEOUTS["client_body_timeout"]
    keepalive_timeout: float = _TIMEOUTS["keepalive_timeout"]
    # The shortest that is written; None: it is written nowhere.
    keepalive_min_timeout: float | None = None
    # As written: nginx takes a relative path from its prefix.
    pid_path: str | None = None
    error_log: str | None = None
    # Absolute.
    certificate_files: tuple[str, ...] = ()
    # The files that nginx names when it refuses its configuration.
    blamed: frozenset[str] = frozenset()

    def announces(self, flag_path: str) -> bool:
        """Whether some location answers otherwise while this file is there."""
        return any(
            statement.name == "if" and " ".join(statement.words[1:]).strip("() ") == f"-f {flag_path}"
            for statement in self._statements()
        )

    def reads(self, path: str, conf_dir: str) -> bool:
        """Whether some `include` means this file, were it there."""
        wanted = posixpath.normpath(path)
        return any(
            statement.name == "include"
            and len(statement.words) == 2
            and _matches(wanted, posixpath.normpath(posixpath.join(conf_dir, statement.words[1])))
            for statement in self._statements()
        )

    def _statements(self) -> Iterator[Statement]:
        for file in self.files.values():
            yield from statements(file.statements)


def read_dump(text: str, conf_dir: str) -> Configuration:
    """Read what `nginx -T` printed.

    :param conf_dir: the directory of nginx.conf, from which included files and certificates are looked up
    :raises ParseError: a file that cannot be understood
    """
    files = _split(text)
    walk = _Walk(files, conf_dir)
    places = list(walk.places())
    found = _Found(places)
    return Configuration(
        files=files,
        upstreams=tuple(_sites(walk, places)),
        listen_ports=found.listen_ports(),
        http2=found.http2(),
        client_body_timeout=found.longest("client_body_timeout"),
        keepalive_timeout=found.longest("keepalive_timeout"),
        keepalive_min_timeout=min(found.times("keepalive_min_timeout"), default=None),
        pid_path=found.top("pid"),
        error_log=found.top("error_log"),
        certificate_files=found.certificates(conf_dir),
    )


def replace_server(file: ConfigFile, site: ServerSite, server: Server) -> tuple[int, int, str]:
    """Return which span of a file becomes which text when this server becomes another; see edit()."""
    return rewrite_line(file.text, site.statement, site.server, server, file.ours)


def seconds(value: str) -> float | None:
    """Return a time such as 1m30s in seconds, None where it is none."""
    total, end = 0.0, 0
    while end < len(value):
        match = _TIME.match(value, end)
        if match is None:
            return None
        total += int(match[1][:18]) * _SECONDS[match[2]]
        end = match.end()
    return total if end else None


def _split(text: str) -> dict[str, ConfigFile]:
    headers = list(_FILE.finditer(text))
    files: dict[str, ConfigFile] = {}
    ends = [header.start() for header in headers[1:]] + [len(text)]
    for index, header in enumerate(headers):
        # nginx adds a line break behind each file.
        end = ends[index] - 1
        files.setdefault(header[1], ConfigFile(header[1], text[header.end() : max(end, header.end())]))
    return files


class _Walk:
    """Goes through all statements as nginx does: an included file stands where its `include` does."""

    def __init__(self, files: Mapping[str, ConfigFile], conf_dir: str) -> None:
        self.files = files
        self.conf_dir = conf_dir
        self.paths = {posixpath.normpath(posixpath.join(conf_dir, path)): path for path in files}
        self._open: list[str] = []

    def places(self) -> Iterator[_Place]:
        """Give the statements, each before those of its block."""
        for path in list(self.files)[:1]:
            yield from self._inside(path, self.files[path].statements, ())

    def expand(self, path: str, tree: Tree) -> Iterator[tuple[str, Statement | Comment]]:
        """Give what stands in a block itself, with included files in the place of each `include`."""
        for node in tree:
            included = self._included(node) if isinstance(node, Statement) and node.name == "include" else []
            if not included:
                yield path, node
            for other in included:
                self._open.append(other)
                yield from self.expand(other, self.files[other].statements)
                self._open.pop()

    def _inside(self, path: str, tree: Tree, context: tuple[str, ...]) -> Iterator[_Place]:
        for place, node in self.expand(path, tree):
            if isinstance(node, Statement):
                yield _Place(place, node, context)
                # Nothing that is looked for stands inside an upstream, and there may be thousands of servers.
                if node.block and node.name != "upstream":
                    yield from self._inside(place, node.block, (*context, node.name))

    def _included(self, node: Statement) -> list[str]:
        if len(node.words) != 2:
            return []
        wanted = posixpath.normpath(posixpath.join(self.conf_dir, node.words[1]))
        found = [wanted] if wanted in self.paths else sorted(path for path in self.paths if _matches(path, wanted))
        return [self.paths[path] for path in found if self.paths[path] not in self._open]


def _matches(path: str, pattern: str) -> bool:
    """Whether the shell's pattern means this path: no slash and no leading dot is meant by a wildcard."""
    names, wanted = path.split("/"), pattern.split("/")
    return len(names) == len(wanted) and all(
        fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
        for name, part in zip(names, wanted, strict=True)
    )


def _sites(walk: _Walk, places: Iterable[_Place]) -> Iterator[UpstreamSite]:
    for place in places:
        if place.statement.name == "upstream" and place.context == ("http",):
            try:
                yield _site(walk, place)
            except ParseError:
                # nginx refuses such a block as well, so nobody is served by it.
                continue


def _site(walk: _Walk, place: _Place) -> UpstreamSite:
    ours = walk.files[place.path].ours
    servers = []
    rest = []
    for path, node in walk.expand(place.path, place.statement.block or ()):
        if isinstance(node, Statement) and node.name == "server":
            servers.append(ServerSite(path, node, read_server(node, ours)))
        else:
            rest.append(node)
    block = None if place.statement.block is None else tuple(rest)
    upstream = read_upstream(dataclasses.replace(place.statement, block=block), ours)
    upstream = upstream.with_servers(site.server for site in servers)
    return UpstreamSite(upstream.name, place.path, place.statement.line, ours, upstream, tuple(servers))


class _Found:
    """Answers questions about statements."""

    def __init__(self, places: Iterable[_Place]) -> None:
        self._by_name: dict[str, list[_Place]] = {}
        for place in places:
            self._by_name.setdefault(place.statement.name, []).append(place)

    def listen_ports(self) -> frozenset[int]:
        """Return every TCP port that clients connect to."""
        ports: set[int] = set()
        for statement in self._statements("server"):
            block = statement.block or ()
            listens = any(isinstance(node, Statement) and node.name == "listen" for node in block)
            ports |= set() if listens else {_DEFAULT_PORT}
        for statement in self._statements("listen"):
            ports |= _ports(statement.words[1:])
        return frozenset(ports)

    def http2(self) -> bool:
        """Whether some listener takes several requests at once on one connection."""
        listening = any({"http2", "quic"} & set(statement.words[2:]) for statement in self._statements("listen"))
        return listening or any(statement.words[1:] == ("on",) for statement in self._statements("http2"))

    def times(self, name: str) -> list[float]:
        """Return the times that are written for a directive."""
        found = (seconds(statement.words[1]) for statement in self._statements(name) if len(statement.words) > 1)
        return [time for time in found if time is not None]

    def longest(self, name: str) -> float:
        """Return the longest time in force; nginx's own counts unless the whole of http has another."""
        everywhere = any(place.context == ("http",) for place in self._by_name.get(name, []))
        return max([*self.times(name), *([] if everywhere else [_TIMEOUTS[name]])], default=_TIMEOUTS[name])

    def top(self, name: str) -> str | None:
        """Return the argument of a directive outside all blocks."""
        for place in self._by_name.get(name, []):
            if not place.context and len(place.statement.words) > 1:
                return place.statement.words[1]
        return None

    def certificates(self, conf_dir: str) -> tuple[str, ...]:
        """Return the files with keys and certificates that nginx reads when it loads its configuration."""
        paths = {
            posixpath.normpath(posixpath.join(conf_dir, word))
            for name in self._by_name
            if _CERTIFICATE.fullmatch(name)
            for statement in self._statements(name)
            for word in statement.words[1:2]
            # A variable is looked up at each request; data:, engine: and store: are no files.
            if "$" not in word and not re.match(r"(?:data|engine|store):", word)
        }
        return tuple(sorted(paths))

    def _statements(self, name: str) -> Iterator[Statement]:
        return (place.statement for place in self._by_name.get(name, []))


def _ports(arguments: tuple[str, ...]) -> set[int]:
    address = arguments[0] if arguments else "unix:"
    if address.startswith("unix:"):
        return set()
    match = _PORT.fullmatch(address)
    # An address alone, 127.0.0.1 or [::1], is no port.
    if match is None or address.endswith("]") or (":" not in address and "." in address):
        return {_DEFAULT_PORT}
    first, last = int(match[1][:6]), int((match[2] or match[1])[:6])
    return set(range(first, min(last, 65535) + 1))


__all__ = (
    "GENERATION_NAME",
    "ConfigFile",
    "Configuration",
    "ServerSite",
    "UpstreamSite",
    "edit",
    "read_dump",
    "replace_server",
    "seconds",
)

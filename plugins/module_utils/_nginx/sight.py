# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What nginx has on disk and what it serves, seen at one moment."""

from __future__ import annotations

import dataclasses
import posixpath
import re

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import generation
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration, read_dump
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import Build
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Host, Tested
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import Comment, ParseError, Statement, parse

# How nginx says where something is wrong.
_PLACE = re.compile(r" in (/\S+):\d+$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Seen:
    """A configuration on disk."""

    build: Build
    configuration: Configuration
    # What nginx said when it tested it.
    tested: Tested
    # Empty: nginx refuses it.
    fingerprint: str
    generation_file: str
    pid_path: str

    @property
    def logs(self) -> tuple[str, ...]:
        """Return the files in which nginx may say why it does not take a configuration."""
        return tuple(
            {path for path in (self.configuration.error_log, self.build.error_log_path) if path and path[0] == "/"}
        )


def see(host: Host, build: Build, tested: Tested | None = None) -> Seen:
    """Look at what is on disk.

    :param tested: what nginx has just said of it
    """
    tested = tested or host.dump()
    folder = posixpath.dirname(host.conf_path)
    configuration = read_dump(tested.dump if tested.ok else assemble(host), folder)
    if not tested.ok:
        blamed = frozenset(host.real(path) for path in places(tested.messages))
        configuration = dataclasses.replace(configuration, blamed=blamed)
    texts = {path: file.text for path, file in configuration.files.items()}
    pid_path = posixpath.join(build.prefix, configuration.pid_path or build.pid_path)
    host.watch(pid_path)
    return Seen(
        build,
        configuration,
        tested,
        digest(host, configuration, texts) if tested.ok else "",
        generation.generation_path(configuration, folder),
        pid_path,
    )


def digest(host: Host, configuration: Configuration, texts: dict[str, str]) -> str:
    """Return the fingerprint of these files, and of the certificates that the configuration names."""
    contents = {path: host.digest(path) for path in configuration.certificate_files}
    return generation.fingerprint(texts, contents)


def live(host: Host, seen: Seen, reload_due: bool = False) -> str:
    """Tell whether nginx serves what is on disk: same, different, unknown (nothing tells) or stopped.

    :param reload_due: a reload was not proven
    """
    if host.master() is None:
        return "stopped"
    if reload_due:
        return "different"
    if not seen.fingerprint:
        return "unknown"
    answer = generation.read_answer(host.ask_generation())
    if answer is not None:
        return "same" if answer.fingerprint == seen.fingerprint else "different"
    # A socket that somebody removed does not come back with a reload, so it is no reason for one.
    never = bool(seen.generation_file) and (host.has_socket() or host.read(seen.generation_file) is None)
    return "different" if never else "unknown"


def folders(host: Host, seen: Seen) -> set[str]:
    """Return the directories in which a run of ours may have left something."""
    real = {posixpath.dirname(host.real(path)) for path in seen.configuration.files}
    return {*real, posixpath.dirname(host.conf_path), host.upstreams_dir}


def assemble(host: Host) -> str:
    """Return a configuration that nginx refuses as `nginx -T` would print it; a file that cannot be read is empty."""
    texts: dict[str, str] = {}
    waiting = [host.conf_path]
    while waiting:
        path = waiting.pop(0)
        if path in texts:
            continue
        texts[path] = host.read(path) or ""
        try:
            statements = parse(texts[path], path)
        except ParseError:
            texts[path] = ""
            continue
        for name in _includes(statements):
            waiting += host.glob(posixpath.join(posixpath.dirname(host.conf_path), name))
    return "".join(f"# configuration file {path}:\n{text}\n" for path, text in texts.items())


def places(messages: str) -> list[str]:
    """Return the files that nginx complains of."""
    return _PLACE.findall(messages)


def _includes(statements: tuple[Statement | Comment, ...]) -> list[str]:
    found = []
    for statement in statements:
        if isinstance(statement, Statement):
            if statement.words[0] == "include" and len(statement.words) == 2:
                found.append(statement.words[1])
            found += _includes(statement.block or ())
    return found

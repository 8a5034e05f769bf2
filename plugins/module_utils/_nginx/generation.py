# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Which configuration a running nginx serves.

`nginx -t` and a reload that returns 0 do not prove that a configuration serves. So the configuration has one small
server that answers with a word that is new in each reload, and with a digest of the whole configuration it came with.
"""

from __future__ import annotations

import dataclasses
import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import GENERATION_NAME, Configuration
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.lexer import significant
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import Comment, Statement

_ANSWER = re.compile(r"([0-9a-f]+) ([0-9a-f]{64})\s*")


@dataclasses.dataclass(frozen=True)
class Generation:
    """One reload: its word, and the digest of what was loaded."""

    nonce: str
    fingerprint: str

    def text(self, socket: str) -> str:
        """Return the configuration file that makes nginx answer with it."""
        return (
            "# Managed by evenkeel.web.nginx_reload: tells which configuration nginx serves.\n"
            f'server {{ listen "unix:{socket}"; server_name generation; access_log off;\n'
            f'    location / {{ default_type text/plain; return 200 "{self.nonce} {self.fingerprint}\\n"; }} }}\n'
        )


def read_answer(answer: str | None) -> Generation | None:
    """Return what nginx answered; None: nothing that makes sense."""
    found = _ANSWER.fullmatch(answer or "")
    return Generation(found[1], found[2]) if found else None


def generation_path(configuration: Configuration, conf_dir: str) -> str:
    """Return the file that the configuration includes for this purpose; empty: none."""
    wanted = GENERATION_NAME[:-1]
    for file in configuration.files.values():
        for statement in _walk(file.statements):
            if statement.words[0] == "include" and len(statement.words) == 2 and wanted in statement.words[1]:
                folder = posixpath.dirname(statement.words[1])
                return posixpath.join(conf_dir, folder, GENERATION_NAME)
    return ""


def fingerprint(files: Mapping[str, str], contents: Mapping[str, str]) -> str:
    """Return the digest of a configuration. Comments and the file that carries the digest itself do not count.

    :param files: the text of each configuration file
    :param contents: a digest of each other file that nginx reads when it loads, such as certificates
    """
    total = hashlib.sha256()
    for path in sorted(files):
        if posixpath.basename(path) != GENERATION_NAME:
            total.update("\0".join(["", path, *_tokens(files[path])]).encode(errors="surrogateescape"))
    for path in sorted(contents):
        total.update(f"\1{path}\0{contents[path]}".encode(errors="surrogateescape"))
    return total.hexdigest()


def _tokens(text: str) -> list[str]:
    # In a block of another language a # need not be a comment.
    return [text] if "_by_lua" in text else list(significant(text))


def _walk(statements: Iterable[Statement | Comment]) -> Iterable[Statement]:
    for statement in statements:
        # The file is included where servers may stand, not inside one.
        if isinstance(statement, Statement) and statement.words[0] not in ("upstream", "server", "types", "map", "geo"):
            yield statement
            yield from _walk(statement.block or ())

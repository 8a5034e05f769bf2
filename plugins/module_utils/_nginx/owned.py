# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The file of one upstream: whether it may be written over, and what it says."""

from __future__ import annotations

import dataclasses

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.reader import read_upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import MARK, is_header
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.syntax import Comment, Statement, parse


def read_file(text: str, path: str, name: str, adopt: bool) -> Upstream | None:
    """Return the upstream that a file holds, None where it holds nothing.

    :param adopt: whether a file without the mark of this collection may be taken over
    :raises TaskError: it may not, or it holds something else, which would be lost
    """
    ours = text.startswith(MARK)
    if not ours and not adopt and text.strip():
        raise TaskError(
            f"{path} was not written by this module (its first line is not '{MARK}'), so it is not written over. "
            f"adopt: true takes it over and keeps what it says; else move it away."
        )
    parts = parse(text, path)
    blocks = [part for part in parts if isinstance(part, Statement)]
    for block in blocks:
        if block.words[0] != "upstream" or block.words[1:] != (name,) or block.block is None:
            raise TaskError(
                f"{path}, line {block.line}: '{' '.join(block.words)}' would be lost, as this file holds the upstream "
                f"{name} and nothing else; move it into another file."
            )
    if len(blocks) > 1:
        raise TaskError(f"{path}, line {blocks[1].line}: the upstream {name} stands here twice; remove one of them.")
    if not blocks:
        return None
    upstream = read_upstream(blocks[0], ours=True)
    around = (f"#{part.text}".rstrip() for part in parts if isinstance(part, Comment))
    others = tuple(line for line in map(_spaced, around) if not is_header(line) and line not in upstream.extra)
    return dataclasses.replace(upstream, extra=(*others, *upstream.extra))


def without_extras(upstream: Upstream) -> Upstream:
    """Return the upstream without what the model does not know, which is what nginx may have refused; comments stay."""
    servers = (dataclasses.replace(server, extra=()) for server in upstream.servers)
    comments = tuple(text for text in upstream.extra if text.startswith("#"))
    return dataclasses.replace(upstream, servers=tuple(servers), extra=comments)


def _spaced(line: str) -> str:
    return f"# {line.lstrip('# ')}" if line.lstrip("# ") else "#"

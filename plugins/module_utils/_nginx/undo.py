# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Notes by which a half-made change of files is taken back, also by the next run after this one was killed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Content, Host


@dataclasses.dataclass(frozen=True)
class Saved:
    """A file as it was before the change."""

    path: str
    # None: there was no such file.
    before: Content | None
    # The digest of what the change makes of it; empty: the file is gone; None: whatever it is, it is ours to replace.
    after: str | None = None


def save(host: Host, files: Mapping[str, str | None], ours: Iterable[str] = ()) -> list[Saved]:
    """Return what has to be known to take a change back.

    :param files: the new text of each file; None: it goes
    :param ours: files that only we write
    """
    saved = [Saved(path, host.content(path), _digest(text)) for path, text in sorted(files.items())]
    return saved + [Saved(path, host.content(path)) for path in ours if path]


def take_back(host: Host, saved: Iterable[Saved]) -> list[str]:
    """Make every file what it was, except one that somebody else changed since; return the files that were put back."""
    changed = []
    for entry in reversed(list(saved)):
        now = host.content(entry.path)
        if now == entry.before or (entry.after is not None and _digest(now.text if now else None) != entry.after):
            continue
        if entry.before is None:
            host.remove(entry.path)
        else:
            host.write(entry.path, entry.before)
        changed.append(entry.path)
    return changed


def dump(saved: Iterable[Saved]) -> str:
    """Return the notes as text."""
    return json.dumps([dataclasses.asdict(entry) for entry in saved])


def load(notes: str | None) -> list[Saved]:
    """Read such notes; there may be none."""
    entries: list[dict[str, t.Any]] = json.loads(notes) if notes else []
    return [
        Saved(entry["path"], Content(**entry["before"]) if entry["before"] else None, entry["after"])
        for entry in entries
    ]


def _digest(text: str | None) -> str:
    return "" if text is None else hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

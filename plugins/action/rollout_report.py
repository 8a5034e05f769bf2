# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the evidence of a rollout on the controller."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import journal

OPTIONS = {
    "path": {"type": "path", "required": True},
    "summary": {"type": "dict", "required": True},
    "timeline": {"type": "str", "required": True},
}


def files(summary: Mapping[str, t.Any], timeline: str) -> dict[str, str]:
    """Return the content of each file by its name."""
    events = summary.get("events") or []
    return {
        journal.SUMMARY: json.dumps(summary, indent=4, sort_keys=True, default=str) + "\n",
        journal.JOURNAL: "".join(f"{journal.line(event)}\n" for event in events),
        journal.TIMELINE: timeline,
    }


def write(path: Path, text: str) -> None:
    """Write a file that everybody may read, as a whole or not at all."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.chmod(0o644)
    unfinished.replace(path)


class ActionModule(ActionBase):
    """Write what is not there yet."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset(OPTIONS)
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Write the files of one run.

        :raises AnsibleActionFail: they cannot be written
        """
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        options = self.validate_argument_spec(OPTIONS)[1]
        folder = Path(options["path"])
        changed = []
        try:
            for name, text in files(options["summary"], options["timeline"]).items():
                path = folder / name
                if path.is_file() and path.read_text(encoding="utf-8") == text:
                    continue
                changed.append(str(path))
                if not self._task.check_mode:
                    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
                    write(path, text)
        except OSError as error:
            raise AnsibleActionFail(f"path: {folder} cannot be written: {error.strerror}") from error
        return {**result, "changed": bool(changed), "files": changed}

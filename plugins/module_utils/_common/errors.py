# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What stops a module: values that cannot be used, all found at once, and whatever else goes wrong, as a sentence."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Finding:
    """One value that cannot be used: where it stands, what it is, and what would be allowed."""

    path: str
    value: t.Any
    allowed: str
    # The name of the rule that it breaks, where there is one.
    rule: str = dataclasses.field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.path}: {self.value!r} {self.allowed}"


class ConfigError(Exception):
    """Values that cannot be used, with every finding."""

    def __init__(self, findings: t.Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class TaskError(Exception):
    """Something that stops a module; the details go into its result."""

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class HostError(TaskError):
    """The machine refuses: no such file or program, no space, no permission."""

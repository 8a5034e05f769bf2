# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what failed and why."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_failure
short_description: Tell what failed and why, in one paragraph
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Of a task with a loop, Ansible says only that an item failed. This says what the first of them said.
options:
  _input:
    description: The result of the task that failed, C(ansible_failed_result) in a rescue.
    type: dict
    required: true
  task:
    description: The name of the task, C(ansible_failed_task.name).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show why
  ansible.builtin.debug:
    msg: "{{ ansible_failed_result | evenkeel.web.rollout_failure(ansible_failed_task.name) }}"
"""

RETURN = r"""
_value:
  description: What failed and why.
  type: str
  sample: 'Ask for its health: 1 of 1 not healthy'
"""

import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import inputs


def rollout_failure(result: Mapping[str, t.Any], task: str) -> str:
    """Return what failed and why."""
    return inputs.failure(task, result)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_failure": rollout_failure}

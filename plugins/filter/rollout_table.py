# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: a rollout as a table."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_table
short_description: Show what happened in a rollout as a table
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns lines that are at most 110 characters wide, unless a command that can be copied is longer.
  - The last lines are the message and what to do next.
options:
  _input:
    description: The summary, as P(evenkeel.web.rollout_summary#filter) returns it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what happened
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'rollout.json') | from_json | evenkeel.web.rollout_table }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
  sample:
    - "host      batch  from   now    outcome  held at  drain  wait  restart  check  ready  held"
    - "backend1  1      1.0.0  1.4.2  ok         00:12    0.3     -      4.1    2.0    6.2  12.6"
"""

import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.table import lines


def rollout_table(summary: Mapping[str, t.Any]) -> list[str]:
    """Return the lines of the table."""
    try:
        return lines(summary)
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_table": rollout_table}

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what is wrong with plain values."""

from __future__ import annotations

DOCUMENTATION = r"""
name: value_findings
short_description: Check plain values that a role was given
version_added: 0.1.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns everything that is wrong, each finding with the name of the variable, its value and what is allowed.
options:
  _input:
    description:
      - For the name of each variable a list of its value and its kind, one of V(buffers), V(host), V(listen),
        V(moment), V(network), V(number), V(port), V(size), V(time) or V(workers).
      - After V(number) the least value may follow, which is 0 without it. After V(moment) follows the time that it must
        be later than, such as V(2026-11-28T18:00:00Z).
      - A value that is a list must hold values of the kind.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse a port that does not exist
  ansible.builtin.assert:
    that: findings | length == 0
    fail_msg: "{{ findings | join('\n') }}"
  vars:
    findings: "{{ {'app_port': [5000, 'port'], 'app_workers': [2, 'number', 1]} | evenkeel.web.value_findings }}"
"""

RETURN = r"""
_value:
  description: The findings, empty if nothing is wrong.
  type: list
  elements: str
  sample: ["app_port: 70000 must be a whole number from 1 to 65535"]
"""

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.options import check_value


def value_findings(values: Mapping[str, Sequence[t.Any]]) -> list[str]:
    """Return the findings as text."""
    return [str(finding) for name, item in values.items() for finding in check_value(name, *item)]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"value_findings": value_findings}

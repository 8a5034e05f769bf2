# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the plan of a rollout."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_plan
short_description: Make the plan of a rollout
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns who is rolled, in which order and batches, what stays in rotation meanwhile, and everything that speaks
    against it. Nothing is asked and nothing is changed.
options:
  _input:
    description: >-
      What is wanted (C(verb), C(name), C(version), C(only_marked), C(options)), the C(members) and what each of the
      C(load_balancers) sees, and the runs that are C(gone).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ (request | evenkeel.web.rollout_plan).text }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  sample:
    {verb: deploy, name: backends, version: 1.4.2, order: [backend1], batches: [[backend1]], findings: [], warnings: []}
"""

import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import plan


def rollout_plan(request: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the plan."""
    return plan.make(request)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_plan": rollout_plan}

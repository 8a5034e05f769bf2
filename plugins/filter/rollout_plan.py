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
      C(load_balancers) sees, the runs that are C(gone), and what a command to go on repeats - its C(extra_vars), and
      how it was C(typed).
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
  description: The plan. Where C(findings) is not empty, nothing may be changed.
  type: dict
  contains:
    findings:
      description: What speaks against it - what, where, and what to do.
      type: list
      elements: str
    warnings:
      description: What is worth knowing and stops nothing.
      type: list
      elements: str
    order:
      description: The hosts that are rolled, in that order.
      type: list
      elements: str
    batches:
      description: The same hosts, those of each batch together.
      type: list
      elements: list
    serial:
      description: The size of each batch, at least one.
      type: list
      elements: int
    capacity:
      description: How many hosts stay in rotation during each batch.
      type: list
      elements: dict
    hosts:
      description: Each host of the group with its address, its release before and after, and its batch (V(0) is none).
      type: dict
    skipped:
      description: Who is left out, and who holds it.
      type: dict
    unchanged:
      description: Who needs nothing.
      type: list
      elements: str
    not_selected:
      description: Who is left out by C(--limit).
      type: list
      elements: str
    held:
      description: Whom an earlier rollout has left out of rotation.
      type: list
      elements: str
    min_healthy:
      description: How many hosts stay in rotation at least.
      type: int
    reloads:
      description: The reloads of each load balancer.
      type: int
    seconds_longest:
      description: Seconds that it takes when every wait lasts as long as it may.
      type: float
    stops_after_first_batch:
      description: Whether it is a canary.
      type: bool
    resumes:
      description: The run that did not come to its end, or nothing.
      type: str
    text:
      description: The plan as lines for a terminal.
      type: list
      elements: str
  sample:
    verb: deploy
    name: backends
    version: 1.4.2
    order: [backend1, backend2]
    batches: [[backend1], [backend2]]
    findings: []
    warnings: []
    text:
      - 'deploy of 1.4.2 on backends: 2 hosts in 2 batches, at least 1 stays (rollout_min_healthy)'
      - 'batch 1 of 2: backend1 1.0.0 -> 1.4.2; 1 of 2 stays in rotation'
      - 'batch 2 of 2: backend2 1.0.0 -> 1.4.2; 1 of 2 stays in rotation'
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

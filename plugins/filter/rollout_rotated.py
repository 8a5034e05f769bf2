# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what became of one change of rotation."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_rotated
short_description: Put together what became of one change of rotation on each load balancer
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Joins the results of C(nginx_upstream_server), made once for each load balancer.
options:
  _input:
    description: Names of the load balancers.
    type: list
    elements: str
    required: true
  results:
    description: Each result of C(nginx_upstream_server).
    type: list
    elements: dict
    required: true
  now:
    description: When the last one had returned, in seconds since the epoch.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: Show the reloads
  ansible.builtin.debug:
    msg: "{{ (groups['load_balancers'] | evenkeel.web.rollout_rotated(held.results, 1795842000)).reloads }}"
"""

RETURN = r"""
_value:
  description: >-
    When the last one had reloaded, the reloads, the load balancers that could not be told, the servers that still have
    requests, and those that somebody else holds.
  type: dict
  sample: {at: 1795842000.0, reloads: [], left: {lb2: no route to host}, away: [lb2], waiting: {}, foreign: {}}
"""

import typing as t
from collections.abc import Callable, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import inputs


def rollout_rotated(names: Sequence[str], results: inputs.Results, now: float) -> dict[str, t.Any]:
    """Return what became of the change."""
    return inputs.rotated(names, results, float(now))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_rotated": rollout_rotated}

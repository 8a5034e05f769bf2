# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what was read from the access logs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_logs
short_description: Put together what was read from the access logs of the load balancers
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Joins the results of M(evenkeel.web.access_log_info), made once for each load balancer. What could not be read is
    left out.
options:
  _input:
    description: Names of the load balancers.
    type: list
    elements: str
    required: true
  results:
    description: Each result of M(evenkeel.web.access_log_info).
    type: list
    elements: dict
    required: true
  offsets:
    description: Seconds by which the clock of each load balancer is ahead of the controller's.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what was read
  ansible.builtin.debug:
    msg: "{{ groups['load_balancers'] | evenkeel.web.rollout_logs(read.results, {'lb1': 0.2}) }}"
"""

RETURN = r"""
_value:
  description: What was read from each load balancer.
  type: list
  elements: dict
  sample:
    - {lb: lb1, offset: 0.2, total: {requests: 0, failed: 0, retried: 0}, servers: [], seconds: [], lines: 0,
       unreadable: 0}
"""

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import inputs


def rollout_logs(
    names: Sequence[str], results: inputs.Results, offsets: Mapping[str, float | str]
) -> list[dict[str, t.Any]]:
    """Return what was read."""
    return inputs.logs(names, results, offsets)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_logs": rollout_logs}

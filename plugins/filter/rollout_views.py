# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what each load balancer sees."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_views
short_description: Put together what each load balancer sees of the group that rolls
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Joins the results of C(nginx_upstream_info), C(health_check) and C(rollout_info), made once for each load balancer.
options:
  _input:
    description: Names of the load balancers.
    type: list
    elements: str
    required: true
  infos:
    description: Each result of C(nginx_upstream_info).
    type: list
    elements: dict
    required: true
  healths:
    description: Each result of C(health_check).
    type: list
    elements: dict
    required: true
  rollouts:
    description: Each result of C(rollout_info).
    type: list
    elements: dict
    required: true
  group:
    description: The group that rolls.
    type: str
    required: true
  groups:
    description: The magic variable C(groups), for the locks of groups that share hosts with the one that rolls.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what each load balancer sees
  ansible.builtin.debug:
    msg: "{{ groups['load_balancers'] | evenkeel.web.rollout_views(infos.results, healths.results, locks.results,
      'backends', groups) }}"
"""

RETURN = r"""
_value:
  description: A view for each load balancer.
  type: list
  elements: dict
  sample:
    - {name: lb1, reachable: true, error: '', info: {}, health: {}, rollout: {}, others: []}
"""

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import inputs


def rollout_views(
    names: Sequence[str],
    infos: inputs.Results,
    healths: inputs.Results,
    rollouts: inputs.Results,
    group: str,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, t.Any]]:
    """Return the views."""
    return inputs.views(names, infos, healths, rollouts, group, groups or {})


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_views": rollout_views}

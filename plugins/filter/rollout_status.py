# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the state of a group on one screen."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_status
short_description: Show versions, rotation, holds, health and locks of a group
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns lines - which version runs on which host, who is in rotation and healthy on which load balancer, who holds
    whom and since when, what nginx serves, old workers, locks, and how the last rollout ended.
  - What cannot be reached is named.
options:
  _input:
    description:
      - C(name) of the group, C(members) as P(evenkeel.web.rollout_members#filter) returns them, C(load_balancers) as
        P(evenkeel.web.rollout_views#filter) returns them, C(now), seconds since the epoch by the controller's
        clock, and C(typed) of P(evenkeel.web.controller#lookup).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the state
  ansible.builtin.debug:
    msg: "{{ {'name': 'backends', 'members': members, 'load_balancers': views, 'now': now().timestamp()}
      | evenkeel.web.rollout_status }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
  sample:
    - "backends at 2026-11-28 05:22:13 UTC: 1.4.2 on all 3 hosts"
"""

import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.status import lines


def rollout_status(request: Mapping[str, t.Any]) -> list[str]:
    """Return the lines of the screen."""
    try:
        return lines(request)
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_status": rollout_status}

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what is cut when servers stop."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_cut
short_description: Tell what is cut when servers stop although requests are left
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Names the host and the load balancer for each server that still has connections after C(drain_timeout).
options:
  _input:
    description: >-
      Who still has a request, for each load balancer and server, as P(evenkeel.web.rollout_rotated#filter) returns it.
    type: dict
    required: true
  addresses:
    description: The address of each host.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what is cut
  ansible.builtin.debug:
    msg: "{{ rotated.waiting | evenkeel.web.rollout_cut({'backend1': '192.0.2.11:5000'}) }}"
"""

RETURN = r"""
_value:
  description: One entry for each server and load balancer.
  type: list
  elements: dict
  sample:
    - {host: backend1, lb: lb1, sockets: 2, text: 2 connections through lb1 outlived the drain}
"""

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import inputs


def rollout_cut(
    waiting: Mapping[str, Mapping[str, Sequence[t.Any]]], addresses: Mapping[str, str]
) -> list[dict[str, t.Any]]:
    """Return what is cut."""
    return inputs.cut(waiting, addresses)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_cut": rollout_cut}

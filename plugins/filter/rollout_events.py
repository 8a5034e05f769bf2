# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: events of the journal."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_events
short_description: Make an event of the journal for each host
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns one event for each host, with the number of its batch.
options:
  _input:
    description: Names of hosts.
    type: list
    elements: str
    required: true
  event:
    description: What happened, for example V(held) or V(released).
    type: str
    required: true
  plan:
    description: The plan, as P(evenkeel.web.rollout_plan#filter) returns it.
    type: dict
    required: true
  at:
    description: When it happened, in seconds since the epoch, by the controller's clock.
    type: float
    required: true
  text:
    description: What there is to say about it.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Show an event
  ansible.builtin.debug:
    msg: "{{ ['backend1'] | evenkeel.web.rollout_events('held', plan, now().timestamp()) }}"
"""

RETURN = r"""
_value:
  description: An event for each host.
  type: list
  elements: dict
  sample:
    - {event: held, at: 1795842000.0, host: backend1, batch: 1, text: ''}
"""

import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import inputs


def rollout_events(
    hosts: Iterable[str], event: str, plan: Mapping[str, t.Any], at: float, text: str = ""
) -> list[dict[str, t.Any]]:
    """Return the events."""
    return inputs.events(hosts, event, plan, float(at), text)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_events": rollout_events}

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: whether a rollout goes on."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_sentence
short_description: Tell whether a rollout goes on
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Looks at what the batch before does now that it serves again, and at how many members serve at all.
options:
  _input:
    description: The plan, as P(evenkeel.web.rollout_plan#filter) returns it.
    type: dict
    required: true
  state:
    description: >-
      The batch that is watched (C(watching)), the one that is out of rotation (C(holding)), what stops have cut so far
      (C(cut)), as the filter P(evenkeel.web.rollout_cut#filter) tells it, and the servers that somebody else holds
      (C(foreign)), as P(evenkeel.web.rollout_rotated#filter) tells them.
    type: dict
    required: true
  logs:
    description: Each result of M(evenkeel.web.access_log_info).
    type: list
    elements: dict
    required: true
  healths:
    description: Each result of M(evenkeel.web.health_check).
    type: list
    elements: dict
    required: true
  monitor:
    description: The limits, as C(rollout_monitor) has them.
    type: dict
    required: true
  failure_action:
    description: V(pause) or V(rollback).
    type: str
    required: true
  done:
    description: The hosts that have their new release.
    type: list
    elements: str
    required: true
  now:
    description: Seconds since the epoch, by the controller's clock.
    type: float
    required: true
"""

EXAMPLES = r"""
- name: Show whether it goes on
  ansible.builtin.debug:
    msg: >-
      {{ plan | evenkeel.web.rollout_sentence(state, logs.results, healths.results, monitor, 'pause', ['backend1'],
      now().timestamp()) }}
"""

RETURN = r"""
_value:
  description: >-
    Why it stops (empty if it goes on), the hosts that go back, how many of them at once, and the events of the journal.
  type: dict
  sample: {stop: '', revert: [], revert_serial: [1], events: []}
"""

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.inputs import Results
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.sentence import sentence


def rollout_sentence(
    plan: Mapping[str, t.Any],
    state: Mapping[str, t.Any],
    logs: Results,
    healths: Results,
    monitor: Mapping[str, t.Any],
    failure_action: str,
    done: Sequence[str],
    now: float,
) -> dict[str, t.Any]:
    """Return whether it goes on."""
    return sentence(plan, state, logs, healths, monitor, failure_action, done, float(now))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_sentence": rollout_sentence}

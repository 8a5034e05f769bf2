# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: why a batch that is to go back does not."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_going_back
short_description: Tell why a batch that is to go back does not
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Going back stops where it has made nothing better, and where fewer members than C(rollout_min_healthy) would serve.
options:
  _input:
    description: The plan, as P(evenkeel.web.rollout_plan#filter) returns it.
    type: dict
    required: true
  state:
    description: Who goes back (C(revert)), and who of them does badly (C(watching)).
    type: dict
    required: true
  batch:
    description: The hosts that are to go back now.
    type: list
    elements: str
    required: true
  stuck:
    description: The hosts that no release has made healthy.
    type: list
    elements: str
    required: true
  foreign:
    description: The hosts that somebody else holds.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show why it stops here
  ansible.builtin.debug:
    msg: "{{ plan | evenkeel.web.rollout_going_back(state, ansible_play_batch, ['backend3'], []) }}"
"""

RETURN = r"""
_value:
  description: Why going back stops before this batch; empty if it does not.
  type: str
  sample: fewer than 2 would serve (rollout_min_healthy)
"""

from collections.abc import Callable

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.going_back import against


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter by its name."""
        return {"rollout_going_back": against}

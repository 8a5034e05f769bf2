# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: a rollout as a picture."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_timeline
short_description: Draw what happened in a rollout
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns an SVG picture - when each host was held, drained, restarted, healthy and released, when the load balancers
    reloaded, and the requests per second by version and host, with failures in red.
  - It needs nothing else, has no script, and can be read on light and on dark pages.
  - The same summary makes the same picture.
options:
  _input:
    description: The summary, as P(evenkeel.web.rollout_summary#filter) returns it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Draw what happened
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.file', 'rollout.json') | from_json | evenkeel.web.rollout_timeline }}"
    dest: timeline.svg
    mode: '0644'
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The text of the picture.
  type: str
  sample: <svg xmlns="http://www.w3.org/2000/svg" width="960" height="420">...</svg>
"""

import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.timeline import svg


def rollout_timeline(summary: Mapping[str, t.Any]) -> str:
    """Return the picture."""
    try:
        return svg(summary)
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_timeline": rollout_timeline}

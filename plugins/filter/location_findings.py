# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what is wrong with the locations of a load balancer."""

from __future__ import annotations

DOCUMENTATION = r"""
name: location_findings
short_description: Check the locations of a load balancer
version_added: 0.1.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns everything that is wrong, each finding with the path of the variable, its value and what is allowed.
options:
  _input:
    description: Locations as in O(evenkeel.web.load_balancer#role:main:load_balancer_locations).
    type: list
    elements: dict
    required: true
  upstreams:
    description: The names of the upstreams that exist.
    type: list
    elements: str
    required: true
  variable:
    description: What the findings call the list.
    type: str
    default: load_balancer_locations
"""

EXAMPLES = r"""
- name: Refuse locations that go nowhere
  ansible.builtin.assert:
    that: findings | length == 0
    fail_msg: "{{ findings }}"
  vars:
    findings: "{{ [{'path': '/', 'upstream': 'frontends'}] | evenkeel.web.location_findings(['frontends']) }}"
"""

RETURN = r"""
_value:
  description: The findings, empty if nothing is wrong.
  type: list
  elements: str
"""

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.options import check_locations


def location_findings(
    locations: Sequence[Mapping[str, t.Any]],
    upstreams: Sequence[str],
    variable: str = "load_balancer_locations",
) -> list[str]:
    """Return the findings as text."""
    return [str(finding) for finding in check_locations(locations, upstreams, variable)]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"location_findings": location_findings}

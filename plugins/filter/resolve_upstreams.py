# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: all upstreams of a load balancer at once."""

from __future__ import annotations

DOCUMENTATION = r"""
name: resolve_upstreams
short_description: Resolve and check the upstreams of a load balancer
version_added: 0.1.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Takes upstreams that name a group of the inventory and returns them with their servers, each as the
    options of M(evenkeel.web.nginx_upstream).
  - Nothing is raised for a wrong value - every finding of every upstream is returned, so that a role can show all.
options:
  _input:
    description: Upstreams as in O(evenkeel.web.load_balancer#role:main:load_balancer_upstreams).
    type: list
    elements: dict
    required: true
  groups:
    description: The magic variable C(groups).
    type: dict
    required: true
  hostvars:
    description: The magic variable C(hostvars).
    type: dict
    required: true
  variable:
    description: What the findings call the list.
    type: str
    default: load_balancer_upstreams
seealso:
  - plugin: evenkeel.web.upstream_servers
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what is wrong with the upstreams
  ansible.builtin.debug:
    msg: "{{ (load_balancer_upstreams | evenkeel.web.resolve_upstreams(groups, hostvars)).findings }}"
"""

RETURN = r"""
_value:
  description: The upstreams and the findings.
  type: dict
  sample:
    findings: []
    upstreams:
      - name: backends
        method: least_conn
        keepalive: 32
        keepalive_timeout: 60s
        servers: []
"""

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._nginx.membership import Resolver


def resolve_upstreams(
    upstreams: Sequence[Mapping[str, t.Any]],
    groups: Mapping[str, Sequence[str]],
    hostvars: Mapping[str, Mapping[str, t.Any]],
    variable: str = "load_balancer_upstreams",
) -> dict[str, list[t.Any]]:
    """Return the upstreams with their servers, and the findings as text."""
    resolved, findings = Resolver(groups, hostvars, variable).resolve(upstreams)
    return {
        "upstreams": [upstream.as_dict() for upstream in resolved],
        "findings": [str(finding) for finding in findings],
    }


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"resolve_upstreams": resolve_upstreams}

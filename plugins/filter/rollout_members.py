# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the members of the group that rolls."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_members
short_description: Turn a group of the inventory into the members of a rollout
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns each host with its address in the load balancers, whether this run may touch it, and what
    M(evenkeel.web.release_info) said of it.
  - Use it with C(groups['name']), never with the hosts of the current play, so that C(--limit) does not shorten the
    group that capacity is counted in.
options:
  _input:
    description: Names of hosts, the whole group.
    type: list
    elements: str
    required: true
  hostvars:
    description: The magic variable C(hostvars).
    type: dict
    required: true
  port:
    description: The port of a host that has no C(upstream_port).
    type: int
    required: true
  selected:
    description: The hosts that the run may touch.
    type: list
    elements: str
    required: true
  probe_port:
    description: The port that health checks ask. V(0) is the port of the server.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Show the members
  ansible.builtin.debug:
    msg: "{{ groups['backends'] | evenkeel.web.rollout_members(hostvars, 5000, ansible_play_hosts_all) }}"
"""

RETURN = r"""
_value:
  description: A member for each host, in the order of the inventory.
  type: list
  elements: dict
  sample:
    - {name: backend1, address: '192.0.2.11:5000', backup: false, selected: true, release: {current: 1.0.0},
       target: {name: backend1, address: '192.0.2.11:5000'}}
"""

import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import inputs


def rollout_members(
    hosts: Sequence[str],
    hostvars: Mapping[str, Mapping[str, t.Any]],
    port: int,
    selected: Iterable[str],
    probe_port: int = 0,
) -> list[dict[str, t.Any]]:
    """Return the members of a group."""
    try:
        return inputs.members(hosts, hostvars, port, selected, int(probe_port))
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error
    except ValueError as error:
        raise AnsibleFilterError(
            f"rollout_health_check.port: {probe_port!r} is no port; 0 is the server's own"
        ) from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_members": rollout_members}

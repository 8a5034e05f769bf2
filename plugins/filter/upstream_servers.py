# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the servers of an inventory group."""

from __future__ import annotations

DOCUMENTATION = r"""
name: upstream_servers
short_description: Turn hosts of the inventory into servers of an nginx upstream
version_added: 0.1.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns the option O(evenkeel.web.nginx_upstream#module:servers) with one server for each host, in the order given,
    and the name of the host as its comment. Parameters that nginx assumes anyway are left out.
  - Use it with C(groups['name']), never with the hosts of the current play, so that C(--limit) does not shorten an
    upstream.
  - The address is the host's C(upstream_address), else its C(ansible_host). It must be an IP address.
  - These variables of a host set parameters of its server - C(upstream_port), C(upstream_weight),
    C(upstream_backup), C(upstream_max_fails), C(upstream_fail_timeout), C(upstream_max_conns).
  - Everything that is wrong is reported at once.
options:
  _input:
    description: Names of hosts.
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
    default: 80
"""

EXAMPLES = r"""
- name: Balance over the backends
  evenkeel.web.nginx_upstream:
    name: backends
    servers: "{{ groups['backends'] | evenkeel.web.upstream_servers(hostvars, port=5000) }}"
"""

RETURN = r"""
_value:
  description: A server for each host.
  type: list
  elements: dict
  sample:
    - address: 192.0.2.11
      port: 5000
      weight: 2
      comment: backend1
"""

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.membership import servers_of


def upstream_servers(
    hosts: Sequence[str], hostvars: Mapping[str, Mapping[str, t.Any]], port: int = 80
) -> list[dict[str, t.Any]]:
    """Return the servers of these hosts."""
    servers, findings = servers_of(hosts, hostvars, port)
    if findings:
        raise AnsibleFilterError(str(ConfigError(findings)))
    return [server.as_dict() for server in servers]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"upstream_servers": upstream_servers}

#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_upstream_info
short_description: Show the upstreams of nginx, who holds which server, and whether nginx serves what is on disk
version_added: 0.2.0
description:
  - Reads and changes nothing. Takes no lock, so it also answers while another task waits for a reload.
  - Shows every upstream that nginx's configuration has, also those that this collection did not write.
  - nginx as open source cannot tell an idle connection to a server from a busy one, so the current workers' connections
    are counted together. A worker that is shutting down keeps no idle ones, so each of its connections is a request.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.nginx
  - evenkeel.web.attributes
options:
  name:
    description: Names of the upstreams to show. Unset means all.
    type: list
    elements: str
seealso:
  - module: evenkeel.web.nginx_upstream
  - module: evenkeel.web.nginx_upstream_server
"""

EXAMPLES = r"""
- name: Look at the upstreams
  evenkeel.web.nginx_upstream_info:
  register: nginx

- name: Show who is held out of rotation
  ansible.builtin.debug:
    msg: "{{ nginx.upstreams | map(attribute='servers') | flatten | selectattr('holds') | list }}"
"""

RETURN = r"""
nginx:
  description:
    - The nginx that was asked, and what its version can do.
    - C(refused) is empty, or says why nginx refuses the configuration on disk. What it serves is older then.
  returned: always
  type: dict
  sample:
    version: 1.26.3
    running: true
    config_file: /etc/nginx/nginx.conf
    refused: ''
    features: {zone: true, max_conns: true, method least_conn: true, method hash: true, method random: true,
      method least_time: false, keepalive: true, keepalive_timeout: true, keepalive_requests: true,
      keepalive_time: true, keepalive_min_timeout: false, keepalive 0: false, keepalive_local: false,
      upstream keepalive default: false, http2 directive: true, resolver: false, server.resolve: false,
      server.service: false, sticky: false, server.route: false, server.drain: false}
upstreams:
  description: Every upstream.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    file:
      description: Where it stands.
      type: str
    line:
      description: The line of its block.
      type: int
    ours:
      description: Whether M(evenkeel.web.nginx_upstream) wrote the file.
      type: bool
    method:
      description: How a request finds its server.
      type: str
    in_rotation:
      description: Number of servers that get requests as long as none has failed.
      type: int
    servers:
      description:
        - Its servers. C(sockets) counts the connections of the current workers, idle and busy together, and those of
          old workers, each of which is a request.
      type: list
      elements: dict
  sample:
    - name: app
      file: /etc/nginx/upstreams.d/app.conf
      line: 5
      ours: true
      method: least_conn
      in_rotation: 3
      servers:
      - address: 192.0.2.11:5000
        comment: backend1
        state: held
        backup: false
        alone: false
        holds:
        - {owner: ops, reason: disk swap, since: '2026-11-28T01:30:00Z', until: '2026-11-28T18:00:00Z',
          overdue: false, age: 5.1}
        sockets: {current: 0, old: 1}
      - address: 192.0.2.12:5000
        comment: backend2
        state: enabled
        backup: false
        alone: false
        holds: []
        sockets: {current: 0, old: 1}
      - address: 192.0.2.13:5000
        comment: backend3
        state: enabled
        backup: false
        alone: false
        holds: []
        sockets: {current: 0, old: 1}
      - address: 192.0.2.14:5000
        comment: backend4
        state: enabled
        backup: false
        alone: false
        holds: []
        sockets: {current: 0, old: 0}
live:
  description:
    - Whether nginx serves what is on disk - V(same), V(different), V(unknown), or V(stopped) where it does not run.
    - Only an nginx that includes C(evenkeel-generation.con[f]) can tell, as the role P(evenkeel.web.nginx#role)
      configures it. Any other is V(different) when a run was killed before its reload was proven, else V(unknown).
  returned: always
  type: str
  sample: same
last_reload:
  description: The last reload by a module of this collection since this host started. Empty if there was none.
  returned: always
  type: dict
  sample:
    {at: '2026-11-28T01:30:00Z', what: nginx_upstream_server, outcome: proven, proof: generation,
      seconds: 0.2}
old_workers:
  description: Workers that finish requests from before a reload, with their age in seconds and their own memory.
  returned: always
  type: list
  elements: dict
  sample:
    - {pid: 812, age: 5.1, memory_kib: 1950, sockets: 2}
announced:
  description:
    - For how many seconds clients have been told that nginx is going to reload; null where they are not.
    - Until it reloads, or M(evenkeel.web.nginx_announcement) takes that back, they connect anew for each request.
  returned: always
  type: float
  sample: null
  version_added: 0.3.0
leftovers:
  description:
    - What a killed run left behind. The next task that changes something removes it.
    - An announcement is among it after 15 minutes without a reload.
  returned: always
  type: list
  elements: str
  sample: []
warnings:
  description: What nginx warns of, holds that are overdue, and settings that make a reload break connections.
  returned: always
  type: list
  elements: str
  sample:
    - 'app: 192.0.2.11:5000 (backend1) is held out by ops (disk swap) since 2026-11-28T01:30:00Z
      until 2026-11-28T18:00:00Z'
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.info_task import run
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.module import TARGET_OPTIONS, serve


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the options."""
    return {"name": {"type": "list", "elements": "str"}, **TARGET_OPTIONS}


def main() -> None:
    """Look."""
    serve(AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True), run)


if __name__ == "__main__":
    main()

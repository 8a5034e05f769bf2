#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_upstream_server
short_description: Take servers of nginx's upstreams out of rotation, and put them back
version_added: 0.2.0
description:
  - V(drained) marks servers C(down), reloads nginx, proves the reload, and waits until no request is left at them. Only
    then may an application be stopped without loss.
  - Who holds a server out, why, since when and until when stands behind its line in the configuration, so it survives
    everything that the configuration survives, and M(evenkeel.web.nginx_upstream) keeps it.
  - A server may be held by several owners, and returns when none is left. Nothing returns by itself, also when its
    time has passed.
  - Works on every upstream that nginx serves, also in files that this collection did not write. Only the lines of these
    servers are changed.
  - Several servers, and the servers of several upstreams, change in one reload.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.nginx
  - evenkeel.web.attributes.diff
  - evenkeel.web.nginx.drain
options:
  servers:
    description:
      - The servers, each as C(address:port), as an address (all its ports), or by the comment behind its line, which is
        the name of the host where M(evenkeel.web.nginx_upstream) got its servers from the inventory.
      - May be empty with O(exclusive), to release everything that the owner holds.
    type: list
    elements: str
    required: true
  upstream:
    description: Names of the upstreams. Unset means all that have one of the servers.
    type: list
    elements: str
  state:
    description:
      - V(drained) is out of rotation, and with O(wait) without a request left.
      - V(enabled) is in rotation, as far as this owner is concerned. What others hold stays out, with a warning.
    type: str
    choices: [enabled, drained]
    default: drained
  owner:
    description:
      - Who holds the servers. Each owner releases only what it holds itself.
      - V(by-hand) is the owner of every C(down) that somebody wrote without saying who.
    type: str
    default: ansible
  reason:
    description:
      - Why, for those who find the server out of rotation. Empty keeps the reason that this owner gave before.
    type: str
    default: ''
  until:
    description:
      - Until when, as an ISO 8601 time such as V(2026-11-28T18:00:00Z). Without a time zone it is UTC.
      - Nothing returns when it has passed, but from then on it is reported as overdue.
      - Empty keeps the time that this owner gave before.
    type: str
    default: ''
  force:
    description: Whether V(enabled) releases the holds of every owner.
    type: bool
    default: false
  exclusive:
    description:
      - Whether afterwards this owner holds exactly these servers in these upstreams. Its other holds are released in
        the same write and reload; other owners' holds are untouched.
      - Only with O(state=drained).
    type: bool
    default: false
  min_enabled:
    description:
      - How many servers of each upstream must stay in rotation, or which share of them, such as V(50%) (rounded up).
        Backup servers do not count.
      - A task that would leave fewer fails before anything is written.
    type: str
    default: '1'
  fail_on_not_found:
    description: Whether a server that no upstream has is an error.
    type: bool
    default: true
  wait:
    description:
      - Whether to wait until no request is left. With V(false) the same task, or M(evenkeel.web.nginx_upstream_info),
        tells later.
    type: bool
    default: true
  on_timeout:
    description:
      - What happens when requests are left after O(drain_timeout).
      - V(fail) puts the servers back as they were, and fails.
      - V(proceed) succeeds with a warning; the result lists what is going to be cut when the application stops.
    type: str
    choices: [fail, proceed]
    default: fail
seealso:
  - module: evenkeel.web.nginx_upstream
  - module: evenkeel.web.nginx_upstream_info
"""

EXAMPLES = r"""
- name: Drain this backend on the load balancer
  evenkeel.web.nginx_upstream_server:
    servers: ["{{ upstream_address }}:5000"]
    state: drained
    owner: ops
    reason: disk swap
    until: "2026-11-28T18:00:00Z"
  delegate_to: lb1

- name: Put it back
  evenkeel.web.nginx_upstream_server:
    servers: ["{{ upstream_address }}:5000"]
    state: enabled
    owner: ops
  delegate_to: lb1

- name: Hold exactly this batch, and release what this deploy held before, in one reload
  evenkeel.web.nginx_upstream_server:
    servers: "{{ ansible_play_batch }}"
    owner: deploy
    exclusive: true
    min_enabled: 50%
    on_timeout: proceed
  delegate_to: lb1
"""

RETURN = r"""
servers:
  description: What became of each server.
  returned: always
  type: list
  elements: dict
  contains:
    address:
      description: As it stands in the configuration.
      type: str
    upstreams:
      description: The upstreams that have it.
      type: list
      elements: str
    state:
      description:
        - V(enabled), V(drained), or V(draining) while requests are left or were not waited for.
      type: str
    holds:
      description: Who holds it.
      type: list
      elements: dict
  sample:
    - address: 192.0.2.11:5000
      upstreams: [app]
      state: drained
      holds:
      - {owner: ops, reason: disk swap, since: '2026-11-28T01:30:00Z', until: '2026-11-28T18:00:00Z'}
released:
  description: Servers that O(exclusive) released.
  returned: always
  type: list
  elements: str
  sample: []
not_found:
  description: Servers that no upstream has.
  returned: always
  type: list
  elements: str
  sample: []
held_by_others:
  description:
    - Servers of these upstreams, named or not, that another owner holds, and who that is, as in C(ops (disk swap)).
  returned: always
  type: dict
  sample: {}
  version_added: 0.3.0
drain:
  description:
    - How long the task waited, which servers have no request left, and who holds the others - client, connection to the
      server, worker, and for how many seconds the task has seen it.
  returned: always
  type: dict
  sample:
    seconds: 0.2
    drained: ['192.0.2.11:5000']
    waiting: {}
    unproxied: 0
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.module import DRAIN_OPTIONS, TARGET_OPTIONS, serve
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.server_task import run


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the options."""
    return {
        "servers": {"type": "list", "elements": "str", "required": True},
        "upstream": {"type": "list", "elements": "str"},
        "state": {"type": "str", "choices": ["enabled", "drained"], "default": "drained"},
        "owner": {"type": "str", "default": "ansible"},
        "reason": {"type": "str", "default": ""},
        "until": {"type": "str", "default": ""},
        "force": {"type": "bool", "default": False},
        "exclusive": {"type": "bool", "default": False},
        "min_enabled": {"type": "str", "default": "1"},
        "fail_on_not_found": {"type": "bool", "default": True},
        "wait": {"type": "bool", "default": True},
        "on_timeout": {"type": "str", "choices": ["fail", "proceed"], "default": "fail"},
        **DRAIN_OPTIONS,
        **TARGET_OPTIONS,
    }


def main() -> None:
    """Hold or release the servers."""
    serve(AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True), run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: health_check
short_description: Wait until servers are healthy n times in a row
version_added: 0.3.0
description:
  - Asks servers over HTTP from the host that it runs on, so that a load balancer can tell what it will see.
  - A server is healthy when it has given the right answer O(passes) times in a row, and went on to do so for
    O(min_healthy_time). One wrong answer starts the count anew.
  - All servers are asked at the same time.
  - No redirect is followed, no proxy and no C(.netrc) is used, no cookie is kept, and no certificate is checked.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.attributes
requirements:
  - Python 3.10 or later on the host that asks.
options:
  targets:
    description: The servers to ask.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the server is called in the result.
        type: str
        required: true
      address:
        description: Its host and port, as in V(192.0.2.11:5000) or V([2001:db8::11]:5000).
        type: str
        required: true
  scheme:
    description: How to ask.
    type: str
    choices: [http, https]
    default: http
  path:
    description: The path to ask for, which may have a query.
    type: str
    default: /health
  host:
    description: The header C(Host). Empty means the address of the server.
    type: str
    default: ''
  interval:
    description: Seconds from the start of one request to the start of the next one.
    type: float
    default: 1.0
  timeout:
    description: Seconds for one complete answer. A server that trickles its answer does not get more.
    type: float
    default: 2.0
  passes:
    description: Number of right answers in a row.
    type: int
    default: 3
  status:
    description: The statuses that are right.
    type: list
    elements: int
    default: [200]
  headers:
    description: Headers that the answer must have, with exactly these values. The case of a name does not matter.
    type: dict
    default: {}
  deadline:
    description: Seconds for all servers together.
    type: float
    default: 120
  min_healthy_time:
    description:
      - Seconds for which a server must stay healthy after its passes.
      - A wrong answer starts over, with the passes, until the deadline.
    type: float
    default: 0
  warm_up:
    description: Paths that are asked for once each after the passes. What they answer does not count.
    type: list
    elements: str
    default: []
  fail_on_unhealthy:
    description: Whether a server that is not healthy in the end fails the task.
    type: bool
    default: true
  max_attempts:
    description: Number of requests after which a server is given up. V(0) means that only O(deadline) counts.
    type: int
    default: 0
seealso:
  - module: evenkeel.web.nginx_upstream_server
  - module: ansible.builtin.uri
"""

EXAMPLES = r"""
- name: Wait until a new release is healthy, as each load balancer sees it
  evenkeel.web.health_check:
    targets:
      - {name: backend1, address: 192.0.2.11:5000}
    headers: {X-App-Version: 1.4.2}
    min_healthy_time: 10
  delegate_to: "{{ item }}"
  loop: "{{ groups['load_balancers'] }}"
  run_once: true

- name: Have a quick look at all servers
  evenkeel.web.health_check:
    targets:
      - {name: backend1, address: 192.0.2.11:5000}
      - {name: backend2, address: 192.0.2.12:5000}
    passes: 2
    max_attempts: 2
    fail_on_unhealthy: false
  register: health
"""

RETURN = r"""
targets:
  description: What was seen of each server, in the order of O(targets).
  returned: when the options can be used
  type: list
  elements: dict
  contains:
    name:
      description: What it is called.
      type: str
    address:
      description: Its host and port.
      type: str
    healthy:
      description: Whether it is healthy.
      type: bool
    passes:
      description: Number of right answers in a row at the end.
      type: int
    attempts:
      description: Number of requests.
      type: int
    seconds:
      description: How long it was asked.
      type: float
    status:
      description: Status of the last answer. V(0) if there was none.
      type: int
    error:
      description: What was wrong at the end. Empty if it is healthy.
      type: str
    headers:
      description: C(X-App-Version), C(X-Served-By) and those of O(headers) from the last answer. Names are lower case.
      type: dict
    body:
      description: The first 200 characters of the last answer of a server that is not healthy.
      type: str
  sample:
    - name: backend1
      address: 192.0.2.11:5000
      healthy: true
      passes: 3
      attempts: 3
      seconds: 2.012
      status: 200
      error: ''
      headers: {x-app-version: 1.4.2, x-served-by: backend1}
      body: ''
    - name: backend2
      address: 192.0.2.12:5000
      healthy: false
      passes: 0
      attempts: 60
      seconds: 119.3
      status: 500
      error: status 500, expected 200
      headers: {}
      body: no database
healthy:
  description: Names of the servers that are healthy.
  returned: when the options can be used
  type: list
  elements: str
  sample: [backend1]
unhealthy:
  description: Names of the servers that are not.
  returned: when the options can be used
  type: list
  elements: str
  sample: [backend2]
findings:
  description: What is wrong with the options.
  returned: when they cannot be used
  type: list
  elements: str
  sample: ['passes: 0 must be at least 1']
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.health import run
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.module import serve


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the options."""
    return {
        "targets": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "address": {"type": "str", "required": True},
            },
        },
        "scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
        "path": {"type": "str", "default": "/health"},
        "host": {"type": "str", "default": ""},
        "interval": {"type": "float", "default": 1.0},
        "timeout": {"type": "float", "default": 2.0},
        "passes": {"type": "int", "default": 3, "no_log": False},
        "status": {"type": "list", "elements": "int", "default": [200]},
        "headers": {"type": "dict", "default": {}},
        "deadline": {"type": "float", "default": 120},
        "min_healthy_time": {"type": "float", "default": 0},
        "warm_up": {"type": "list", "elements": "str", "default": []},
        "fail_on_unhealthy": {"type": "bool", "default": True},
        "max_attempts": {"type": "int", "default": 0},
    }


def main() -> None:
    """Ask."""
    serve(AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True), run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_log_info
short_description: Count requests in nginx' access log by server and by version
version_added: 0.3.0
description:
  - Reads the access log in the format of the role P(evenkeel.web.nginx#role), from a position on, and counts requests
    that were seen, that failed and that were retried.
  - A request failed when the client got a status of 500 or more. It was retried when nginx asked another server.
  - A request belongs to the last server that was asked, and to the version that this server named in
    C(X-App-Version). A request that reached no server has an empty address.
  - An attempt is one server that was asked. It failed when the server answered with 5xx or not at all. The last one has
    not failed where the client did not wait for its answer (status 499).
  - A line that is only half written is left for the next time. The log is read line by line, so its length does not
    matter.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.attributes
options:
  path:
    description: The access log.
    type: path
    default: /var/log/nginx/access.log
  since:
    description:
      - Requests that ended earlier do not count, in seconds since the epoch by the clock of the host of the log.
      - The log tells whole seconds, so the whole second counts.
      - Without O(position) the log before this one is read too, if it was written to since then.
    type: float
    default: 0
  position:
    description:
      - Where to begin, as RV(position) has told it. It is found again after a rotation to C(<path>.1).
      - Unset means the beginning of the log.
    type: dict
    suboptions:
      inode:
        description: Number of the file.
        type: int
        required: true
      offset:
        description: Number of bytes before the position.
        type: int
        required: true
  position_only:
    description: Tell where the log ends, and read nothing. O(seconds) and O(flush) do not count then.
    type: bool
    default: false
  upstreams:
    description: Names of the upstreams to count. Empty means every request.
    type: list
    elements: str
    default: []
  addresses:
    description:
      - Servers, each as C(address:port), whose requests count as well.
      - An error page of nginx' own leaves the name of the upstream out of the log, and the addresses in it, unless the
        location has set it as those of the role P(evenkeel.web.load_balancer#role) do.
    type: list
    elements: str
    default: []
  seconds:
    description: Seconds to let pass before the log is read.
    type: float
    default: 0
  flush:
    description:
      - Seconds to wait after O(seconds), as nginx keeps lines in memory. More than C(flush) of its C(access_log).
    type: float
    default: 1.2
seealso:
  - module: evenkeel.web.health_check
"""

EXAMPLES = r"""
- name: Remember where the log ends
  evenkeel.web.access_log_info:
    position_only: true
  register: before

- name: See what happened in the ten seconds after that
  evenkeel.web.access_log_info:
    position: "{{ before.position }}"
    upstreams: [app]
    seconds: 10
  register: seen
"""

RETURN = r"""
position:
  description: Where the last whole line ends, for the next task.
  returned: always
  type: dict
  sample: {inode: 1311, offset: 90123}
now:
  description: The clock of this host, in seconds since the epoch.
  returned: always
  type: float
  sample: 1795842000.5
lines:
  description: Number of lines that were read.
  returned: always
  type: int
  sample: 242
unreadable:
  description: Number of lines that are not in the format.
  returned: always
  type: int
  sample: 0
total:
  description: Requests that count.
  returned: always
  type: dict
  sample: {requests: 240, failed: 1, retried: 2}
servers:
  description: The same by server and version, with the attempts. Only the last attempt of a request has a version.
  returned: always
  type: list
  elements: dict
  sample:
    - {address: '192.0.2.11:5000', version: '', requests: 1, failed: 1, retried: 0, attempts: 3, failed_attempts: 3}
    - {address: '192.0.2.11:5000', version: 1.4.2, requests: 79, failed: 0, retried: 0, attempts: 79,
      failed_attempts: 0}
    - {address: '192.0.2.12:5000', version: 1.0.0, requests: 160, failed: 0, retried: 2, attempts: 160,
      failed_attempts: 0}
seconds:
  description: Requests by second, server and version.
  returned: always
  type: list
  elements: dict
  sample:
    - {at: 1795841990, address: '192.0.2.11:5000', version: 1.4.2, requests: 8, failed: 0, retried: 0}
findings:
  description: What is wrong with the options.
  returned: when they cannot be used
  type: list
  elements: str
  sample: ['flush: -1.0 must be 0 or more']
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.access_log import run
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.module import serve


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the options."""
    return {
        "path": {"type": "path", "default": "/var/log/nginx/access.log"},
        "since": {"type": "float", "default": 0},
        "position": {
            "type": "dict",
            "options": {
                "inode": {"type": "int", "required": True},
                "offset": {"type": "int", "required": True},
            },
        },
        "position_only": {"type": "bool", "default": False},
        "upstreams": {"type": "list", "elements": "str", "default": []},
        "addresses": {"type": "list", "elements": "str", "default": []},
        "seconds": {"type": "float", "default": 0},
        "flush": {"type": "float", "default": 1.2},
    }


def main() -> None:
    """Read."""
    serve(AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True), run)


if __name__ == "__main__":
    main()

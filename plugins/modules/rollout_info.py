#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_info
short_description: Show the locks of rollouts, and how the last ones ended
version_added: 0.3.0
description:
  - Reads what M(evenkeel.web.rollout) wrote on a load balancer, and changes nothing. Takes no lock.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.attributes
options:
  name:
    description: The group to show. Empty means all that have ever rolled.
    type: str
    default: ''
  path:
    description: The directory of all groups.
    type: path
    default: /var/lib/evenkeel/rollouts
seealso:
  - module: evenkeel.web.rollout
"""

EXAMPLES = r"""
- name: Look at the rollouts
  evenkeel.web.rollout_info:
  register: rollouts

- name: Refuse to go on while one of them runs
  ansible.builtin.assert:
    that: rollouts.groups.backends.lock | default({}, true) | length == 0
"""

RETURN = r"""
groups:
  description: What is known of each group.
  returned: always
  type: dict
  contains:
    lock:
      description:
        - The lock, with the seconds since its last step as C(age). Empty if nobody has it.
        - A lock that cannot be read has an empty C(run), and says so as C(error).
      type: dict
    last:
      description: How the last rollout ended, by the clock of this host. Empty if none has.
      type: dict
    unfinished:
      description: The newest run, if it has not told how it ended. It may still run. Else empty.
      type: str
  sample:
    backends:
      lock: {}
      last:
        run: 20261128-0522-ab12
        verb: deploy
        version: 1.4.2
        who: alice@laptop
        outcome: succeeded
        message: 3 of 3 backends run 1.4.2, 0 of 5211 requests failed
        started: 1795842000.5
        finished: 1795842068.3
        requests: {seen: 5211, failed: 0, retried: 0}
      unfinished: ''
clock:
  description: The clock of this host, in seconds since the epoch.
  returned: always
  type: float
  sample: 1795842090.1
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.info_task import run
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.module import serve


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the options."""
    return {
        "name": {"type": "str", "default": ""},
        "path": {"type": "path", "default": "/var/lib/evenkeel/rollouts"},
    }


def main() -> None:
    """Look."""
    serve(AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True), run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout
short_description: Keep the lock and the journal of a rollout on a load balancer
version_added: 0.3.0
description:
  - One rollout at a time changes a group. It takes the lock on every load balancer, tells each what it does, and
    gives the lock back with a summary.
  - A lock is never broken silently. It is broken by name (O(break_run)), or when the run is named in O(gone), and both
    are told in the journal of the run that had it.
  - The files are in C(<path>/<name>), for C(root) alone. C(lock.json) is the lock. C(last.json) tells how the last
    rollout ended. C(<run>/journal.jsonl), C(<run>/rollout.json) and C(<run>/timeline.svg) tell of one run.
  - The same task again changes nothing.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.attributes
options:
  name:
    description: The inventory group that rolls.
    type: str
    required: true
  state:
    description:
      - V(locked) takes the lock, or fails and says who has it.
      - V(noted) writes the journal and the step of a lock that is ours, or fails and says what became of it.
      - V(unlocked) writes the summary and gives the lock back. With O(break_run) it breaks the lock of that run.
    type: str
    choices: [locked, noted, unlocked]
    required: true
  run:
    description: The run, as in V(20261128-0522-ab12). Required unless O(break_run) is given.
    type: str
    default: ''
  who:
    description: Who runs it, as in V(alice@laptop).
    type: str
    default: ''
  verb:
    description: What the run does, as in V(deploy).
    type: str
    default: ''
  version:
    description: The version that it deploys. Empty if there is none.
    type: str
    default: ''
  step:
    description: What the run does now, as in V(drain backend2). Empty keeps the step before.
    type: str
    default: ''
  events:
    description:
      - Events for the journal, each with C(at) (seconds since the epoch by the controller's clock) and C(event), and
        as a rule C(host), C(batch) and C(text). Other keys are kept.
      - An event that is in the journal already is not written again.
      - The events C(locked), C(lock_broken) and C(unlocked) are added by the module itself.
    type: list
    elements: dict
    default: []
  controller:
    description:
      - Where the run runs, as the lookup P(evenkeel.web.controller#lookup) tells it.
      - The lock keeps C(machine), C(boot), C(pid) and C(started), by which that lookup can tell later that the run is
        dead. Other keys are left out.
    type: dict
    default: {}
  now:
    description: The controller's clock, in seconds since the epoch. V(0) if it is not known.
    type: float
    default: 0
  gone:
    description: Runs that are proven dead. The lock of such a run is broken, with a warning.
    type: list
    elements: str
    default: []
  beside:
    description:
      - Groups that have hosts of this one. Where one of them is locked by a run that is not named in O(gone), the lock
        is not taken. A name that no lock can have is passed over.
    type: list
    elements: str
    default: []
  break_run:
    description: The run whose lock is broken. Only with O(state=unlocked).
    type: str
    default: ''
  summary:
    description: What became of the run, written as C(rollout.json). Only with O(state=unlocked).
    type: dict
    default: {}
  timeline:
    description: The picture of the run, written as C(timeline.svg). Only with O(state=unlocked).
    type: str
    default: ''
  keep:
    description: Number of runs whose files are kept, with this one.
    type: int
    default: 20
  path:
    description: The directory of all groups.
    type: path
    default: /var/lib/evenkeel/rollouts
  metrics_dir:
    description:
      - The directory of node_exporter's textfile collector. Where it exists, C(evenkeel_rollout_<name>.prom) tells
        whether a rollout runs and how the last one ended.
    type: path
    default: /var/lib/prometheus/node-exporter
seealso:
  - module: evenkeel.web.rollout_info
  - plugin: evenkeel.web.controller
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Take the lock
  evenkeel.web.rollout:
    name: backends
    state: locked
    run: 20261128-0522-ab12
    who: "{{ controller.who }}"
    verb: deploy
    version: 1.4.2
    controller: "{{ controller }}"
    now: "{{ controller.now }}"
  vars:
    controller: "{{ lookup('evenkeel.web.controller') }}"

- name: Tell what was done
  evenkeel.web.rollout:
    name: backends
    state: noted
    run: 20261128-0522-ab12
    step: switch backend2
    events:
      - {at: 1795842000.5, event: drained, host: backend2, batch: 2, text: after 1.2 s}

- name: Break the lock of a run that is dead
  evenkeel.web.rollout:
    name: backends
    state: unlocked
    break_run: 20261128-0522-ab12
    who: alice@laptop
"""

RETURN = r"""
lock:
  description: The lock as it is now. C(taken) and C(seen) are by the clock of this host. Empty if nobody has it.
  returned: when the options can be used
  type: dict
  sample:
    run: 20261128-0522-ab12
    who: alice@laptop
    verb: deploy
    version: 1.4.2
    step: drain backend2
    taken: 1795842000.5
    seen: 1795842034.1
    age: 34.2
    controller: {machine: 5a0f31c2, boot: 61f0a7de, pid: 812, started: 90210}
clock:
  description: The clock of this host, in seconds since the epoch.
  returned: when the options can be used
  type: float
  sample: 1795842068.3
offset:
  description: Seconds by which the clock of this host is ahead of O(now). V(0) without it.
  returned: when the options can be used
  type: float
  sample: -0.021
broken:
  description: Runs whose lock was broken.
  returned: when the options can be used
  type: list
  elements: str
  sample: []
lost:
  description: Whether the lock was ours to keep and is not any more.
  returned: when the lock is not ours
  type: bool
  sample: false
findings:
  description: What is wrong with the options.
  returned: when they cannot be used
  type: list
  elements: str
  sample: ['keep: 0 must be at least 1']
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.lock_task import run
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.module import serve


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the options."""
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["locked", "noted", "unlocked"], "required": True},
        **{name: {"type": "str", "default": ""} for name in ("run", "who", "verb", "version", "step")},
        "events": {"type": "list", "elements": "dict", "default": []},
        "controller": {"type": "dict", "default": {}},
        "now": {"type": "float", "default": 0},
        **{name: {"type": "list", "elements": "str", "default": []} for name in ("gone", "beside")},
        "break_run": {"type": "str", "default": ""},
        "summary": {"type": "dict", "default": {}},
        "timeline": {"type": "str", "default": ""},
        "keep": {"type": "int", "default": 20},
        "path": {"type": "path", "default": "/var/lib/evenkeel/rollouts"},
        "metrics_dir": {"type": "path", "default": "/var/lib/prometheus/node-exporter"},
    }


def main() -> None:
    """Take, keep, give back or break a lock."""
    serve(AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True), run)


if __name__ == "__main__":
    main()

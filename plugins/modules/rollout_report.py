# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_report
short_description: Write the evidence of a rollout on the controller
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Writes C(rollout.json), C(journal.jsonl) and C(timeline.svg), readable by all, into a directory that is made if it
    is missing.
  - The same task again changes nothing.
notes:
  - Runs on the controller, as the user who runs Ansible; nothing is executed on the host.
  - M(evenkeel.web.rollout) leaves the same evidence on a load balancer.
options:
  path:
    description: The directory of this run.
    type: path
    required: true
  summary:
    description: What became of the run, as P(evenkeel.web.rollout_summary#filter) tells it, with its C(events).
    type: dict
    required: true
  timeline:
    description: The picture of the run, as P(evenkeel.web.rollout_timeline#filter) draws it.
    type: str
    required: true
attributes:
  check_mode:
    description: Says what would be written, and writes nothing.
    support: full
  diff_mode:
    description: Shows no difference.
    support: none
seealso:
  - module: evenkeel.web.rollout
"""

EXAMPLES = r"""
- name: Leave the evidence on the controller
  evenkeel.web.rollout_report:
    path: rollouts/20261128-0522-ab12
    summary: "{{ summary }}"
    timeline: "{{ summary | evenkeel.web.rollout_timeline }}"
"""

RETURN = r"""
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
  sample: [rollouts/20261128-0522-ab12/rollout.json]
"""

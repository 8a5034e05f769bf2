# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: whether servers do well by the access logs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_verdict
short_description: Tell whether servers do as well as the others, by the access logs of the load balancers
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Adds up what M(evenkeel.web.access_log_info) counted on each load balancer, at the servers that are watched and at
    the others.
  - The watched servers do not do well when at least O(monitor.min_requests) attempts were made there, more than
    O(monitor.max_error_ratio) of them failed, and more than at the others.
  - An attempt that nginx made good at another server counts as failed.
options:
  _input:
    description: Results of M(evenkeel.web.access_log_info), one for each load balancer.
    type: list
    elements: dict
    required: true
  addresses:
    description: The servers that are watched, as V(192.0.2.11:5000).
    type: list
    elements: str
    required: true
  monitor:
    description: The limits, as C(rollout_monitor) has them.
    type: dict
    required: true
    suboptions:
      max_error_ratio:
        description: The share of attempts that may fail, from 0 to 1.
        type: float
        required: true
      min_requests:
        description: The number of attempts below which nothing is said against a server.
        type: int
        required: true
"""

EXAMPLES = r"""
- name: Read the logs of ten seconds
  evenkeel.web.access_log_info:
    position: "{{ before.position }}"
    seconds: 10
  register: log

- name: Fail when backend1 does worse than the others
  ansible.builtin.assert:
    that: verdict.ok
    fail_msg: "{{ verdict.text }}"
  vars:
    verdict: "{{ [log] | evenkeel.web.rollout_verdict(['192.0.2.11:5000'], {'max_error_ratio': 0.05,
      'min_requests': 10}) }}"
"""

RETURN = r"""
_value:
  description: Whether they do well (C(ok)), a sentence (C(text)), the sums at them (C(new)) and the others (C(old)).
  type: dict
  sample:
    ok: false
    text: >-
      12 of 80 requests (15 %) failed at 1.4.2 on 192.0.2.11:5000, allowed 5 %; at the others 0 of 120
    new: {requests: 70, failed: 12, retried: 0, attempts: 80, failed_attempts: 12}
    old: {requests: 120, failed: 0, retried: 0, attempts: 120, failed_attempts: 0}
"""

import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.judge import judge


def rollout_verdict(
    logs: Sequence[Mapping[str, t.Any]], addresses: Iterable[str], monitor: Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Return the verdict."""
    return judge(logs, addresses, monitor)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_verdict": rollout_verdict}

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what happened in a rollout."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_summary
short_description: Sum up a rollout
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Returns the content of C(rollout.json), which P(evenkeel.web.rollout_table#filter) and
    P(evenkeel.web.rollout_timeline#filter) make a table and a picture of.
  - All times are seconds since the epoch by the controller's clock. What the load balancers logged is moved there.
  - Everything that is wrong with the input is reported at once.
options:
  _input:
    description:
      - C(plan), as P(evenkeel.web.rollout_plan#filter) returns it, C(run), C(who), C(started), C(finished), and the
        C(events) of all hosts.
      - C(outcomes) has for each host C(outcome) (V(ok), V(reverted), V(stuck), V(skipped) or V(not_reached)) and
        C(text). A host that it does not name was not reached.
      - C(stop) is why the rollout ended early, C(rolled_back) names the hosts that had their release and were to go
        back.
      - C(logs) are results of M(evenkeel.web.access_log_info), each with C(lb) and C(offset), which is the clock of the
        load balancer minus the controller's. C(reloads), C(cut), C(lbs_left) and C(lbs_hold) are what the load
        balancers did.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say how it ended
  ansible.builtin.debug:
    msg: "{{ (request | evenkeel.web.rollout_summary).message }}"
"""

RETURN = r"""
_value:
  description:
    - C(outcome) is V(succeeded), V(canary), V(paused), V(rolled_back), V(refused), V(nothing_to_do) or V(failed).
      C(rc) is the exit code that belongs to it, V(0) or V(2). C(message) is one line, C(next) says what to do.
    - C(hosts) has for each host its versions, when it was held, drained, switched, started, healthy and released, the
      seconds of each, what it waited for, and how it ended.
    - C(requests) counts what was C(seen), C(failed) and C(retried), also by address, version and load balancer.
      C(series) has the same for each second.
    - C(idle_clients) is the number of connections of clients that were idle at the reloads.
  type: dict
  sample:
    outcome: succeeded
    rc: 0
    message: "backends: deploy of 1.4.2 succeeded on 3 hosts, 2 min 31 s: 12,345 requests seen, 0 failed, 2 retried"
    next: ["To go back: ansible-playbook rollback.yml -l backend1,backend2,backend3"]
"""

import typing as t
from collections.abc import Callable, Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.report import summary


def rollout_summary(request: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what happened in a rollout."""
    try:
        return summary(request)
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"rollout_summary": rollout_summary}

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The plan as a human reads it."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.words import count, duration

# A restart has no release that tells who has been taken: the same command would begin again.
CANARY = {
    "restart": "canary: it stops after the first batch; the same command without rollout_canary takes the others",
}
USUAL_CANARY = "canary: it stops after the first batch; the same command again goes on"
FAILURE = {
    "pause": "a host that fails returns to the release before, and the rollout stops there",
    "rollback": "a host that fails returns to the release before, and so do all that this run has done",
}


def lines(plan: Mapping[str, t.Any]) -> list[str]:
    """Return the lines of the plan."""
    version = f" of {plan['version']}" if plan["version"] else ""
    found = [f"{plan['verb']}{version} on {plan['name']}: {_extent(plan)}"]
    if plan["resumes"]:
        found.append(f"run {plan['resumes']} did not come to its end; this one goes on from there")
    found += [_batch(plan, number, batch) for number, batch in enumerate(plan["batches"], 1)]
    if plan["stops_after_first_batch"]:
        found.append(CANARY.get(plan["verb"], USUAL_CANARY))
    found += [f"left out: {name} is {why}" for name, why in plan["skipped"].items()]
    if plan["unchanged"]:
        found.append(f"nothing to do on {', '.join(plan['unchanged'])}: {_why_unchanged(plan)}")
    if plan["not_selected"]:
        found.append(f"not named by --limit: {', '.join(plan['not_selected'])}")
    if plan["batches"]:
        found.append(
            f"{count(plan['reloads'], 'reload')} of each load balancer, "
            f"{duration(plan['seconds_longest'])} if every wait lasts as long as it may; "
            f"{FAILURE[plan['failure_action']]}"
        )
    return found + [f"note: {told}" for told in plan["warnings"]]


def _extent(plan: Mapping[str, t.Any]) -> str:
    if not plan["order"]:
        return "nothing to do"
    hosts = count(len(plan["order"]), "host")
    if not plan["batches"]:
        return f"{hosts}, not one of which can be taken"
    batches = count(len(plan["batches"]), "batch", "batches")
    stay = "stays" if plan["min_healthy"] == 1 else "stay"
    return f"{hosts} in {batches}, at least {plan['min_healthy']} {stay} (rollout_min_healthy)"


def _why_unchanged(plan: Mapping[str, t.Any]) -> str:
    if plan["verb"] == "restart":
        return "no restart is due"
    versions = sorted({plan["hosts"][name]["to"] for name in plan["unchanged"]})
    return f"{', '.join(versions)} runs and is healthy"


def _batch(plan: Mapping[str, t.Any], number: int, batch: list[str]) -> str:
    hosts = []
    for name in batch:
        host = plan["hosts"][name]
        moved = f"{host['from']} -> {host['to']}" if host["from"] != host["to"] else host["to"]
        hosts.append(f"{name} {moved}{' (' + host['why_first'] + ')' if host['why_first'] else ''}")
    left = plan["capacity"][number - 1]
    stay = f"{left['in_rotation']} of {left['of']} {'stays' if left['in_rotation'] == 1 else 'stay'} in rotation"
    return f"batch {number} of {len(plan['batches'])}: {', '.join(hosts)}; {stay}"

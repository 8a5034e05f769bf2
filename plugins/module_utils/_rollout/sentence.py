# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Whether a rollout goes on: what the batch before does now that it serves again, and how many serve at all."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout.inputs import Results, events
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.judge import judge


def sentence(
    plan: Mapping[str, t.Any],
    state: Mapping[str, t.Any],
    logs: Results,
    healths: Results,
    monitor: Mapping[str, t.Any],
    failure_action: str,
    done: Sequence[str],
    now: float,
) -> dict[str, t.Any]:
    """Return C(stop) (why the rollout ends here, empty if it goes on), C(revert) (hosts), C(revert_serial), C(events).

    What does badly leaves the rotation as one batch, as it came; what this run did before goes back one by one.

    :param state: C(watching) names the batch before, C(holding) the one that is out now, C(cut) what its stop has cut,
        C(foreign) the servers that somebody else holds
    :param logs: results of access_log_info since the batch before was released, one for each load balancer
    :param healths: results of health_check for all members but the batch that is out, one for each load balancer
    :param failure_action: C(pause) reverts the batch before, C(rollback) everything that this run has done
    :param done: the hosts that this run has brought to their new release, in that order
    :param now: epoch in seconds by the controller's clock
    """
    watching = list(state["watching"])
    ill = _unhealthy(healths)
    cut = sum(int(item["sockets"]) for item in state["cut"] if item["host"] in watching)
    why = _wrong(plan, watching, logs, ill, monitor, cut)
    if why:
        revert = watching + (
            [host for host in reversed(done) if host not in watching] if failure_action == "rollback" else []
        )
        return {
            "stop": why,
            "revert": revert,
            "revert_serial": [len(watching), 1],
            "events": events(watching, "failed", plan, now, why),
        }
    return {
        "stop": _too_few(plan, [*state["holding"], *_foreign(plan, state["foreign"])], ill),
        "revert": [],
        "revert_serial": [1],
        "events": events(watching, "watched", plan, now),
    }


def _wrong(
    plan: Mapping[str, t.Any],
    watching: Sequence[str],
    logs: Results,
    ill: Mapping[str, str],
    monitor: Mapping[str, t.Any],
    cut: int,
) -> str:
    """Return what is wrong with the batch that is watched, or nothing."""
    told = [f"{host} was healthy and is not any more: {ill[host]}" for host in watching if host in ill]
    if watching and float(monitor["seconds"]) > 0:
        verdict = judge(logs, [plan["hosts"][host]["address"] for host in watching], monitor, cut)
        told += [] if verdict["ok"] else [verdict["text"]]
    return "; ".join(told)


def _foreign(plan: Mapping[str, t.Any], addresses: Collection[str]) -> list[str]:
    return [name for name, host in plan["hosts"].items() if host["address"] in addresses]


def _too_few(plan: Mapping[str, t.Any], holding: Iterable[str], ill: Mapping[str, str]) -> str:
    """Return that too few members serve, or nothing."""
    regular = [name for name in plan["names"] if name not in plan["backups"]]
    out = {*holding, *ill, *plan["skipped"]}
    serving = [name for name in regular if name not in out]
    if len(serving) >= int(plan["min_healthy"]):
        return ""
    seen = "; ".join(f"{name}: {why}" for name, why in ill.items()) or "the others are held out"
    return (
        f"only {len(serving)} of {len(regular)} members of {plan['name']} are healthy and in rotation, "
        f"rollout_min_healthy needs {plan['min_healthy']}; {seen}"
    )


def _unhealthy(healths: Results) -> dict[str, str]:
    """Return the members that a load balancer finds unhealthy, with what it saw."""
    return {
        target["name"]: str(target.get("error") or f"status {target.get('status')}")
        for result in healths
        for target in result["targets"]
        if not target["healthy"]
    }

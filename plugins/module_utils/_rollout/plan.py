# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The plan of a rollout: who is rolled, in which batches, and what stays."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import (
    batches,
    capacity,
    objections,
    options,
    plan_text,
    words,
)

Request = Mapping[str, t.Any]
NO_BATCHES: dict[str, t.Any] = {"batches": [], "serial": [1], "capacity": [], "min_healthy": 0}
# Between what a run is about and its name, in the reason of its holds (__rollout_reason of the role rollout).
RUN = ", run "
# What a batch takes beside the waits that have an option: executing tasks, seconds.
OVERHEAD = 15.0


def make(request: Request) -> dict[str, t.Any]:
    """Return the plan; where its C(findings) are not empty, nothing may be changed.

    :param request: C(verb) (deploy, rollback or restart), C(name) (the group), C(version), C(only_marked), C(options),
        C(members), C(load_balancers), C(gone) (runs that are proven dead), C(extra_vars) (to be given again)
        and C(typed) (how the command was typed)
    """
    # By name: what is said must not depend on whom was asked first.
    views = sorted(request["load_balancers"], key=lambda view: str(view["name"]))
    request = {**request, "load_balancers": views}
    members = request["members"]
    wrong = options.findings(request["options"])
    owner = f"rollout-{request['name']}"
    seen = capacity.look(members, [view for view in views if view["info"]], owner)
    targets = {member["name"]: _target(request, member) for member in members}
    order, skipped, unchanged = _order(request, seen, targets)
    batched = NO_BATCHES if wrong else _batches(request, order, seen)
    plan: dict[str, t.Any] = {
        "verb": request["verb"],
        "name": request["name"],
        "version": request["version"],
        # Where all go back to one release it has a name, by which the same command can be given again.
        "back_to": _back_to(request, order, targets),
        "extra_vars": dict(request.get("extra_vars") or {}),
        "typed": dict(request.get("typed") or {}),
        "owner": owner,
        "names": [member["name"] for member in members],
        "backups": [member["name"] for member in members if member["backup"]],
        "held": list(seen.ours),
        "upstreams": list(seen.upstreams),
        "announcing": _announcing(request),
        "order": order,
        "skipped": skipped,
        "unchanged": unchanged,
        "not_selected": [member["name"] for member in members if not member["selected"]],
        "failure_action": request["options"].get("failure_action"),
        "resumes": max((str(view["rollout"].get("unfinished") or "") for view in views), default=""),
        "hosts": _hosts(request, targets, batched["batches"], seen),
        **batched,
    }
    plan["stops_after_first_batch"] = not wrong and _stops(request, plan, seen, targets)
    taken = plan["batches"][:1] if plan["stops_after_first_batch"] else plan["batches"]
    plan["findings"] = [
        *wrong,
        *objections.everywhere(request, owner, seen, targets),
        *objections.apart(request, order, targets),
        *([] if order else objections.all_skipped(request, seen, _waiting(request, seen, targets))),
        *([] if wrong else objections.too_few(plan, seen)),
        *objections.emptied(plan, views, taken),
    ]
    plan["warnings"] = [
        *objections.broken_locks(request),
        *(f"{name} is unhealthy: {told}" for name, told in seen.unhealthy.items()),
        *([] if wrong else _cut_down(request, plan)),
    ]
    plan["reloads"] = len(taken) + 1 if taken else 0
    plan["seconds_longest"] = _longest(request, len(taken)) if taken else 0.0
    plan["text"] = plan_text.lines(plan)
    return plan


def _announcing(request: Request) -> list[str]:
    """Return the load balancers that announce a reload; from nginx 1.27.4 on they spare idle clients by themselves."""
    known = {view["name"]: view["info"].get("nginx") or {} for view in request["load_balancers"] if view["info"]}
    return [name for name, nginx in known.items() if not (nginx.get("features") or {}).get("keepalive_min_timeout")]


def _hosts(
    request: Request,
    targets: Mapping[str, str],
    planned: Sequence[Sequence[str]],
    seen: capacity.Seen,
) -> dict[str, dict[str, t.Any]]:
    """Return each member of the group; batch 0 is that of a member that is not rolled."""
    numbers = {name: number for number, batch in enumerate(planned, 1) for name in batch}
    return {
        member["name"]: {
            "address": member["address"],
            "from": member["release"].get("current", ""),
            "to": targets[member["name"]],
            "back": _back(request, member, seen),
            "batch": numbers.get(member["name"], 0),
            "why_first": _why_first(member["name"], seen),
        }
        for member in request["members"]
    }


def _back(request: Request, member: capacity.Member, seen: capacity.Seen) -> str:
    """Return the release that a host goes back to when the target does not do well: one that has served.

    A deploy that was killed after its switch has left what it brought as C(current), and what ran as C(previous); one
    that was killed before, a restart and a rollback have not. The holds of that run say what it was about. Where they
    do not, C(previous) has served for certain.
    """
    current, previous = (str(member["release"].get(name, "")) for name in ("current", "previous"))
    if request["verb"] != "deploy" or member["name"] not in seen.ours:
        return current
    told = [reason for reason in seen.reasons[member["name"]] if RUN in reason]
    brought = words.subject({"verb": "deploy", "version": current})
    return current if told and not any(reason.startswith(brought + RUN) for reason in told) else previous or current


def _stops(request: Request, plan: Mapping[str, t.Any], seen: capacity.Seen, targets: Mapping[str, str]) -> bool:
    """Return whether the rollout stops after its first batch; a canary that serves well has been one already."""
    if not options.flag(request["options"]["canary"]) or len(plan["batches"]) < 2:
        return False
    done = (m["name"] for m in request["members"] if m["release"].get("running") == targets[m["name"]])
    return request["verb"] == "restart" or not any(name in seen.serving for name in done)


def _target(request: Request, member: capacity.Member) -> str:
    """Return the release that a host is to run."""
    if request["version"]:
        return str(request["version"])
    return str(member["release"].get("previous" if request["verb"] == "rollback" else "current", ""))


def _order(
    request: Request, seen: capacity.Seen, targets: Mapping[str, str]
) -> tuple[list[str], dict[str, str], list[str]]:
    """Return who is rolled in which order, who is left out and why, and who needs nothing."""
    chosen = [member for member in request["members"] if member["selected"]]
    skipped = {m["name"]: seen.skipped[m["name"]] for m in chosen if m["name"] in seen.skipped}
    unchanged = [
        member["name"]
        for member in chosen
        if member["name"] not in skipped and not _needs(request, member, seen, targets[member["name"]])
    ]
    rolled = [m["name"] for m in chosen if m["name"] not in skipped and m["name"] not in unchanged]
    first = [name for name in rolled if name in seen.ours]
    second = [name for name in rolled if name in seen.unhealthy and name not in first]
    return [*first, *second, *(name for name in rolled if name not in first and name not in second)], skipped, unchanged


def _needs(request: Request, member: capacity.Member, seen: capacity.Seen, target: str) -> bool:
    """Return whether a host has to be rolled: also one that was left half-way."""
    name, release = member["name"], member["release"]
    if name in seen.ours:
        return True
    if request["verb"] == "restart":
        return not request["only_marked"] or bool(release.get("restart_due"))
    return not (
        release.get("current") == release.get("running") == target
        and release.get("active") == "active"
        and name not in seen.unhealthy
    )


def _waiting(request: Request, seen: capacity.Seen, targets: Mapping[str, str]) -> list[str]:
    """Return the selected hosts that would have to be rolled, and are left out."""
    held = (member for member in request["members"] if member["selected"] and member["name"] in seen.skipped)
    return [member["name"] for member in held if _needs(request, member, seen, targets[member["name"]])]


def _batches(request: Request, order: Sequence[str], seen: capacity.Seen) -> dict[str, t.Any]:
    """Return the batches and what stays in rotation while each is out."""
    regular = [member["name"] for member in request["members"] if not member["backup"]]
    values = request["options"]
    min_healthy = batches.share(values["min_healthy"], len(regular), up=True)
    sizes = batches.sizes(values["serial"], len(order))
    # A run holds its batch only: who is held from before must be in the first one, or it would be put back as it is.
    wanted = [max(sizes[0], sum(name in seen.ours for name in order)), *(sizes[1:] or sizes)]
    found = batches.split(order, wanted, seen.serving, regular, min_healthy)
    healthy, left = set(seen.serving), []
    for number, batch in enumerate(found, 1):
        left.append({"batch": number, "in_rotation": len(healthy.difference(batch)), "of": len(regular)})
        healthy.update(name for name in batch if name in regular)
    return {
        "batches": found,
        "serial": [len(batch) for batch in found] or [1],
        "capacity": left,
        "min_healthy": min_healthy,
    }


def _cut_down(request: Request, plan: Mapping[str, t.Any]) -> list[str]:
    """Return which batches are smaller than they were asked to be."""
    order = plan["order"]
    smaller = batches.cut_down(plan["batches"], batches.sizes(request["options"]["serial"], len(order)), len(order))
    return [
        f"rollout_serial asks for {asked} at once; rollout_min_healthy ({plan['min_healthy']}) leaves {size}"
        for asked, size in smaller.items()
    ]


def _back_to(request: Request, order: Sequence[str], targets: Mapping[str, str]) -> str:
    """Return the release to which a rollback without a version goes; empty where that is none, or not one."""
    found = {targets[name] for name in order}
    return found.pop() if request["verb"] == "rollback" and len(found) == 1 else ""


def _why_first(name: str, seen: capacity.Seen) -> str:
    if name in seen.ours:
        return "held by an earlier rollout"
    return "unhealthy" if name in seen.unhealthy else ""


def _longest(request: Request, taken: int) -> float:
    """Return how long so many batches may take if every wait lasts as long as it may, in seconds.

    One load balancer is told, drained and asked for health after the other; min_healthy_time is within the deadline.
    """
    values, views = request["options"], len(request["load_balancers"])
    window, monitor = float(values["close_window"]) * views, float(values["monitor"]["seconds"])
    each = (float(values["drain_timeout"]) + float(values["healthy_deadline"])) * views
    batch = window + each + float(values["stop_timeout"]) + monitor + OVERHEAD
    return batch * taken + window

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""The plan of a rollout: who is rolled, in which batches, what stays, and what speaks against it."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import batches, capacity, options, plan_text, words
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.lock import duration

Request = Mapping[str, t.Any]
NO_BATCHES: dict[str, t.Any] = {"batches": [], "serial": [1], "capacity": [], "min_healthy": 0}
# Between what a run is about and its name, in the reason of its holds (__rollout_reason of the role rollout).
RUN = ", run "
# What a batch takes beside the waits that have an option: executing tasks, seconds.
OVERHEAD = 15.0


def make(request: Request) -> dict[str, t.Any]:
    """Return the plan; where its C(findings) are not empty, nothing may be changed.

    :param request: C(verb) (deploy, rollback or restart), C(name) (the group), C(version), C(only_marked), C(options),
        C(members), C(load_balancers), C(gone) (runs that are proven dead) and C(extra_vars) (to be given again)
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
        "owner": owner,
        "names": [member["name"] for member in members],
        "backups": [member["name"] for member in members if member["backup"]],
        "held": list(seen.ours),
        "upstreams": list(seen.upstreams),
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
        *_findings(request, owner, seen, targets),
        *_apart(request, order, targets),
        *([] if order else _all_skipped(request, seen, targets)),
        *([] if wrong else _cannot(plan, seen)),
        *_emptied(plan, views, taken),
    ]
    plan["warnings"] = [
        *_broken_locks(request),
        *(f"{name} is unhealthy: {told}" for name, told in seen.unhealthy.items()),
        *([] if wrong else _cut_down(request, plan)),
    ]
    plan["reloads"] = len(taken) + 1 if taken else 0
    plan["seconds_longest"] = _longest(request, len(taken)) if taken else 0.0
    plan["text"] = plan_text.lines(plan)
    return plan


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


def _all_skipped(request: Request, seen: capacity.Seen, targets: Mapping[str, str]) -> list[str]:
    """Return that nothing would be done, where there is something to do: whoever deploys would believe that it is done.

    Who only looks for what is marked comes again: the mark stays.
    """
    if request["only_marked"]:
        return []
    held = [member for member in request["members"] if member["selected"] and member["name"] in seen.skipped]
    waiting = [one["name"] for one in held if _needs(request, one, seen, targets[one["name"]])]
    if not waiting:
        return []
    told = "; ".join(f"{name} is {seen.skipped[name]}" for name in waiting)
    undrain = words.command({"name": request["name"]}, "undrain", waiting)
    return [
        f"{told}: no other host needs a {request['verb']}, so nothing would be done; when that work is done: "
        f"{undrain}; or leave {'it' if len(waiting) == 1 else 'them'} out of --limit"
    ]


def _apart(request: Request, order: Sequence[str], targets: Mapping[str, str]) -> list[str]:
    """Return that hosts go back to different releases.

    After a rollout that has not reached all, the release before is another one on each side of where it stopped: what
    went back already would go forward again.
    """
    if request["verb"] != "rollback" or len({targets[name] for name in order} - {""}) < 2:
        return []
    each = ", ".join(f"{name} to {targets[name] or 'none'}" for name in order)
    return [f"the hosts go back to different releases: {each}; name the one that is meant: -e release_version=VERSION"]


def _back_to(request: Request, order: Sequence[str], targets: Mapping[str, str]) -> str:
    """Return the release to which a rollback without a version goes; empty where that is none, or not one."""
    found = {targets[name] for name in order}
    return found.pop() if request["verb"] == "rollback" and len(found) == 1 else ""


def _findings(request: Request, owner: str, seen: capacity.Seen, targets: Mapping[str, str]) -> list[str]:
    """Return what speaks against the rollout, all at once."""
    views = request["load_balancers"]
    answering = [view for view in views if view["reachable"]]
    found = [
        f"{view['name']} cannot be reached: {view['error']}; it may still send requests to a host that is about to "
        "stop; bring it back, or take it out of its group if it serves nobody"
        for view in views
        if not view["reachable"]
    ]
    found += [told for view in answering for told in _not_serving(view)]
    found += capacity.disagreements(request["members"], answering, owner)
    found += [told for view in answering for told in _locked(request, view)]
    if not views:
        what = f"there is no load balancer to take a host of {request['name']} out of rotation"
        found.append(f"{what}; name their group in rollout_load_balancers")
    if not any(member["selected"] for member in request["members"]):
        found.append(f"no host of the group {request['name']} is selected; mend --limit")
    for member in request["members"]:
        if not member["selected"]:
            found += _left_behind(member["name"], owner, seen)
        elif member["name"] not in seen.skipped:
            found += _cannot_roll(request, member, targets[member["name"]])
    return list(dict.fromkeys(found))


def _left_behind(name: str, owner: str, seen: capacity.Seen) -> list[str]:
    """Return that a host which an earlier run left half-way would come back unseen: a run holds its batch only."""
    if name not in seen.ours or name in seen.skipped:
        return []
    return [
        f"{name} is held by {owner} from an earlier rollout, and --limit leaves it out: this one would put it back as "
        f"it is; name {name} in --limit as well"
    ]


def _not_serving(view: capacity.View) -> list[str]:
    """Return why a load balancer would not do what it is told."""
    refused = (view["info"].get("nginx") or {}).get("refused")
    if refused:
        return [f"{view['name']}: {refused} Mend it first"]
    live = view["info"].get("live")
    if live == "stopped":
        return [f"{view['name']}: nginx does not run; start it"]
    if live == "different":
        # As for the seconds in which another run announces its reload.
        what = f"{view['name']}: nginx serves something else than what is on its disk; try again in a minute"
        return [f"{what}, and if it still does apply site.yml, or reload it"]
    return []


def _locked(request: Request, view: capacity.View) -> list[str]:
    """Return who else rolls this group, or one that has hosts of it: a lock is for one group."""
    found = _locked_by(request, request["name"], view, view["rollout"].get("lock") or {})
    for lock in view.get("others", ()):
        hosts = ", ".join(lock["shared"])
        found += [
            f"{hosts} of {request['name']} may be taken at the same time: {told}"
            for told in _locked_by(request, lock["group"], view, lock)
        ]
    return found


def _locked_by(request: Request, group: str, view: capacity.View, lock: Mapping[str, t.Any]) -> list[str]:
    """Return who has the lock of a group."""
    if not lock or lock["run"] in request.get("gone", ()):
        return []
    if not lock["run"]:
        return [f"{group} is locked on {view['name']}: {lock['error']}"]
    what = f"{lock.get('verb') or 'rollout'}{' of ' + lock['version'] if lock.get('version') else ''}"
    return [
        f"{group} is locked on {view['name']} by a {what}, run {lock['run']} of {_who(lock)}, last step "
        f"'{lock.get('step', '')}' {duration(float(lock['age']))} ago by its clock. "
        f"If that run is dead: {words.unlock(group, lock['run'])}"
    ]


def _who(lock: Mapping[str, t.Any]) -> str:
    return str(lock.get("who") or "somebody")


def _cannot_roll(request: Request, member: capacity.Member, target: str) -> list[str]:
    """Return why a selected host cannot be rolled."""
    name, release = member["name"], member["release"]
    if not release:
        return [f"{name} cannot be reached; bring it back, or leave it out: --limit '!{name}'"]
    if not release.get("current"):
        return [f"{name} has no release yet; apply site.yml first"]
    if not target:
        return [
            f"{name} has no release before {release['current']} to go back to; name one: -e release_version=VERSION"
        ]
    # A kill between the writes of the two links leaves both with one release.
    if request["verb"] == "rollback" and not request["version"] and _is_current(release, target):
        has = ", ".join(other for other in release.get("complete", ()) if other != target) or "no other"
        return [
            f"{name}: previous is the release that runs ({target}); name the one that is meant: "
            f"-e release_version=VERSION, it has {has}"
        ]
    if request["verb"] == "rollback" and target not in release.get("complete", ()):
        has = ", ".join(release.get("complete", ())) or "none"
        return [f"{name} does not have the release {target} any more; it has {has}; deploy it"]
    return []


def _is_current(release: Mapping[str, t.Any], version: str) -> bool:
    """Return whether a host has this release, and no process that runs in another one."""
    return release["current"] == version and release.get("running") in ("", None, version)


def _broken_locks(request: Request) -> list[str]:
    """Return the locks that this run will break."""
    return list(
        dict.fromkeys(
            f"run {lock['run']} of {_who(lock)} is dead (its last step was '{lock.get('step', '')}'); "
            "its lock is broken"
            for view in request["load_balancers"]
            if (lock := view["rollout"].get("lock") or {}) and lock["run"] in request.get("gone", ())
        )
    )


def _why_first(name: str, seen: capacity.Seen) -> str:
    if name in seen.ours:
        return "held by an earlier rollout"
    return "unhealthy" if name in seen.unhealthy else ""


def _cannot(plan: Mapping[str, t.Any], seen: capacity.Seen) -> list[str]:
    """Return why a host cannot be taken out of rotation."""
    left = plan["order"][sum(map(len, plan["batches"])) :]
    if not left:
        return []
    regular = [name for name in plan["names"] if name not in plan["backups"]]
    told = (
        f"{', '.join(left)} cannot be taken out of rotation: {len(seen.serving)} of {len(regular)} hosts of "
        f"{plan['name']} serve ({', '.join(seen.serving) or 'none'}), and rollout_min_healthy is {plan['min_healthy']}"
    )
    if len(regular) == 1:
        return [f"{told}; one host alone must stop before it starts: rollout_min_healthy=0 accepts that nobody serves"]
    out = [*(f"{name} is unhealthy: {why}" for name, why in seen.unhealthy.items())]
    out += [f"{name} is {why}" for name, why in plan["skipped"].items()]
    most = len(set(seen.serving).difference(left[:1]))
    return [f"{'; '.join([told, *out])}; bring one back, or accept fewer: -e rollout_min_healthy={most}"]


def _emptied(
    plan: Mapping[str, t.Any], views: Sequence[capacity.View], taken: Sequence[Sequence[str]]
) -> Iterator[str]:
    """Return where the hold of a batch would be refused, before anything is locked, staged or migrated."""
    if plan["min_healthy"] == 0:
        return
    names = {host["address"]: name for name, host in plan["hosts"].items()}
    batches_taken = [[plan["hosts"][name]["address"] for name in batch] for batch in taken]
    for (upstream, *addresses), lbs in capacity.emptied(views, plan["owner"], batches_taken).items():
        hosts = [names[address] for address in addresses]
        fewer = "take fewer at once (rollout_serial), " if len(hosts) > 1 else ""
        yield (
            f"{', '.join(lbs)}: nobody else is in rotation in the upstream {upstream} (a backup does not count) while "
            f"{', '.join(hosts)} {'is' if len(hosts) == 1 else 'are'} held; {fewer}put another server into it, or "
            "accept that nobody serves: -e rollout_min_healthy=0"
        )


def _longest(request: Request, taken: int) -> float:
    """Return how long so many batches may take if every wait lasts as long as it may, in seconds.

    One load balancer is told, drained and asked for health after the other; min_healthy_time is within the deadline.
    """
    values, views = request["options"], len(request["load_balancers"])
    window, monitor = float(values["close_window"]) * views, float(values["monitor"]["seconds"])
    each = (float(values["drain_timeout"]) + float(values["healthy_deadline"])) * views
    batch = window + each + float(values["stop_timeout"]) + monitor + OVERHEAD
    return batch * taken + window

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What speaks against a plan: each is a sentence that names the host or the load balancer, and what to do."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import capacity, words
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.lock import duration

Request = Mapping[str, t.Any]


def everywhere(request: Request, owner: str, seen: capacity.Seen, targets: Mapping[str, str]) -> list[str]:
    """Return what speaks against it on the load balancers and on the hosts, all at once."""
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
    found += _forgotten(request, answering, owner)
    for member in request["members"]:
        if not member["selected"]:
            found += _left_behind(request, member["name"], owner, seen)
        elif member["name"] not in seen.skipped:
            found += _cannot_roll(request, member, targets[member["name"]], member["name"] in seen.ours)
    return list(dict.fromkeys(found))


def apart(request: Request, order: Sequence[str], targets: Mapping[str, str]) -> list[str]:
    """Return that hosts go back to different releases.

    After a rollout that has not reached all, the release before is another one on each side of where it stopped: what
    went back already would go forward again.
    """
    if request["verb"] != "rollback" or len({targets[name] for name in order} - {""}) < 2:
        return []
    each = ", ".join(f"{name} to {targets[name] or 'none'}" for name in order)
    return [f"the hosts go back to different releases: {each}; name the one that is meant: -e release_version=VERSION"]


def all_skipped(request: Request, seen: capacity.Seen, waiting: Sequence[str]) -> list[str]:
    """Return that nothing would be done, where there is something to do: whoever deploys would believe that it is done.

    Who only looks for what is marked comes again: the mark stays.

    :param waiting: hosts that are left out and would have to be rolled
    """
    if request["only_marked"] or not waiting:
        return []
    told = "; ".join(f"{name} is {seen.skipped[name]}" for name in waiting)
    undrain = _by_hand(request, "undrain", waiting)
    return [
        f"{told}: no other host needs a {request['verb']}, so nothing would be done; when that work is done: "
        f"{undrain}; or leave {'it' if len(waiting) == 1 else 'them'} out of --limit"
    ]


def too_few(plan: Mapping[str, t.Any], seen: capacity.Seen) -> list[str]:
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


def emptied(plan: Mapping[str, t.Any], views: Sequence[capacity.View], taken: Sequence[Sequence[str]]) -> Iterator[str]:
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


def broken_locks(request: Request) -> list[str]:
    """Return the locks that this run will break."""
    return list(
        dict.fromkeys(
            f"run {lock['run']} of {_who(lock)} is dead (its last step was '{lock.get('step', '')}'); "
            "its lock is broken"
            for view in request["load_balancers"]
            if (lock := view["rollout"].get("lock") or {}) and lock["run"] in request.get("gone", ())
        )
    )


def _by_hand(request: Request, verb: str, names: Sequence[str]) -> str:
    """Return the command by which an operator drains or undrains hosts, also those that an earlier run holds."""
    return words.command({"name": request["name"], "typed": request.get("typed")}, verb, names)


def _forgotten(request: Request, views: Sequence[capacity.View], owner: str) -> Iterator[str]:
    """Return which holds of an earlier run are on servers that are no hosts any more: this one would release them."""
    known = {member["address"] for member in request["members"]}
    found: dict[str, list[str]] = {}
    for view in views:
        for address in capacity.held_by(view, owner):
            if address not in known:
                found.setdefault(address, []).append(view["name"])
    for address, lbs in found.items():
        yield (
            f"{address} is held by {owner} on {', '.join(lbs)} from an earlier rollout, and no host of "
            f"{request['name']} has this address any more: this one would put it back as it is; apply site.yml, which "
            "takes it out of the upstream"
        )


def _left_behind(request: Request, name: str, owner: str, seen: capacity.Seen) -> list[str]:
    """Return that a host which an earlier run left half-way would come back unseen: a run holds its batch only."""
    if name not in seen.ours or name in seen.skipped:
        return []
    return [
        f"{name} is held by {owner} from an earlier rollout, and --limit leaves it out: this one would put it back as "
        f"it is; name {name} in --limit as well, or leave it out for good: {_by_hand(request, 'drain', [name])}"
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


def _cannot_roll(request: Request, member: capacity.Member, target: str, ours: bool) -> list[str]:
    """Return why a selected host cannot be rolled.

    :param ours: whether an earlier run has left it held
    """
    name, release = member["name"], member["release"]
    if not release and ours:
        drain = _by_hand(request, "drain", [name])
        return [f"{name} cannot be reached; bring it back, or leave it out for good: {drain}"]
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
        f"If that run is dead: {words.unlock(group, lock['run'], request.get('typed'))}"
    ]


def _who(lock: Mapping[str, t.Any]) -> str:
    return str(lock.get("who") or "somebody")

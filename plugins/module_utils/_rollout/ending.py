# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""How a rollout ended: one word, one line, and what to do next."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import words

# The ends after which nobody needs to look.
GOOD = ("succeeded", "canary", "nothing_to_do")
Summary = Mapping[str, t.Any]


def outcome(plan: Mapping[str, t.Any], hosts: Mapping[str, Mapping[str, t.Any]], summary: Summary) -> str:
    """Return how it ended: succeeded, canary, paused, rolled_back, refused, nothing_to_do or failed.

    :param hosts: the hosts of the plan, each with its C(outcome)
    :param summary: C(stop), C(rolled_back) and C(lbs_left)
    """
    if plan.get("findings"):
        return "refused"
    if not plan.get("order"):
        return "nothing_to_do"
    results = {host["outcome"] for host in hosts.values()}
    left_new = any(hosts[name]["outcome"] == "ok" for name in summary["rolled_back"] if name in hosts)
    if "stuck" in results or summary["lbs_left"] or left_new:
        return "failed"
    if summary["rolled_back"]:
        return "rolled_back"
    if summary["stop"] or "reverted" in results:
        return "paused"
    return _reached(plan, hosts)


def _reached(plan: Mapping[str, t.Any], hosts: Mapping[str, Mapping[str, t.Any]]) -> str:
    """Return how it ended when nothing went wrong on any host that was reached."""
    missed = [name for name, host in hosts.items() if host["outcome"] == "not_reached"]
    if not missed:
        return "succeeded"
    first = (plan.get("batches") or [[]])[0]
    return "canary" if plan.get("stops_after_first_batch") and not set(missed) & set(first) else "paused"


def with_outcome(summary: Summary, *wanted: str) -> list[str]:
    """Return the names of the hosts that ended so."""
    return [name for name, host in summary["hosts"].items() if host["outcome"] in wanted]


def message(summary: Summary) -> str:
    """Return one line that says how it ended."""
    return f"{summary['name']}: {_MESSAGES[summary['outcome']](summary)}"


def _succeeded(summary: Summary) -> str:
    return f"{words.subject(summary)} succeeded on {words.count(len(summary['hosts']), 'host')}, {_figures(summary)}"


def _canary(summary: Summary) -> str:
    done = with_outcome(summary, "ok")
    rest = words.count(len(summary["hosts"]) - len(done), "host waits", "hosts wait")
    return f"{words.subject(summary)} is on {words.listing(done)} (canary) and {rest}, {_figures(summary)}"


def _paused(summary: Summary) -> str:
    return f"{words.subject(summary)} stopped: {_why(summary)}. {_where(summary)}"


def _rolled_back(summary: Summary) -> str:
    back = words.listing(summary["rolled_back"])
    return f"{words.subject(summary)} was rolled back on {back}: {_why(summary)}. {_where(summary)}"


def _failed(summary: Summary) -> str:
    return f"{words.subject(summary)} failed: {_why(summary)}. {_where(summary)}"


def _refused(summary: Summary) -> str:
    found = summary["findings"]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{words.subject(summary)} was refused, nothing was changed: {words.first_line(found[0])}{more}"


def _nothing(summary: Summary) -> str:
    kept = list(summary["unchanged"])
    held = f"; left alone: {words.listing(summary['skipped'])}" if summary["skipped"] else ""
    done = f": {words.listing(kept)} {'needs' if len(kept) == 1 else 'need'} no {summary['verb']}" if kept else ""
    return f"nothing to do{done}{held}"


_MESSAGES: dict[str, Callable[[Summary], str]] = {
    "succeeded": _succeeded,
    "canary": _canary,
    "paused": _paused,
    "rolled_back": _rolled_back,
    "failed": _failed,
    "refused": _refused,
    "nothing_to_do": _nothing,
}


def _figures(summary: Summary) -> str:
    seen = summary["requests"]
    return (
        f"{words.duration(summary['seconds'])}: {words.count(seen['seen'], 'request')} seen, "
        f"{words.number(seen['failed'])} failed, {words.number(seen['retried'])} retried"
    )


def _why(summary: Summary) -> str:
    """Return why it did not go on, without a full stop."""
    told = words.first_line(summary["stop"]) or _worst(summary)
    if not told and summary["lbs_left"]:
        told = "; ".join(f"{lb} could not be told: {words.first_line(why)}" for lb, why in summary["lbs_left"].items())
    return (told or "not every host was reached").rstrip(".")


def _worst(summary: Summary) -> str:
    for wanted in ("stuck", "reverted", "not_reached"):
        for name in with_outcome(summary, wanted):
            if summary["hosts"][name]["text"]:
                return f"{name}: {words.first_line(summary['hosts'][name]['text'])}"
    return ""


def _where(summary: Summary) -> str:
    """Return where each host is now."""
    told = [
        (with_outcome(summary, "ok"), "done"),
        (with_outcome(summary, "reverted"), "back on the release before"),
        (with_outcome(summary, "stuck"), "out of rotation"),
        (with_outcome(summary, "not_reached"), "not touched"),
        (_still_held(summary), "still held"),
    ]
    text = "; ".join(f"{what}: {words.listing(names)}" for names, what in told if names)
    return text[:1].upper() + text[1:]


def _still_held(summary: Summary) -> list[str]:
    """Return the hosts that are not stuck and out of rotation all the same.

    As where the lock was lost, or where this run has not come to a host that an earlier one has left out.
    """
    found = with_outcome(summary, "ok", "reverted", "not_reached")
    return [name for name in found if summary["hosts"][name].get("still_held")]


def next_steps(summary: Summary) -> list[str]:
    """Return what to do next, with exact commands."""
    return list(_NEXT.get(summary["outcome"], _nowhere)(summary))


def _again(summary: Summary, without: Iterable[str] = ()) -> str:
    """Return the command of the run once more, for the hosts that it was for."""
    chosen = [*summary["order"], *summary["unchanged"], *summary["skipped"]] if summary["not_selected"] else []
    return words.command(summary, hosts=chosen, without=without)


def _nowhere(summary: Summary) -> Iterable[str]:
    return ()


def _go_back(summary: Summary, start: str) -> Iterable[str]:
    """Say how to take back what runs on the hosts that are done; the others must not go back even further."""
    hosts = {name: summary["hosts"][name] for name in with_outcome(summary, "ok")}
    done = {name: host["back"] for name, host in hosts.items() if host["back"] != host["to"]}
    if done and summary["verb"] == "deploy":
        yield f"{start}: {_rollback(summary, done)}"


def _rollback(summary: Summary, done: Mapping[str, str]) -> str:
    """Return the command that takes back what runs on these hosts; each with the release that it goes back to.

    What an earlier run has brought to others, as a canary, goes back with it: there the release before is named.
    """
    before = set(done.values())
    if not summary["unchanged"] or len(before) > 1:
        return words.command(summary, "rollback", done)
    hosts = [*done, *summary["unchanged"]] if summary["not_selected"] else []
    return words.command(summary, "rollback", hosts, given=[f"release_version={before.pop()}"])


def _after_success(summary: Summary) -> Iterable[str]:
    yield from _go_back(summary, "To go back")


def _after_canary(summary: Summary) -> Iterable[str]:
    # No release tells whom a restart has taken: with the canary it would begin again.
    without = ["rollout_canary"] if summary["verb"] == "restart" else []
    yield f"Go on with the others: {_again(summary, without)}"
    yield from _go_back(summary, "Or go back")


def _after_pause(summary: Summary) -> Iterable[str]:
    yield f"When the cause is removed, go on: {_again(summary)}"
    left_out = [name for name in with_outcome(summary, "not_reached") if summary["hosts"][name].get("still_held")]
    if left_out:
        yield f"Or, where it is healthy, only put back what an earlier run has left out: {_undrain(summary, left_out)}"
    yield from _go_back(summary, "Or take back what is done")


def _after_rollback(summary: Summary) -> Iterable[str]:
    left = [name for name in with_outcome(summary, "ok") if name not in summary["rolled_back"]]
    if left:
        yield f"These still run what was rolled out: {words.command(summary, 'rollback', left)}"
    yield f"When the cause is removed, try again: {_again(summary)}"


def _after_failure(summary: Summary) -> Iterable[str]:
    for name in with_outcome(summary, "stuck"):
        yield f"{name} gets no requests. Find out why it is not healthy, repair it, and go on: {_again(summary)}"
        yield f"Or, once it is healthy, only put it back: {_undrain(summary, [name])}"
    for lb, why in summary["lbs_left"].items():
        held = words.listing(summary["lbs_hold"][lb])
        told = f"still holds {held}" if held else "may still send requests as before"
        yield f"{lb} {told} ({words.first_line(why).rstrip('.')}). When it can be told again: {_again(summary)}"
    yield from _go_back(summary, "What runs on the others can be taken back")
    yield f"See where everything is: {_status(summary)}"


def _after_refusal(summary: Summary) -> Iterable[str]:
    yield from (words.first_line(finding) for finding in summary["findings"][1:])
    yield f"See where everything is: {_status(summary)}"
    yield f"Then again: {_again(summary)}"


def _undrain(summary: Summary, names: Iterable[str]) -> str:
    about = {"name": summary["name"], "typed": summary["typed"]}
    return words.command(about, "undrain", names, given=[f"rotation_owner={summary['owner']}"])


def _status(summary: Summary) -> str:
    return words.command(summary, "status")


_NEXT: dict[str, Callable[[Summary], Iterable[str]]] = {
    "succeeded": _after_success,
    "canary": _after_canary,
    "paused": _after_pause,
    "rolled_back": _after_rollback,
    "failed": _after_failure,
    "refused": _after_refusal,
}

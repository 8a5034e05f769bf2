# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""The journal of a run on one load balancer: JSON lines that are only ever appended."""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import Finding
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import RolloutHost

JOURNAL = "journal.jsonl"
SUMMARY = "rollout.json"
TIMELINE = "timeline.svg"
EVENT = re.compile(r"[a-z][a-z_]*")
Event = dict[str, t.Any]


def findings(events: Iterable[Mapping[str, t.Any]]) -> Iterator[Finding]:
    """Return what is wrong with events as a user gives them."""
    for number, event in enumerate(events):
        name = event.get("event")
        if not isinstance(name, str) or not EVENT.fullmatch(name):
            yield Finding(f"events[{number}].event", name, "must be lower case letters and _")
        for key, kind in (("at", float), ("batch", int)):
            try:
                kind(event.get(key, 0 if key == "batch" else None))
            except (TypeError, ValueError):
                yield Finding(f"events[{number}].{key}", event.get(key), "must be a number")


def normal(event: Mapping[str, t.Any]) -> Event:
    """Return an event with all its keys; Jinja makes texts of numbers."""
    return {
        **event,
        "at": float(event["at"]),
        "event": event["event"],
        "host": str(event.get("host", "")),
        "batch": int(event.get("batch", 0)),
        "text": str(event.get("text", "")),
    }


def line(event: Mapping[str, t.Any]) -> str:
    """Return an event as it stands in the journal."""
    return json.dumps(event, sort_keys=True, default=str)


def read(host: RolloutHost, folder: str) -> list[Event]:
    """Return the events of a run; lines that were cut off by a kill are left out."""
    found = []
    for text in (host.read(f"{folder}/{JOURNAL}") or "").splitlines():
        try:
            event = json.loads(text)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            found.append(event)
    return found


def new_of(host: RolloutHost, folder: str, events: Iterable[Event]) -> list[Event]:
    """Return those events that are not in the journal yet."""
    known = {line(event) for event in read(host, folder)}
    found = []
    for event in events:
        if line(event) not in known:
            known.add(line(event))
            found.append(event)
    return found


def append(host: RolloutHost, folder: str, events: Iterable[Event]) -> None:
    """Append events to the journal of a run."""
    text = "".join(f"{line(event)}\n" for event in events)
    if text:
        host.append(f"{folder}/{JOURNAL}", text)


def last_of(events: Iterable[Event], name: str) -> Event | None:
    """Return the last event of a name; None: there is none."""
    return next((event for event in reversed(list(events)) if event["event"] == name), None)


def has_end(host: RolloutHost, folder: str) -> bool:
    """Whether a run has told how it ended."""
    return any(event["event"] in ("finished", "unlocked") for event in read(host, folder))

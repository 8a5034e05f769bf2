# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""What node_exporter's textfile collector tells of the rollouts of one group."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Mapping

HELP = {
    "evenkeel_rollout_running": "Whether a rollout holds the lock of the group on this host.",
    "evenkeel_rollout_started_timestamp_seconds": "When the rollout that runs took the lock, by this host's clock.",
    "evenkeel_rollout_last_started_timestamp_seconds": "When the last rollout took the lock, by this host's clock.",
    "evenkeel_rollout_last_finished_timestamp_seconds": "When the last rollout ended, by this host's clock.",
    "evenkeel_rollout_last_requests": "Requests that the load balancers saw during the last rollout.",
    "evenkeel_rollout_last_failed_requests": "Requests of those that failed.",
    "evenkeel_rollout_last_retried_requests": "Requests of those that a second server answered.",
}
COUNTS = {"requests": "seen", "failed_requests": "failed", "retried_requests": "retried"}
Sample = tuple[str, Mapping[str, str], float]


def file_name(group: str) -> str:
    """Return the name of the file that tells of a group."""
    return f"evenkeel_rollout_{group}.prom"


def text(group: str, lock: Mapping[str, t.Any], last: Mapping[str, t.Any]) -> str:
    """Return the file's whole text.

    :param lock: the lock; empty: nobody holds it
    :param last: the content of last.json; empty: no rollout has ended yet
    """
    lines: list[str] = []
    told = ""
    for name, labels, value in _samples(group, lock, last):
        if name != told:
            lines += [f"# HELP {name} {HELP[name]}", f"# TYPE {name} gauge"]
            told = name
        lines.append(f"{name}{{{_labels(labels.items())}}} {value:.17g}")
    return "\n".join(lines) + "\n"


def _samples(group: str, lock: Mapping[str, t.Any], last: Mapping[str, t.Any]) -> Iterator[Sample]:
    yield "evenkeel_rollout_running", {"group": group}, float(bool(lock))
    if lock.get("taken"):
        labels = {"group": group, "verb": lock["verb"], "version": lock["version"]}
        yield "evenkeel_rollout_started_timestamp_seconds", labels, lock["taken"]
    if not last:
        return
    labels = {"group": group, **{key: str(last.get(key, "")) for key in ("verb", "version", "outcome")}}
    for key in ("started", "finished"):
        if last.get(key):
            yield f"evenkeel_rollout_last_{key}_timestamp_seconds", labels, float(last[key])
    requests = last.get("requests") or {}
    for name, key in COUNTS.items():
        if isinstance(requests.get(key), int | float):
            yield f"evenkeel_rollout_last_{name}", labels, float(requests[key])


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

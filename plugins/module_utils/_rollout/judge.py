# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Whether hosts that serve again do it well, by the load balancers' access logs."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping, Sequence

COUNTS = ("requests", "failed", "retried", "attempts", "failed_attempts")


def judge(
    logs: Sequence[Mapping[str, t.Any]], addresses: Iterable[str], monitor: Mapping[str, t.Any], cut: int = 0
) -> dict[str, t.Any]:
    """Return C(ok), C(text), and what was counted at these servers (C(new)) and at the others (C(old)).

    An attempt that nginx made good at another server counts: the user did not see it, and the server failed all the
    same. A release is not to blame for what fails at the others as much, where those had enough requests to tell.

    :param logs: results of access_log_info, one for each load balancer
    :param addresses: the servers that are watched
    :param monitor: C(max_error_ratio) and C(min_requests)
    :param cut: how many requests the stop of the release before has cut at these servers: they are in the logs, without
        a version, and not the doing of the new one
    """
    watched = set(addresses)
    rows = [row for log in logs for row in log.get("servers", ()) if row["address"]]
    new = _sum(row for row in rows if row["address"] in watched)
    unnamed = _sum(row for row in rows if row["address"] in watched and not row["version"])
    pardoned = min(cut, unnamed["failed_attempts"])
    new = {**new, **{name: new[name] - pardoned for name in ("attempts", "failed_attempts")}}
    old = _sum(row for row in rows if row["address"] not in watched)
    allowed = float(monitor["max_error_ratio"])
    enough = int(monitor["min_requests"])
    excused = old["attempts"] >= enough and _ratio(new) <= _ratio(old)
    ok = new["attempts"] < enough or _ratio(new) <= allowed or excused
    versions = sorted({row["version"] for row in rows if row["address"] in watched and row["version"]})
    text = (
        f"{new['failed_attempts']} of {new['attempts']} requests ({_percent(_ratio(new))}) failed at "
        f"{', '.join(versions) or '-'} on {', '.join(sorted(watched))}, allowed {_percent(allowed)}; "
        f"at the others {old['failed_attempts']} of {old['attempts']}"
    )
    return {"ok": ok, "text": text, "new": new, "old": old}


def _sum(rows: Iterable[Mapping[str, t.Any]]) -> dict[str, int]:
    rows = list(rows)
    return {name: sum(int(row[name]) for row in rows) for name in COUNTS}


def _ratio(counts: Mapping[str, int]) -> float:
    return counts["failed_attempts"] / counts["attempts"] if counts["attempts"] else 0.0


def _percent(ratio: float) -> str:
    """Return a share with as many digits as tell it from the one beside it."""
    return f"{ratio * 100:.3g} %"

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in until the real one is here."""
from __future__ import annotations


def rollout_plan(r):
    hosts, order = {}, []
    for n, m in enumerate(r["members"]):
        to = r["version"] or m["release"].get("previous" if r["verb"] == "rollback" else "current", "")
        order.append(m["name"])
        hosts[m["name"]] = {"address": m["address"], "from": m["release"].get("current", ""), "to": to, "batch": n + 1, "why_first": ""}
    return {"verb": r["verb"], "name": r["name"], "version": r["version"], "owner": "rollout-" + r["name"], "findings": [], "warnings": [],
            "upstreams": ["backends", "websocket"], "order": order, "hosts": hosts, "skipped": {}, "unchanged": [], "not_selected": [],
            "names": order, "backups": [], "held": [], "batches": [[n] for n in order], "serial": [1], "capacity": [], "min_healthy": 1,
            "reloads": 4, "seconds_longest": 100.0, "stops_after_first_batch": False, "resumes": "", "text": ["plan (stand-in)"]}


class FilterModule:
    def filters(self):
        return {"rollout_plan": rollout_plan}

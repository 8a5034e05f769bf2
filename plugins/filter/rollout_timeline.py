"""Stand-in."""
from __future__ import annotations


def rollout_timeline(r):
    return {"rollout_summary": {"rc": 0, "message": "m", "next": [], "events": r.get("events"), "outcome": "succeeded", "request": r} if isinstance(r, dict) else {}, "rollout_table": ["table"], "rollout_timeline": "<svg/>", "timeout_findings": []}["rollout_timeline"]


class FilterModule:
    def filters(self):
        return {"rollout_timeline": rollout_timeline}

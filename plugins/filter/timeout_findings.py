"""Stand-in."""
from __future__ import annotations


def timeout_findings(r):
    return {"rollout_summary": {"rc": 0, "message": "m", "next": [], "events": r.get("events"), "outcome": "succeeded", "request": r} if isinstance(r, dict) else {}, "rollout_table": ["table"], "rollout_timeline": "<svg/>", "timeout_findings": []}["timeout_findings"]


class FilterModule:
    def filters(self):
        return {"timeout_findings": timeout_findings}

"""What became of the requests."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

FIRST = 40


class FailureError(Exception):
    """Something broke that a client would see; the message is how."""


class RefusedError(Exception):
    """An HTTP/2 stream above the last one that GOAWAY names: not processed, so it may be sent again."""


class CutError(Exception):
    """The server closed an established WebSocket; the message is how."""


@dataclasses.dataclass
class Record:
    """Counts everything, by kind of request."""

    began: float = dataclasses.field(default_factory=time.time)
    sent: Counter[str] = dataclasses.field(default_factory=Counter)
    ok: Counter[str] = dataclasses.field(default_factory=Counter)
    failed: Counter[str] = dataclasses.field(default_factory=Counter)
    refused: Counter[str] = dataclasses.field(default_factory=Counter)
    cut: Counter[str] = dataclasses.field(default_factory=Counter)
    versions: Counter[str] = dataclasses.field(default_factory=Counter)
    instances: Counter[str] = dataclasses.field(default_factory=Counter)
    first: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    idle: list[float] = dataclasses.field(default_factory=list)
    late: list[float] = dataclasses.field(default_factory=list)
    skipped: int = 0
    acknowledged: list[str] = dataclasses.field(default_factory=list)
    unknown: list[str] = dataclasses.field(default_factory=list)
    refused_posts: list[str] = dataclasses.field(default_factory=list)

    def success(self, kind: str, headers: Mapping[str, str], identity: str = "") -> None:
        self.ok[kind] += 1
        self.versions[headers.get("x-app-version", "")] += 1
        self.instances[headers.get("x-served-by", "")] += 1
        if identity:
            self.acknowledged.append(identity)

    def failure(self, kind: str, target: str, error: Exception, identity: str = "") -> None:
        """Sort what broke into one of the three boxes."""
        if isinstance(error, CutError):
            self.cut[str(error)] += 1
            return
        if isinstance(error, RefusedError):
            self.refused[kind] += 1
            if identity:
                self.refused_posts.append(identity)
            return
        text = str(error) if isinstance(error, FailureError) else f"{type(error).__name__} {error}".strip()
        self.failed[f"{kind}: {text}"] += 1
        if identity:
            self.unknown.append(identity)
        if len(self.first) < FIRST:
            self.first.append({"at": round(time.time(), 3), "kind": kind, "target": target, "error": text})

    def summary(self, with_posts: bool) -> dict[str, Any]:
        """Return everything, for JSON."""
        posts = {"acknowledged": self.acknowledged, "unknown": self.unknown, "refused": self.refused_posts}
        return {
            "began": self.began,
            "seconds": round(time.time() - self.began, 3),
            "sent": sum(self.sent.values()),
            "ok": sum(self.ok.values()),
            "failed": dict(self.failed.most_common()),
            "first_failures": self.first,
            "refused": dict(self.refused),
            "cut": dict(self.cut),
            "skipped": self.skipped,
            "by_kind": dict(sorted(self.sent.items())),
            "by_version": dict(sorted(self.versions.items())),
            "by_instance": dict(sorted(self.instances.items())),
            # How long kept connections were idle before they were used again: what a reload can break.
            "idle": spread(self.idle),
            # How long quick requests took.
            "answer": spread(self.late),
            "posts": posts if with_posts else {name: len(found) for name, found in posts.items()},
        }


def spread(values: list[float]) -> dict[str, float]:
    """Return number, median, 99th percentile and maximum of seconds."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    found = {"median": statistics.median(ordered), "p99": ordered[int(len(ordered) * 0.99)], "max": ordered[-1]}
    return {"count": len(ordered), **{name: round(value, 4) for name, value in found.items()}}

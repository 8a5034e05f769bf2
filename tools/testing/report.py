"""What a run of stages says: one result per stage, a table, and a last line to count on."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

OK, FAILED, SKIPPED = "ok", "FAILED", "skipped"
COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped)\b")
CLOSING = re.compile(r"^(?=.*\b\d+ (?:passed|failed|errors?|skipped)\b).* in [\d.]+s", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Result:
    """How one stage ended."""

    name: str
    state: str
    seconds: float
    why: str = ""
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def counted(name: str, state: str, seconds: float, why: str, log: str) -> Result:
    """Return the result of a stage: with the tests that pytest counted in its log, else it counts as one."""
    counts = {"passed": 0, "failed": 0, "error": 0, "skipped": 0}
    lines = CLOSING.findall(log)
    for number, word in COUNT.findall("\n".join(lines)):
        counts[word.rstrip("s") if word.startswith("error") else word] += int(number)
    failed = counts["failed"] + counts["error"]
    if state == FAILED:
        failed = max(failed, 1)
    passed = counts["passed"] if lines else int(state == OK)
    skipped = counts["skipped"] if lines else int(state == SKIPPED)
    return Result(name, state, seconds, why, passed, failed, skipped)


def table(results: Sequence[Result]) -> str:
    """Return what ran, how long it took and how it ended."""
    width = max(len("stage"), *(len(result.name) for result in results), 0)
    lines = [f"{'stage':<{width}}  {'seconds':>7}  result"]
    for result in results:
        tests = f" ({result.passed} passed)" if result.passed > 1 else ""
        why = f" ({result.why})" if result.why else ""
        lines.append(f"{result.name:<{width}}  {result.seconds:>7.0f}  {result.state}{tests}{why}")
    return "\n".join(lines)


def closing(results: Sequence[Result]) -> str:
    """Return the last line."""
    skipped = sum(result.skipped for result in results)
    line = f"{sum(result.passed for result in results)} passed, {sum(result.failed for result in results)} failed"
    return f"{line}, {skipped} skipped" if skipped else line

"""A client that never tries again: whatever breaks is counted.

with load(bench.targets()) as running:
    bench.deploy("2.0.0")
result = running.result
assert result.lost == 0, result.text
assert not posts_findings(result.posts, bench.posts())
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
END_SECONDS = 120
SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a load; `raw` is everything that the client printed."""

    raw: dict[str, Any]

    @property
    def sent(self) -> int:
        return int(self.raw["sent"])

    @property
    def failed(self) -> dict[str, int]:
        """How many broke, by kind and how."""
        found: dict[str, int] = self.raw["failed"]
        return found

    @property
    def lost(self) -> int:
        return sum(self.failed.values())

    @property
    def refused(self) -> int:
        return sum(self.raw["refused"].values())

    @property
    def cut(self) -> int:
        return sum(self.raw["cut"].values())

    @property
    def by_version(self) -> dict[str, int]:
        found: dict[str, int] = self.raw["by_version"]
        return found

    @property
    def by_instance(self) -> dict[str, int]:
        found: dict[str, int] = self.raw["by_instance"]
        return found

    @property
    def posts(self) -> dict[str, list[str]]:
        """The ids of POSTs: `acknowledged`, `unknown` (their answer broke) and `refused`."""
        found: dict[str, list[str]] = self.raw["posts"]
        return found

    @property
    def text(self) -> str:
        """Everything but the ids, for the message of a test."""
        return json.dumps({name: value for name, value in self.raw.items() if name != "posts"}, indent=1)


class Running:
    """A load that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._result: Result | None = None

    @property
    def result(self) -> Result:
        """What became of it; the first call ends it."""
        if self._result is None:
            self._result = self._end()
        return self._result

    def _end(self) -> Result:
        output, _ = self._process.communicate("", timeout=END_SECONDS)
        assert self._process.returncode == 0, f"the load ended with {self._process.returncode}: {output}"
        return Result(json.loads(output.strip().splitlines()[-1]))


@contextlib.contextmanager
def load(targets: Iterable[str], **options: float | str) -> Iterator[Running]:
    """Run a load as long as the block does.

    :param targets: URLs; https:// is asked by HTTP/1.1 and by HTTP/2
    :param options: of the command line, such as rate=100, idle=0.2, protocols="http,tls", kinds="get,post"
    """
    command = [sys.executable, "-m", "tests.rollouts.load", "--until-stdin-closes", "--with-posts"]
    command += [word for target in targets for word in ("--target", target)]
    command += [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "started", "the load did not start"
        running = Running(process)
        yield running
        assert running.result
    finally:
        process.kill()
        process.wait()


def posts_findings(posts: Mapping[str, Iterable[str]], executed: Mapping[str, int]) -> list[str]:
    """Return what is wrong: each acknowledged POST was executed exactly once, none twice, a refused one never.

    :param executed: how often each id was executed, in all databases together
    """
    checks = {
        "acknowledged but not executed": [name for name in posts["acknowledged"] if not executed.get(name)],
        "executed more than once": [f"{name} ({count} times)" for name, count in executed.items() if count > 1],
        "refused and yet executed": [name for name in posts["refused"] if executed.get(name)],
    }
    return [
        f"{len(found)} POST {what}: {', '.join(found[:SHOWN])}{' ...' if len(found) > SHOWN else ''}"
        for what, found in checks.items()
        if found
    ]

"""Run the stages: python -m tools.testing [--matrix] [--only GROUP|STAGE,...] [--list]."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tools.testing.report import FAILED, closing, table
from tools.testing.runner import Runner
from tools.testing.stages import all_stages, matrix, select

ROOT = Path(__file__).resolve().parents[2]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(prog="tools/test", description=__doc__)
    result.add_argument("--only", default="", help="groups or stages, separated by commas")
    result.add_argument("--matrix", action="store_true", help="the long form: every fault, every server, each Debian")
    result.add_argument("--list", action="store_true", help="print the stages and their groups")
    return result


def main() -> int:
    """Run the stages; the last line counts."""
    arguments = parser().parse_args()
    try:
        stages = select(matrix(ROOT) if arguments.matrix else all_stages(ROOT), filter(None, arguments.only.split(",")))
    except ValueError as error:
        print(f"tools/test: {error}", file=sys.stderr)
        return 2
    if arguments.list:
        print("\n".join(f"{stage.group:<10} {stage.name}" for stage in stages))
        return 0
    runner = Runner(ROOT, say=lambda text: print(text, flush=True))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: runner.stop())
    results = runner.run(stages)
    print(f"\n{table(results)}\n\n{closing(results)}")
    return int(runner.stopped.is_set() or any(result.state == FAILED for result in results))


if __name__ == "__main__":
    sys.exit(main())

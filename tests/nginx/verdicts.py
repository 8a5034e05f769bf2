"""What nginx itself says of many configurations."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping

from tests.nginx.machines import Machine

FOLDER = "/opt/evenkeel-tests/verdicts"
# What nginx says without being asked about the configuration that is tested.
NOISE = re.compile(r"^nginx: (\[warn\] the \"user\" directive|configuration file|the configuration file).*")
# When, which process, and where: not what.
PLACE = re.compile(r"^\d{4}/\d\d/\d\d [\d:]+ | \d+#\d+:| in /\S+:\d+$")
TEST = r"""import json, pathlib, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
binary, folder = sys.argv[1], pathlib.Path(sys.argv[2])
def test(path):
    done = subprocess.run([binary, "-t", "-c", str(path)], capture_output=True, text=True, errors="replace")
    return path.name, (done.returncode, done.stderr)
with ThreadPoolExecutor(2) as pool:
    print(json.dumps(dict(pool.map(test, sorted(folder.iterdir())))))
"""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether nginx takes a configuration without a complaint, and what it complains of."""

    ok: bool
    said: str


def verdicts(machine: Machine, blocks: Mapping[str, str]) -> dict[str, Verdict]:
    """Let nginx test each of these blocks in a configuration of its own: all in one go."""
    frame = "pid /run/verdict.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{block}\n}}\n"
    machine.do(["rm", "-rf", FOLDER])
    machine.unpack(FOLDER, {name: frame.format(block=block).encode() for name, block in blocks.items()})
    said = json.loads(machine.do(["python3", "-c", TEST, machine.flavour.binary, FOLDER]))
    return {name: _verdict(code, text) for name, (code, text) in said.items()}


def _verdict(code: int, text: str) -> Verdict:
    lines = [line.removeprefix("nginx: ") for line in text.splitlines() if line and not NOISE.match(line)]
    told = " ".join(PLACE.sub("", line) for line in lines)
    return Verdict(code == 0 and "[warn]" not in told, told)

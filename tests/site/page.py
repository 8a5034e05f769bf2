"""A page of the documentation as a new user follows it: its commands, in their order, in a checkout of their own."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.site.lab import ROOT, Run, SiteLab

PAGE = ROOT / "docs/deploying.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What a command that fails on purpose says behind itself.
EXPECTED = re.compile(r"\s+# exit code (\d+)$")
FILE = re.compile(r"# (\S+\.yml)\n")
URL = "http://127.0.0.1:8080"
RUN = "RUN_ID"
# What a checkout has of its own; the rest of it is the one of this repository.
OWN = frozenset({".git", ".lab", "dist", "rollouts"})
# What a command must have said, by a part of it; a command without an entry must only end as the page says.
SAYS = (
    ("--check", "batch 3 of 3: backend3 1.0.0 -> 2.0.0; 2 of 3 stay in rotation"),
    ("whoami", "X-App-Version: 2.0.0"),
    ("ls rollouts", "timeline.svg"),
    ("grep", "deploy of 2.0.0 succeeded on 3 hosts"),
    ("release_version=3.0.0", "status 404, expected 200"),
    ("release_version=3.0.0", "Back on the release before: backend1; not touched: backend2, backend3"),
    ("drain.yml -l backend2", "backend2"),
    ("rollback.yml", "rollback succeeded on 3 hosts"),
    ("cat dist/diary.txt", "backend1"),
)
# What status.yml must have said, each time that it is run.
STATES = (
    "2.0.0 on all 3 hosts",
    "2.0.0 on all 3 hosts",
    "backend2 is held by",
    "VERSIONS DIFFER",
    "lb1 is locked by restart",
    "lb1 is locked by restart",
)
# What comes from there on is long, and each verb of it has rows in the table of faults.
HALF = "## Go back, and forward with a canary"
# How the runs of the page end that are not killed.
OUTCOMES = ["succeeded", "paused", "succeeded", "canary", "succeeded", "succeeded", "succeeded", "succeeded"]
# The waits of the defaults, compressed: they are measured elsewhere.
CLOCK = """---
rollout_close_window: 2.0
rollout_min_healthy_time: 1.0
rollout_monitor: {seconds: 2}
rotation_close_window: 2.0
"""


def blocks(language: str, text: str) -> list[str]:
    """Return the fenced blocks of a text in a language."""
    return [block for found, block in BLOCK.findall(text) if found == language]


def halves() -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return the commands of each half of the page in their order, each with the exit code that it must have."""
    first, second = PAGE.read_text(encoding="utf-8").split(f"\n{HALF}\n")
    return commands(first), commands(second)


def commands(text: str) -> list[tuple[str, int]]:
    """Return the commands of a text."""
    found = []
    for line in filter(None, "\n".join(blocks("sh", text)).splitlines()):
        expected = EXPECTED.search(line)
        found.append((EXPECTED.sub("", line), int(expected[1]) if expected else 0))
    return found


def files() -> dict[str, str]:
    """Return the files that the page tells to write: name and content."""
    found = {}
    for text in blocks("yaml", PAGE.read_text(encoding="utf-8")):
        named = FILE.match(text)
        assert named, f"a file without a name:\n{text}"
        found[named[1]] = text
    return found


class Reader:
    """Somebody with a checkout and the lab of `make up`."""

    def __init__(self, site: SiteLab, folder: Path, clock: str = CLOCK) -> None:
        """Make the checkout in a folder: links to everything but what the commands write."""
        self.site, self.folder = site, folder
        for path in ROOT.iterdir():
            if path.name not in OWN:
                (folder / path.name).symlink_to(path)
        # The site takes its artefacts from there.
        shutil.rmtree(site.folder / "dist/broken", ignore_errors=True)
        for old in ("notes-2.0.0.*", "notes-3.0.0.*", "diary.txt"):
            for path in (site.folder / "dist").glob(old):
                path.unlink()
        (folder / "dist").symlink_to(site.folder / "dist")
        (site.inventory / "group_vars/all/zz_page.yml").write_text(clock)
        for name, content in files().items():
            (folder / name).write_text(content)
        self.said: list[tuple[str, Run]] = []

    def types(self, command: str, code: int = 0) -> str:
        """Run a command of the page and return what it printed."""
        adapted = command.replace(URL, f"http://{self.site.address('lb1')}").replace(RUN, self.locked_run())
        run = self.site.command(
            "bash", "-c", adapted, cwd=self.folder, check=False, ANSIBLE_INVENTORY=str(self.site.inventory)
        )
        # A shell that has become the command itself ends by its signal.
        ended = run.code if run.code >= 0 else 128 - run.code
        assert ended == code, f"{adapted}\nended with {ended} instead of {code}:\n{run.tail}"
        self.said.append((command, run))
        return run.output

    def follows(self, command: str, code: int) -> None:
        """Run a command of the page and expect it to say what the page promises."""
        told = " ".join(self.types(command, code).split())
        wanted = [text for part, text in SAYS if part in command]
        if "status.yml" in command:
            wanted.append(STATES[self.count("status.yml") - 1])
        assert [text for text in wanted if text not in told] == [], f"{command}\n{self.said[-1][1].tail}"

    def outcomes(self) -> list[str]:
        """Return how the runs ended, and expect that none of them has lost a request."""
        paths = sorted((self.folder / "rollouts").glob("*/rollout.json"))
        runs = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        assert [run["requests"]["failed"] for run in runs] == [0] * len(runs)
        return [run["outcome"] for run in runs]

    def count(self, part: str) -> int:
        """Return how many of the commands so far have this part."""
        return sum(part in command for command, _ in self.said)

    def locked_run(self) -> str:
        """Return the run that status.yml named last as the holder of the lock; empty: none was named."""
        found = re.findall(r"unlock\.yml -e run=(\S+)", " ".join(run.output for _, run in self.said))
        return found[-1].strip("'\"") if found else ""

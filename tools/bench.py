"""Measure the site and the modules against the least they could cost, and time each scenario.

python tools/bench.py [site] [scenarios] [nginx] [rollouts]

Writes its tables into docs/benchmarks.md; a part that is not measured keeps its table there.
Times of a shared machine say little; the ratios between two halves of one run say more.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import functools
import os
import sys
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.site.lab import SiteLab  # noqa: E402
from tools import bench_nginx, bench_rollouts  # noqa: E402

PAGE = ROOT / "docs" / "benchmarks.md"
SCENARIOS = [path.parent.name for path in sorted(ROOT.glob("molecule/*/molecule.yml"))]
APT_SECONDS = 1200
T = t.TypeVar("T")
Rows = list[tuple[str, str]]


def timed(title: str, work: t.Callable[[], T]) -> tuple[float, T]:
    """Run a piece of work, say so, and return how many seconds it took."""
    print(f"{title} ...", flush=True)
    start = time.monotonic()
    result = work()
    seconds = time.monotonic() - start
    print(f"{title}: {seconds:.1f} s", flush=True)
    return seconds, result


def packages(lab: SiteLab, name: str) -> set[str]:
    """Return the packages that a host has."""
    return set(lab.on(name, "dpkg-query", "-W", "-f", "${Package}\n").split())


def install(lab: SiteLab, name: str, wanted: t.Collection[str]) -> None:
    """Install packages as a user without any tool would."""
    lab.on(name, "apt-get", "-qq", "update", seconds=APT_SECONDS)
    if wanted:
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y", "--no-install-recommends", "install"]
        lab.on(name, *apt, *sorted(wanted), seconds=APT_SECONDS)


def install_everywhere(lab: SiteLab, wanted: t.Mapping[str, t.Collection[str]]) -> None:
    """Install on all hosts at once."""
    with concurrent.futures.ThreadPoolExecutor(len(wanted)) as pool:
        for done in [pool.submit(install, lab, name, names) for name, names in wanted.items()]:
            done.result()


def measure_site(suite: str) -> t.Iterator[Rows]:
    """Converge the site, run it again, and install the same packages by hand on as many fresh hosts."""
    site = SiteLab.of("bench", ROOT / "inventories/local", suite)
    plain = SiteLab.of("bench-plain", ROOT / "inventories/local", suite)
    try:
        site.pack()
        create, _ = timed("create 9 hosts", site.create)
        plain.create()
        bare = packages(site, "lb1")
        first, _ = timed("site.yml, first run", lambda: site.play("site.yml"))
        wanted = {name: packages(site, name) - bare for name in site.names()}
        apt, _ = timed("the same packages by parallel apt-get", lambda: install_everywhere(plain, wanted))
        second, again = timed("site.yml, second run", lambda: site.play("site.yml"))
        counted = site.executions(site.play("site.yml", "-vvv"))
    finally:
        site.destroy()
        plain.destroy()
    if set(again.changed.values()) != {0}:
        sys.exit(f"the second run changed something, so its time says nothing:\n{again.tail}")
    per_host = ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))
    yield [
        ("9 hosts created", f"{create:.0f} s"),
        (
            "site.yml, first run, against the same packages by parallel apt-get",
            f"{first:.0f} s : {apt:.0f} s = **{first / apt:.1f}**",
        ),
        (
            "site.yml, second run (changed=0), against the first",
            f"{second:.0f} s : {first:.0f} s = **{second / first:.2f}**",
        ),
        (
            "module executions in the second run, most on one host (aim: 25)",
            f"**{max(counted.values())}** ({per_host})",
        ),
    ]


def measure_scenarios(suite: str) -> t.Iterator[Rows]:
    """Time each molecule scenario, one after the other, and yield what is known so far."""
    lab = SiteLab(ROOT / ".lab" / "bench-scenarios", suite)
    rows: Rows = []
    for name in SCENARIOS:
        seconds, _ = timed(f"scenario {name}", functools.partial(lab.command, "tools/scenario", name))
        rows.append((f"`{name}`", f"{seconds:.0f} s"))
        yield rows


def measure_modules(suite: str) -> t.Iterator[Rows]:
    """Time the modules for nginx on one machine, which is always a trixie."""
    if suite != "trixie":
        sys.exit(f"the modules for nginx are measured on trixie alone, not on {suite}: leave the part nginx out")
    yield bench_nginx.measure()


PARTS: dict[str, t.Callable[[str], t.Iterator[Rows]]] = {
    "site": measure_site,
    "scenarios": measure_scenarios,
    "nginx": measure_modules,
    "rollouts": bench_rollouts.measure,
}


def write(part: str, suite: str, rows: Rows) -> None:
    """Replace the table of one part of the page."""
    head, start, rest = PAGE.read_text().partition(f"<!-- {part} -->\n")
    _, end, foot = rest.partition("<!-- end -->")
    if not (start and end):
        sys.exit(f"{PAGE.relative_to(ROOT)} has no place for the table of {part}")
    day = datetime.datetime.now(datetime.timezone.utc).date()
    table = [f"Debian {suite}, {os.cpu_count()} cores, {day}.", "", "| what | figure |", "|---|---|"]
    table += [f"| {what} | {figure} |" for what, figure in rows]
    PAGE.write_text("".join([head, start, "\n".join(table), "\n", end, foot]))
    print(f"written: {part} in {PAGE.relative_to(ROOT)}", flush=True)


def main() -> None:
    """Measure and write, part by part."""
    parser = argparse.ArgumentParser(prog="tools/bench.py", description="Measure, and write docs/benchmarks.md.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{' or '.join(PARTS)}; without one: all")
    suite = os.environ.get("SUITE", "trixie")
    wanted = parser.parse_args().parts or list(PARTS)
    if set(wanted) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(set(wanted) - set(PARTS)))}")
    for part in wanted:
        for rows in PARTS[part](suite):
            write(part, suite, rows)


if __name__ == "__main__":
    main()

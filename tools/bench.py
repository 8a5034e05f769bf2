"""Measure the site against the least it could cost, side by side in one run, and write docs/benchmarks.md.

Times of a shared machine say little; the ratios between two halves of one run say more.
"""

from __future__ import annotations

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

PAGE = ROOT / "docs" / "benchmarks.md"
SCENARIOS = [path.parent.name for path in sorted(ROOT.glob("molecule/*/molecule.yml"))]
T = t.TypeVar("T")


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
    lab.on(name, "apt-get", "-qq", "update")
    if wanted:
        options = ["-qq", "-y", "--no-install-recommends"]
        lab.on(name, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options, "install", *sorted(wanted))


def install_everywhere(lab: SiteLab, wanted: t.Mapping[str, t.Collection[str]]) -> None:
    """Install on all hosts at once."""
    with concurrent.futures.ThreadPoolExecutor(len(wanted)) as pool:
        for done in [pool.submit(install, lab, name, names) for name, names in wanted.items()]:
            done.result()


def measure_site(suite: str) -> list[tuple[str, str]]:
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
    return [
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


def measure_scenarios(suite: str) -> list[tuple[str, str]]:
    """Time each molecule scenario, one after the other."""
    lab = SiteLab(ROOT / ".lab" / "bench-scenarios", suite)
    rows = []
    for name in SCENARIOS:
        seconds, _ = timed(f"scenario {name}", functools.partial(lab.command, "tools/scenario", name))
        rows.append((f"molecule scenario `{name}`", f"{seconds:.0f} s"))
    return rows


def write(suite: str, rows: t.Sequence[tuple[str, str]]) -> None:
    """Replace the measured table of the page."""
    head, _, rest = PAGE.read_text().partition("<!-- measured -->")
    _, _, foot = rest.partition("<!-- end -->")
    day = datetime.datetime.now(datetime.timezone.utc).date()
    table = [f"Debian {suite}, {os.cpu_count()} cores, {day}.", "", "| what | figure |", "|---|---|"]
    table += [f"| {what} | {figure} |" for what, figure in rows]
    PAGE.write_text(head + "<!-- measured -->\n" + "\n".join(table) + "\n<!-- end -->" + foot)


def main() -> None:
    """Measure and write."""
    suite = os.environ.get("SUITE", "trixie")
    write(suite, [*measure_site(suite), *measure_scenarios(suite)])
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

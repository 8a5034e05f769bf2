"""Run every query of the dashboards against a live Prometheus and demand an answer.

Usage: dashboard_queries.py PROMETHEUS_URL [--wait SECONDS] [DASHBOARD.json ...]

A query without a result is asked again until the time is over. Exit code 1 and a list: queries that gave no data or
an error; 0: all gave data.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

DASHBOARDS = Path(__file__).parent.parent.parent / "roles/grafana/files/dashboards"
SUBSTITUTES = {"$__rate_interval": "1m", "$__interval": "1m", "$__range": "5m"}
VARIABLE = re.compile(r"\$(?:\{\w+\}|\w+)")


@dataclasses.dataclass(frozen=True)
class Query:
    """One query, and where it stands."""

    where: str
    text: str


def substituted(expression: str) -> str:
    """Return the expression as Grafana would send it with every variable at "All"."""
    for name, value in SUBSTITUTES.items():
        expression = expression.replace(name, value)
    return VARIABLE.sub(".*", expression)


def queries(path: Path) -> Iterator[Query]:
    """Return the queries of one dashboard."""
    board = json.loads(path.read_text(encoding="utf-8"))
    rows = board.get("panels", [])
    for panel in [*rows, *(inner for row in rows for inner in row.get("panels", []))]:
        for target in panel.get("targets", []):
            yield Query(f"{path.name}: {panel['title']}: {target['refId']}", substituted(target["expr"]))


def complaint(url: str, query: Query) -> str:
    """Ask once; return what is wrong, or nothing."""
    address = f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': query.text})}"
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            answer: dict[str, t.Any] = json.load(response)
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}: {error.read().decode(errors='replace')}"
    except OSError as error:
        return f"no answer: {error}"
    return "" if answer["data"]["result"] else "no data"


def check(url: str, wanted: Sequence[Query], seconds: float) -> dict[Query, str]:
    """Ask until everything gave data or the time is over; return what is still wrong."""
    deadline = time.monotonic() + seconds
    wrong = {query: "" for query in wanted}
    while True:
        wrong = {query: told for query in wrong if (told := complaint(url, query))}
        if not wrong or time.monotonic() >= deadline:
            return wrong
        time.sleep(2)


def main(arguments: Sequence[str]) -> int:
    """Check the dashboards that are named, or all that the collection ships."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("url", help="address of Prometheus with its prefix, such as http://192.0.2.61:9090/prometheus")
    parser.add_argument("dashboards", nargs="*", type=Path)
    parser.add_argument("--wait", type=float, default=0, help="seconds that data may take to appear")
    options = parser.parse_args(arguments)
    paths = options.dashboards or sorted(DASHBOARDS.glob("*.json"))
    wanted = [query for path in paths for query in queries(path)]
    wrong = check(options.url, wanted, options.wait)
    for query, told in wrong.items():
        print(f"{query.where}\n  {query.text}\n  {told}")
    print(f"{len(wanted) - len(wrong)} of {len(wanted)} queries of {len(paths)} dashboard(s) gave data")
    return 1 if wrong or not wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

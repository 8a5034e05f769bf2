# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.
"""A summary or a state as columns of text."""

from __future__ import annotations

import textwrap
import typing as t
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import words
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.history import KINDS

WIDTH = 110
# The columns of seconds that are always there.
USUAL = ("drain", "wait", "restart", "check", "ready")
GAP = "  "
# The widest column of names and texts, and what is left of one where a line would not fit.
WIDEST, NARROWEST = 28, 8
# The most rows of one table of figures.
ROWS = 60


def columns(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """Return lines of columns, none wider than WIDTH.

    :param left: how many of the first columns are texts; the others are figures and stand right
    """
    texts = [[words.cut(str(cell), WIDEST) for cell in row] for row in (head, *rows)]
    widths = _fitting([max(len(row[place]) for row in texts) for place in range(len(head))], left)
    return [
        words.cut(
            GAP.join(
                words.cut(cell, width).ljust(width) if place < left else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip(),
            WIDTH,
        )
        for row in texts
    ]


def _fitting(widths: Sequence[int], left: int) -> list[int]:
    """Return widths with which a line fits: figures keep theirs, the widest text gives way to them first."""
    found = list(widths)
    while sum(found) + len(GAP) * (len(found) - 1) > WIDTH and max(found[:left]) > NARROWEST:
        found[found.index(max(found[:left]))] -= 1
    return found


def wrapped(text: str, indent: str = "") -> list[str]:
    """Return a text in lines that are not wider than WIDTH; what belongs to a command is never broken apart."""
    found: list[str] = []
    for line in str(text).splitlines():
        found += textwrap.wrap(
            line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return found


def steps(texts: Iterable[str]) -> list[str]:
    """Return what to do next; a command that does not fit stands in a line of its own, which can be copied whole."""
    found: list[str] = []
    for text in texts:
        said, colon, command = text.rpartition(": ansible-playbook ")
        if len(text) <= WIDTH or not colon:
            found += wrapped(text, GAP)
        else:
            found += [*wrapped(f"{said}:", GAP), f"{GAP}ansible-playbook {command}"]
    return found


def lines(summary: Mapping[str, t.Any]) -> list[str]:
    """Return a summary as lines; the last ones are the message and what to do next.

    :raises ConfigError: it is not the summary of a rollout
    """
    must_be_summary(summary)
    found = [*wrapped(_title(summary)), ""]
    if summary["hosts"]:
        found += [*columns(*_hosts(summary), left=5), ""]
        found += _texts(summary)
    found += _left_alone(summary)
    if summary["requests"]["seen"]:
        found += [*columns(*_versions(summary), left=2), ""]
    if summary["notes"]:
        found += [line for note in summary["notes"] for line in wrapped(f"- {note}", GAP)]
        found.append("")
    return [*found, *wrapped(summary["message"], GAP), *steps(summary["next"])]


def must_be_summary(summary: t.Any) -> None:
    """Refuse what rollout_summary has not made.

    :raises ConfigError: it is not the summary of a rollout
    """
    needed = ("hosts", "requests", "series", "reloads", "notes", "message", "next", "started", "finished", "outcome")
    missing = [key for key in needed if not isinstance(summary, Mapping) or key not in summary]
    if missing:
        given = sorted(summary) if isinstance(summary, Mapping) else summary
        allowed = f"must be what the filter rollout_summary returns; {', '.join(missing)} is missing"
        raise ConfigError([Finding("summary", given, allowed)])


def _title(summary: Mapping[str, t.Any]) -> str:
    by = f" by {summary['who']}" if summary["who"] else ""
    day = words.clock(summary["started"], "%Y-%m-%d %H:%M:%S")
    times = f"{day} to {words.clock(summary['finished'])} UTC ({words.duration(summary['seconds'])})"
    run = f", run {summary['run']}" if summary["run"] else ""
    return f"{summary['name']}: {words.subject(summary)}{run}{by}, {times}"


def _hosts(summary: Mapping[str, t.Any]) -> tuple[list[str], list[list[str]]]:
    hosts = summary["hosts"]
    # Most rollouts have no host that goes back or stays out.
    kinds = [kind for kind in KINDS if kind in USUAL or any(host["seconds"][kind] for host in hosts.values())]
    head = ["host", "batch", "from", "now", "outcome", "held at", *kinds, "held"]
    return head, [_host(name, host, summary["started"], [*kinds, "held"]) for name, host in hosts.items()]


def _host(name: str, host: Mapping[str, t.Any], started: float, kinds: Iterable[str]) -> list[str]:
    held = host["times"]["held"]
    return [
        name,
        str(host["batch"] or "-"),
        host["from"] or "-",
        host["now"] or "?",
        host["outcome"].replace("_", " "),
        words.stopwatch(held - started) if held else "-",
        *(f"{host['seconds'][kind]:.1f}" if host["seconds"][kind] else "-" for kind in kinds),
    ]


def _texts(summary: Mapping[str, t.Any]) -> list[str]:
    """Return why hosts did not end well."""
    told = [
        line
        for name, host in summary["hosts"].items()
        if host["text"]
        for line in wrapped(f"{name}: {words.first_line(host['text'])}", GAP)
    ]
    return [*told, ""] if told else []


def _left_alone(summary: Mapping[str, t.Any]) -> list[str]:
    told = [line for name, why in summary["skipped"].items() for line in wrapped(f"{name} was skipped: {why}", GAP)]
    if summary["unchanged"] and summary["hosts"]:
        told += wrapped(f"nothing to do on {words.listing(summary['unchanged'], 20)}", GAP)
    return [*told, ""] if told else []


def _versions(summary: Mapping[str, t.Any]) -> tuple[list[str], list[list[str]]]:
    """Return the requests by version, and the ones by server under it."""
    head = ["requests", "", "seen", "failed", "retried", "failed attempts"]
    seen = summary["requests"]
    rows = [["all", "", *_figures(seen, "seen"), ""]]
    rows += [["by version", row["version"] or "(none)", *_figures(row), ""] for row in seen["by_version"]]
    servers = [
        ["by server", _server(row), *_figures(row), words.number(row["failed_attempts"])] for row in seen["by_address"]
    ]
    rows += servers[:ROWS]
    if len(servers) > ROWS:
        rows.append(["by server", f"and {len(servers) - ROWS} more, in rollout.json", "", "", "", ""])
    if len(seen["by_load_balancer"]) > 1:
        rows += [["by load balancer", row["lb"], *_figures(row), ""] for row in seen["by_load_balancer"]]
    return head, rows


def _server(row: Mapping[str, t.Any]) -> str:
    return str(row["host"] or row["address"] or "(no server asked)")


def _figures(row: Mapping[str, t.Any], total: str = "requests") -> list[str]:
    return [words.number(row[key]) for key in (total, "failed", "retried")]

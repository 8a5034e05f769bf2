"""Write the Grafana dashboard of the site: python tools/dashboard.py [--check].

The panels are listed below as data; what is the same for all of them is added here. With --check nothing is
written, and the exit code is 1 when the file is not what this program would write.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import typing as t
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).parent.parent / "roles/grafana/files/dashboards/evenkeel.json"
SCHEMA_VERSION = 39
COLUMNS, HEIGHT = 24, 8
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

VHOST = 'vhost=~"$vhost"'
UPSTREAM = 'upstream=~"$upstream"'


@dataclasses.dataclass(frozen=True)
class Panel:
    """One graph: a title, what it shows, and its queries by legend."""

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"
    width: int = 8


def rate(metric: str, labels: str, selector: str = "") -> str:
    """Return the rate of a counter, summed to these labels."""
    return f"sum by ({labels}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def quantile(share: float, metric: str, labels: str, selector: str) -> str:
    """Return a quantile of a histogram, by these labels."""
    return f"histogram_quantile({share}, {rate(metric + '_bucket', labels + ', le', selector)})"


def ratio(part: str, whole: str) -> str:
    """Return part/whole, and 0 where there is no part or nothing at all."""
    return f"({part} or {whole} * 0) / clamp_min({whole}, 1e-6)"


def named(query: str) -> str:
    """Give the peers of a query the inventory's name of the server, where it is known."""
    return f"({query}) * on (peer) group_left (server) server:info or ({query}) unless on (peer) server:info"


REQUESTS = rate("nginx_vhost_requests_total", "vhost", VHOST)
VHOST_ERRORS = rate("nginx_vhost_requests_total", "vhost", VHOST + ', code=~"5.."')
ATTEMPTS = rate("nginx_upstream_attempts_total", "upstream, peer", UPSTREAM)
PEER_ERRORS = rate("nginx_upstream_attempts_total", "upstream, peer", UPSTREAM + ', code=~"5.."')
BY_UPSTREAM = rate("nginx_upstream_attempts_total", "upstream", UPSTREAM)
RETRIED = rate("nginx_upstream_retried_requests_total", "upstream", UPSTREAM)
NO_LIVE = rate("nginx_upstream_no_live_total", "upstream", UPSTREAM)
VHOST_SECONDS = "nginx_vhost_request_duration_seconds"
PEER_SECONDS = "nginx_upstream_response_duration_seconds"
PEER_P95 = quantile(0.95, PEER_SECONDS, "upstream, peer", UPSTREAM)
SERVER = "{{upstream}} {{server}} {{peer}}"
DISK = 'fstype!~"tmpfs|ramfs|squashfs|iso9660"'
HITS, MISSES = rate("redis_keyspace_hits_total", "instance"), rate("redis_keyspace_misses_total", "instance")

ROWS: dict[str, tuple[Panel, ...]] = {
    "Requests": (
        Panel("Requests", "Requests a second that clients sent, by virtual host.", "reqps", (("{{vhost}}", REQUESTS),)),
        Panel(
            "Errors",
            "Share of requests answered with 5xx.",
            "percentunit",
            (("{{vhost}}", ratio(VHOST_ERRORS, REQUESTS)),),
        ),
        Panel(
            "Duration",
            "Time from the first byte of a request to the last byte of its answer.",
            "s",
            tuple(
                (f"p{round(q * 100)} {{{{vhost}}}}", quantile(q, VHOST_SECONDS, "vhost", VHOST))
                for q in (0.5, 0.95, 0.99)
            ),
        ),
        Panel(
            "Status codes",
            "Requests a second by status; 499 means that the client went away.",
            "reqps",
            (("{{code}}", rate("nginx_vhost_requests_total", "code", VHOST)),),
            width=12,
        ),
        Panel(
            "Methods",
            "Requests a second by method.",
            "reqps",
            (("{{method}}", rate("nginx_vhost_requests_total", "method", VHOST)),),
            width=12,
        ),
    ),
    "Servers": (
        Panel(
            "Attempts",
            "Requests a second that nginx passed to each server, retries included.",
            "reqps",
            ((SERVER, named(ATTEMPTS)),),
        ),
        Panel(
            "Failed attempts",
            "Share of attempts answered with 5xx, by server.",
            "percentunit",
            ((SERVER, named(ratio(PEER_ERRORS, ATTEMPTS))),),
        ),
        Panel(
            "Response time p95",
            "95 % of a server's answers were complete in this time.",
            "s",
            ((SERVER, named(PEER_P95)),),
        ),
        Panel(
            "Retried requests",
            "Requests a second that needed more than one server.",
            "reqps",
            (("{{upstream}}", f"{RETRIED} or {BY_UPSTREAM} * 0"),),
        ),
        Panel(
            "No live server",
            "Requests a second for which no server was left.",
            "reqps",
            (("{{upstream}}", f"{NO_LIVE} or {BY_UPSTREAM} * 0"),),
        ),
        Panel(
            "Releases",
            "Requests a second by the release that answered.",
            "reqps",
            (
                (
                    "{{upstream}} {{version}}",
                    rate("nginx_upstream_version_requests_total", "upstream, version", UPSTREAM),
                ),
            ),
        ),
    ),
    "Health": (
        Panel(
            "Targets",
            "1: Prometheus reaches the target.",
            "bool_on_off",
            (("{{job}} {{instance}}", "up"),),
            "state-timeline",
            12,
        ),
        Panel(
            "Probes",
            "1: the probe of the server succeeds.",
            "bool_on_off",
            (("{{job}} {{instance}}", "probe_success"),),
            "state-timeline",
            12,
        ),
    ),
    "nginx": (
        Panel(
            "Connections",
            "Client connections by what they do.",
            "short",
            tuple(
                (f"{state} {{{{instance}}}}", f"nginx_connections_{state}")
                for state in ("active", "reading", "writing", "waiting")
            ),
            width=12,
        ),
        Panel(
            "New connections",
            "Connections a second, accepted and handled; a difference means that a limit was reached.",
            "cps",
            tuple(
                (f"{state} {{{{instance}}}}", rate(f"nginx_connections_{state}", "instance"))
                for state in ("accepted", "handled")
            ),
            width=12,
        ),
    ),
    "MySQL": (
        Panel(
            "Queries",
            "Statements a second.",
            "ops",
            (("{{instance}}", rate("mysql_global_status_queries", "instance")),),
        ),
        Panel(
            "Connections in use",
            "Share of max_connections that is in use.",
            "percentunit",
            (("{{instance}}", "mysql_global_status_threads_connected / mysql_global_variables_max_connections"),),
        ),
        Panel(
            "Slow queries",
            "Statements a second above long_query_time.",
            "ops",
            (("{{instance}}", rate("mysql_global_status_slow_queries", "instance")),),
        ),
    ),
    "Redis": (
        Panel(
            "Commands",
            "Commands a second.",
            "ops",
            (("{{instance}}", rate("redis_commands_processed_total", "instance")),),
        ),
        Panel(
            "Memory",
            "Memory that data takes, and its limit where one is set.",
            "bytes",
            (("used {{instance}}", "redis_memory_used_bytes"), ("limit {{instance}}", "redis_memory_max_bytes")),
        ),
        Panel(
            "Hits",
            "Share of reads that found their key.",
            "percentunit",
            (("{{instance}}", f"{HITS} / clamp_min({HITS} + {MISSES}, 0.001)"),),
        ),
    ),
    "Hosts": (
        Panel(
            "CPU",
            "Share of time that the processors were busy.",
            "percentunit",
            (
                (
                    "{{instance}}",
                    '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
                ),
            ),
        ),
        Panel(
            "Memory in use",
            "Share of memory that is not available to programs.",
            "percentunit",
            (("{{instance}}", "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"),),
        ),
        Panel(
            "Disk in use",
            "Share of each file system that is full.",
            "percentunit",
            (
                (
                    "{{instance}} {{mountpoint}}",
                    f"1 - node_filesystem_avail_bytes{{{DISK}}} / node_filesystem_size_bytes{{{DISK}}}",
                ),
            ),
        ),
        Panel(
            "Network in",
            "Bytes a second received.",
            "Bps",
            (("{{instance}}", rate("node_network_receive_bytes_total", "instance", 'device!="lo"')),),
            width=12,
        ),
        Panel(
            "Network out",
            "Bytes a second sent.",
            "Bps",
            (("{{instance}}", rate("node_network_transmit_bytes_total", "instance", 'device!="lo"')),),
            width=12,
        ),
    ),
}


def variable(name: str, label: str, query: str) -> dict[str, t.Any]:
    """Return a variable whose values Grafana asks Prometheus for."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": "variable"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def graph(panel: Panel, number: int, x: int, y: int) -> dict[str, t.Any]:
    """Return one graph as Grafana wants it."""
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": {"h": HEIGHT, "w": panel.width, "x": x, "y": y},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": query, "legendFormat": legend}
            for index, (legend, query) in enumerate(panel.queries)
        ],
    }


def panels() -> Iterator[dict[str, t.Any]]:
    """Return rows and graphs, placed from left to right and from top to bottom."""
    number = y = 0
    for title, row in ROWS.items():
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
        }
        x, y = 0, y + 1
        for panel in row:
            if x + panel.width > COLUMNS:
                x, y = 0, y + HEIGHT
            number += 1
            yield graph(panel, number, x, y)
            x += panel.width
        y += HEIGHT


def marks() -> Iterator[dict[str, t.Any]]:
    """Return what is drawn over every graph: a region while a rollout runs, and a line where one ended."""
    running = "max by (group, verb, version) (evenkeel_rollout_started_timestamp_seconds)"
    ended = "max by (group, verb, version, outcome) (evenkeel_rollout_last_finished_timestamp_seconds) * 1000"
    for name, query, text, more in (
        ("Rollouts", running, "{{group}}", {"step": "15s"}),
        # The value is the time in milliseconds: where the line stands, whenever it was scraped.
        ("Ends of rollouts", ended, "{{group}}: {{outcome}}", {"useValueForTime": True}),
    ):
        yield {
            "name": name,
            "datasource": DATASOURCE,
            "enable": True,
            "iconColor": "blue",
            "expr": query,
            "titleFormat": "{{verb}} {{version}}",
            "textFormat": text,
            **more,
        }


def dashboard() -> dict[str, t.Any]:
    """Return the whole dashboard."""
    return {
        "uid": "evenkeel-site",
        "title": "Site",
        "description": "Requests, servers and what stands behind them.",
        "tags": ["evenkeel"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": list(marks())},
        "links": [],
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Data source",
                    "type": "datasource",
                    "query": "prometheus",
                    "current": {},
                },
                variable("vhost", "Virtual host", "label_values(nginx_vhost_requests_total, vhost)"),
                variable("upstream", "Upstream", "label_values(nginx_upstream_attempts_total, upstream)"),
            ]
        },
        "panels": list(panels()),
    }


def main(arguments: list[str]) -> int:
    """Write the dashboard, or compare it."""
    text = json.dumps(dashboard(), indent=2) + "\n"
    if arguments == ["--check"]:
        return 0 if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

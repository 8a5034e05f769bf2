"""Send requests of every kind through nginx, and compare what mtail counted: traffic.py METRICS_URL."""

# ruff: noqa: S310 - the scenario gives the address

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

BEFORE_ROTATION = 40 + 10 + 3 + 3 + 50
LOG = Path("/var/log/nginx/access.log")
SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? ([-+.\w]+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Metrics = dict[tuple[str, frozenset[tuple[str, str]]], float]


def metrics(url: str) -> Metrics:
    """Read all metrics."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    return {(name, frozenset(LABEL.findall(labels))): float(value) for name, labels, value in SERIES.findall(text)}


class Difference:
    """What was added to the metrics since the start."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.before = metrics(url)
        self.after: Metrics = {}

    def wait(self, lines: int) -> None:
        """Wait until that many lines were read."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            self.after = metrics(self.url)
            if self.of("nginx_access_log_lines_total") >= lines:
                return
            time.sleep(0.5)

    def of(self, name: str, **labels: str) -> float:
        """Return the sum over all series that have these labels."""
        wanted = set(labels.items())
        series = [key for key in self.after if key[0] == name and wanted <= key[1]]
        return sum(self.after[key] - self.before.get(key, 0) for key in series)


def send(vhost: str, line: str = "GET / HTTP/1.1", patience: float = 20) -> str:
    """Send a request; return the status line, or nothing when patience ended first."""
    with socket.create_connection(("127.0.0.1", 8080), timeout=patience) as client:
        client.sendall(f"{line}\r\nHost: {vhost}\r\nConnection: close\r\n\r\n".encode())
        try:
            return client.recv(4096).decode(errors="replace").split("\r\n")[0]
        except TimeoutError:
            return ""


def traffic(seen: Difference) -> int:
    """Send everything; return how many requests nginx saw."""
    for _ in range(40):
        send("shop.test")
    for _ in range(5):
        send("gone.test")
        send("fallback.test")
    for _ in range(3):
        send("slow.test", patience=0.3)
    send("shop.test", 'GET /static?a"b\\c","status":200,"x" HTTP/1.1')
    send("shop.test", "FOOBAR /static HTTP/1.1")
    send("shop.test", "GARBAGE")
    for _ in range(50):
        send("shop.test", "GET /static HTTP/1.1")
    # What nginx still holds back would go to the old file, which mtail may have left by then.
    seen.wait(BEFORE_ROTATION)
    subprocess.run(["logrotate", "--force", "/etc/logrotate.d/nginx"], check=True)
    for _ in range(50):
        send("shop.test", "GET /static HTTP/1.1")
    return BEFORE_ROTATION + 50


def problems(seen: Difference, sent: int) -> list[str]:
    """Return what was counted wrongly."""
    retried = seen.of("nginx_upstream_attempts_total", upstream="app", peer="127.0.0.1:8003", code="502")
    counted = {
        "lines": (seen.of("nginx_access_log_lines_total"), sent),
        "unparsed": (seen.of("nginx_access_log_unparsed_total"), 0),
        "requests": (seen.of("nginx_vhost_requests_total"), sent),
        "answered": (seen.of("nginx_vhost_requests_total", vhost="shop.test", method="GET", code="200"), 40),
        "static, rotation included": (seen.of("nginx_vhost_requests_total", method="GET", code="204"), 101),
        "other methods": (seen.of("nginx_vhost_requests_total", method="other"), 2),
        "bad requests": (seen.of("nginx_vhost_requests_total", code="400"), 1),
        "failed": (seen.of("nginx_vhost_requests_total", vhost="gone.test", code="502"), 5),
        "gone clients": (seen.of("nginx_vhost_requests_total", vhost="slow.test", code="499"), 3),
        "attempts without an answer": (seen.of("nginx_upstream_attempts_total", upstream="slow", code="-"), 3),
        "good attempts": (seen.of("nginx_upstream_attempts_total", upstream="app", peer="127.0.0.1:8001"), 40),
        "good attempts with a time": (
            seen.of("nginx_upstream_response_duration_seconds_count", upstream="app", peer="127.0.0.1:8001"),
            40,
        ),
        "retried requests": (seen.of("nginx_upstream_retried_requests_total", upstream="app"), retried),
        "requests by release": (
            seen.of("nginx_upstream_version_requests_total", upstream="app", version="1.2.3", code="200"),
            40,
        ),
        "redirected requests": (seen.of("nginx_upstream_redirected_requests_total", vhost="fallback.test"), 5),
        "attempts of the last upstream": (seen.of("nginx_upstream_attempts_total", upstream="spare"), 5),
        "attempts of a wrong upstream": (
            seen.of("nginx_upstream_attempts_total", upstream="spare", peer="127.0.0.1:8003"),
            0,
        ),
        "attempts of an upstream as a server": (seen.of("nginx_upstream_attempts_total", peer="gone"), 0),
    }
    for histogram in ("nginx_vhost_request_duration_seconds", "nginx_upstream_response_duration_seconds"):
        total = seen.of(f"{histogram}_count")
        counted[f"{histogram} in buckets"] = (seen.of(f"{histogram}_bucket", le="+Inf"), total)
    told = [f"{what}: {value:g}, wanted {wanted:g}" for what, (value, wanted) in counted.items() if value != wanted]
    if retried < 5:
        told.append(f"retries: {retried:g}, wanted at least 5")
    if seen.of("nginx_upstream_no_live_total", vhost="gone.test", upstream="gone") < 3:
        told.append("requests without a live server are not counted")
    if any("FOOBAR" in value for _, labels in seen.after for _, value in labels):
        told.append("a client made a series")
    return told


def main(url: str) -> int:
    """Send, wait, compare; then see that a line that is none is noticed."""
    seen = Difference(url)
    sent = traffic(seen)
    seen.wait(sent)
    told = problems(seen, sent)
    with LOG.open("a", encoding="utf-8") as log:
        log.write("not a line of the log\n")
    seen.wait(sent + 1)
    if seen.of("nginx_access_log_unparsed_total") != 1:
        told.append("a line that is none is not noticed")
    print("\n".join(told) or f"{sent} requests were counted rightly")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

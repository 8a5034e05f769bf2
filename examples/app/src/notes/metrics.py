"""Prometheus metrics; with several workers they are added up through PROMETHEUS_MULTIPROC_DIR."""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "POST"}

REQUESTS = Counter("notes_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "notes_http_request_duration_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
CACHE = Counter("notes_cache_total", "Lists asked from the cache", ["result"])
WEBSOCKETS = Gauge("notes_websockets", "Open WebSockets", multiprocess_mode="livesum")
BUILD = Gauge("notes_build_info", "Always 1; the label is the version", ["version"], multiprocess_mode="livemax")


def multiprocess_directory() -> str | None:
    """Return where the workers share their numbers, if they do."""
    return os.environ.get("PROMETHEUS_MULTIPROC_DIR")


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request; a method that a client made up must not become a time series."""
    REQUESTS.labels(method if method in METHODS else "other", route, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


def render() -> bytes:
    """Return the metrics of all workers in Prometheus' text format."""
    registry = REGISTRY
    if multiprocess_directory():
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    text: bytes = generate_latest(registry)
    return text

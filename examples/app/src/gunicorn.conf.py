"""Gunicorn hooks. The number of workers, threads and the timeouts belong to whoever starts gunicorn."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from prometheus_client import multiprocess

from notes import metrics, shutdown

# systemd manages the process; the socket would want a home directory, and the service user has none.
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Tell the WebSockets about SIGTERM: an open one would hold the worker until graceful_timeout."""
    stop = signal.getsignal(signal.SIGTERM)

    def begin_shutdown(number: int, frame: FrameType | None) -> None:
        shutdown.begin()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, begin_shutdown)


def child_exit(server: Any, worker: Any) -> None:
    """Drop the gauges of a worker that is gone, or /metrics would add them up for ever."""
    if metrics.multiprocess_directory():
        multiprocess.mark_process_dead(worker.pid)

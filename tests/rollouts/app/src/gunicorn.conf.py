"""Gunicorn hooks."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from stub import faults

# systemd manages the process; the socket would want a home directory, and the service user has none.
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Do what is wrong with the stop of the main process."""
    faults.ignore_sigterm()


def post_worker_init(worker: Any) -> None:
    """Tell the WebSockets about SIGTERM: an open one would hold the worker until graceful_timeout."""
    from stub import wsgi

    stop = signal.getsignal(signal.SIGTERM)

    def begin_shutdown(number: int, frame: FrameType | None) -> None:
        wsgi.stopping.append(True)
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, begin_shutdown)

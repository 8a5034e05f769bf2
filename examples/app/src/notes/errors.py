"""Errors that become JSON answers, and the breaker that keeps a dead dependency from blocking every thread."""

from __future__ import annotations

import threading
import time


class Invalid(Exception):
    """What the client sent cannot be accepted."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(Exception):
    """There is no such thing."""


class Unavailable(Exception):
    """A dependency does not answer."""

    def __init__(self, dependency: str, reason: str) -> None:
        super().__init__(f"{dependency} does not answer: {reason}")
        self.dependency = dependency
        self.reason = reason


class Breaker:
    """After a failure: fail at once for `cooldown` seconds, then let one caller try while the others still fail.

    Without it a silent database holds every thread for its whole timeout, and /health has no thread left.
    """

    def __init__(self, dependency: str, cooldown: float = 1.0, attempt: float = 5.0) -> None:
        self._dependency = dependency
        self._cooldown = cooldown
        self._attempt = attempt
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._closed_until = 0.0

    def check(self) -> None:
        """Raise Unavailable if it is too early to try again."""
        with self._lock:
            if self._reason is None:
                return
            now = time.monotonic()
            if now < self._closed_until:
                raise Unavailable(self._dependency, self._reason)
            self._closed_until = now + self._attempt

    def success(self) -> None:
        """Note an answer."""
        with self._lock:
            self._reason = None

    def failure(self, error: Exception) -> Unavailable:
        """Note a failure and return the exception to raise."""
        reason = f"{type(error).__name__}: {error}"[:300]
        with self._lock:
            self._reason = reason
            self._closed_until = time.monotonic() + self._cooldown
        return Unavailable(self._dependency, reason)

"""Whether this worker is stopping. A plain flag: a signal handler must not take a lock."""

from __future__ import annotations

_stopping = False


def begin() -> None:
    """Note that the worker stops."""
    global _stopping
    _stopping = True


def stopping() -> bool:
    """Tell whether the worker stops."""
    return _stopping

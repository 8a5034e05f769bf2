"""The smallest application that shows what its unit gave it."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

RELEASE = Path(__file__).resolve().parent.parent.name


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer /health, /environment and /release; anything else is absent."""
    answers: dict[str, Any] = {"/health": "ok", "/environment": dict(os.environ), "/release": RELEASE}
    answer = answers.get(environ["PATH_INFO"])
    start_response("200 OK" if answer else "404 Not Found", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]

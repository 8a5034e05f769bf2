"""The smallest application that shows what its unit gave it."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

RELEASE = Path(__file__).resolve().parent.parent.name
# A process whose environment is found through the link `current` would change it when the link is switched.
ENVIRONMENT = Path(sys.prefix).resolve().parent.name


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer /health, /environment, /release and, slowly, /slow; anything else is absent."""
    release = RELEASE if RELEASE == ENVIRONMENT else f"{RELEASE} in the environment of {ENVIRONMENT}"
    answers: dict[str, Any] = {"/health": "ok", "/environment": dict(os.environ), "/release": release, "/slow": release}
    answer = answers.get(environ["PATH_INFO"])
    time.sleep(5 if environ["PATH_INFO"] == "/slow" else 0)
    start_response("200 OK" if answer else "404 Not Found", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]

"""The answers, whatever the interface: what to say, and how long to wait before and between."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from stub import database
from stub.faults import faults
from stub.settings import HEADERS, INSTANCE, VERSION

CHUNK_SECONDS = 0.1
CHUNK = b"x" * 200 + b"\n"
LAST_CHUNK = b"end\n"
REASONS = {200: "OK", 301: "Moved Permanently", 404: "Not Found", 500: "Internal Server Error"}


@dataclass(frozen=True)
class Answer:
    """An answer; with `chunks` the body is that many chunks and a last one."""

    status: int = 200
    body: bytes = b""
    delay: float = 0.0
    chunks: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def all_headers(self) -> list[tuple[str, str]]:
        """Return the headers as a list, for both interfaces."""
        known = {} if self.chunks else {"Content-Length": str(len(self.body))}
        return [*{"Content-Type": "application/json", **known, **self.headers, **HEADERS}.items()]


def say(status: int = 200, /, **content: Any) -> Answer:
    """Return an answer in JSON."""
    return Answer(status, json.dumps(content | {"instance": INSTANCE, "version": VERSION}).encode())


def answer(path: str, query: str, body: bytes) -> Answer:
    """Answer a request whose body has arrived completely."""
    if path.startswith("/api/"):
        if "errors" in faults():
            return say(500, error="fault errors")
        return api(path, query, body)
    if path == "/health/" or path == "/ready":
        return say(status="ok")
    if path == "/health":
        return health()
    if path == "/metrics":
        text = f'# TYPE stub_build_info gauge\nstub_build_info{{version="{VERSION}"}} 1\n'
        return Answer(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})
    return say(404, error="no such path")


def health() -> Answer:
    """Answer /health."""
    found = faults()
    if "unhealthy" in found:
        return say(500, error="fault unhealthy")
    if "redirect" in found:
        return Answer(301, headers={"Location": "/health/"})
    return say(status="ok")


def api(path: str, query: str, body: bytes) -> Answer:
    """Answer what users ask."""
    seconds = float(parse_qs(query).get("seconds", ["1"])[0])
    if path == "/api/get":
        return say(status="ok")
    if path == "/api/slow":
        return Answer(body=say(seconds=seconds).body, delay=seconds)
    if path == "/api/stream":
        return Answer(chunks=max(1, round(seconds / CHUNK_SECONDS)), headers={"Content-Type": "text/plain"})
    if path == "/api/post":
        identity = str(json.loads(body)["id"])
        database.add_post(identity)
        return say(id=identity)
    if path == "/api/posts":
        return say(posts=database.posts())
    if path == "/api/upload":
        return say(bytes=len(body))
    return say(404, error="no such path")

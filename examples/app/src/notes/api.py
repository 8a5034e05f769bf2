"""The HTTP surface: /api/..., and what operators ask: /health, /ready, /metrics."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request, session, url_for
from werkzeug.exceptions import UnsupportedMediaType

from notes import metrics
from notes.cache import Store
from notes.config import Settings
from notes.db import Database
from notes.errors import Invalid, Unavailable
from notes.migrate import applied_version, newest
from notes.store import Notes

TEXT_LENGTH = 500
PAGE = 50
PAGE_MAX = 100
NUMBER_MAX = 2**63 - 1

blueprint = Blueprint("api", __name__)


@dataclass(frozen=True)
class Services:
    """What the handlers work with."""

    settings: Settings
    database: Database
    cache: Store
    notes: Notes


def services() -> Services:
    """Return the services of the running application."""
    found: Services = current_app.extensions["services"]
    return found


@blueprint.get("/health")
@blueprint.get("/api/health")
def health() -> Response:
    """Say that this process answers; nothing else is asked, or a slow database would get every instance restarted."""
    return jsonify(status="ok", **_who())


@blueprint.get("/ready")
def ready() -> tuple[Response, int]:
    """Say whether database and Redis answer, and which does not."""
    work = services()
    with ThreadPoolExecutor(2) as pool:
        futures = {
            "database": pool.submit(_check, lambda: _check_schema(work.database)),
            "redis": pool.submit(_check, work.cache.check),
        }
        checks = {name: future.result() for name, future in futures.items()}
    good = all(answer == "ok" for answer in checks.values())
    return jsonify(status="ok" if good else "unavailable", checks=checks, **_who()), 200 if good else 503


@blueprint.get("/metrics")
def show_metrics() -> Response:
    """Show the metrics of all workers."""
    return Response(metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")


@blueprint.get("/api/whoami")
def whoami() -> Response:
    """Say who answered, and what arrived of the request behind the proxies."""
    if current_app.secret_key and "id" not in session:
        session["id"] = secrets.token_hex(8)
    return jsonify(
        **_who(),
        interface="wsgi",
        pid=os.getpid(),
        session=session.get("id"),
        request={
            "host": request.host,
            "scheme": request.scheme,
            "client": request.remote_addr,
            "forwarded_for": request.headers.get("X-Forwarded-For"),
            "forwarded_proto": request.headers.get("X-Forwarded-Proto"),
            "real_ip": request.headers.get("X-Real-IP"),
            "id": request.headers.get("X-Request-ID"),
        },
    )


@blueprint.get("/api/notes")
def list_notes() -> Response:
    """List notes, the newest first; `limit` and `before` (an id) page through them."""
    limit = _query_number("limit", PAGE, PAGE_MAX)
    before = _query_number("before", None, NUMBER_MAX)
    notes, cache = services().notes.page(limit or PAGE, before)
    metrics.CACHE.labels(cache).inc()
    answer = jsonify(notes=notes)
    answer.headers["X-Cache"] = cache
    return answer


@blueprint.post("/api/notes")
def add_note() -> tuple[Response, int, dict[str, str]]:
    """Add the note in the JSON body."""
    work = services()
    note = work.notes.add(_text(_body()), work.settings.instance_id)
    return jsonify(note), 201, {"Location": url_for("api.show_note", number=note["id"])}


@blueprint.get("/api/notes/<int:number>")
def show_note(number: int) -> Response:
    """Show one note."""
    return jsonify(services().notes.one(min(number, NUMBER_MAX)))


@blueprint.delete("/api/notes/<int:number>")
def delete_note(number: int) -> tuple[str, int]:
    """Delete one note."""
    services().notes.delete(min(number, NUMBER_MAX))
    return "", 204


@blueprint.get("/api/counter")
def show_counter() -> Response:
    """Show the counter that all instances share."""
    return jsonify(value=services().cache.counter(), **_who())


@blueprint.post("/api/counter")
def count() -> Response:
    """Add one to the counter."""
    return jsonify(value=services().cache.count(), **_who())


def _who() -> dict[str, str]:
    settings = services().settings
    return {"instance": settings.instance_id, "version": settings.version}


def _check(ask: Callable[[], None]) -> str:
    try:
        ask()
    except Unavailable as error:
        return error.reason
    return "ok"


def _check_schema(database: Database) -> None:
    with database.transaction() as cursor:
        have = applied_version(cursor)
    # A newer schema is fine: after a rollback the older code meets it.
    if have < newest():
        raise Unavailable("database", f"schema {have} of {newest()}: run python -m notes.migrate")


def _query_number(name: str, default: int | None, high: int) -> int | None:
    text = request.args.get(name)
    if text is None:
        return default
    # isdecimal alone accepts digits of other scripts, and int() a number of any length.
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 1 <= int(text) <= high):
        raise Invalid(f"{name} is a whole number from 1 to {high}", name)
    return int(text)


def _body() -> dict[str, Any]:
    if not request.is_json:
        raise UnsupportedMediaType("the body is JSON, with Content-Type: application/json")
    body = request.get_json()
    if not isinstance(body, dict):
        raise Invalid('the body is a JSON object: {"text": "..."}')
    for name in body:
        if name != "text":
            raise Invalid(f"there is no field {name[:40]!r}; the only one is 'text'", name[:40])
    return body


def _text(body: dict[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str):
        raise Invalid("text is required, as a string", "text")
    text = text.strip()
    if not 1 <= len(text) <= TEXT_LENGTH:
        raise Invalid(f"text has 1 to {TEXT_LENGTH} characters, not counting space around it", "text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Invalid("text has half of a surrogate pair", "text") from None
    return text

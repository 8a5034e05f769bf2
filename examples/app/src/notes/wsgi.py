"""The application: `gunicorn notes.wsgi:app`."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, current_app, g, jsonify, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as AnyResponse

from notes import api, metrics, ws
from notes.cache import Store
from notes.config import Settings
from notes.db import Database
from notes.errors import Invalid, NotFound, Unavailable
from notes.store import Notes

BODY_BYTES = 16 * 1024
QUIET = {"/health", "/ready", "/metrics"}

log = logging.getLogger(__name__)


class Sessions(SecureCookieSessionInterface):
    """A signed cookie that is Secure exactly when the client came by https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Tell whether the cookie is for https alone."""
        return bool(request.is_secure)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application; nothing is connected yet."""
    settings = settings or Settings.from_environment()
    app = Flask("notes", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_BYTES,
        SESSION_COOKIE_NAME="sessionid",
        SESSION_COOKIE_SAMESITE="Lax",
        ANSWER_HEADERS={"X-Served-By": settings.instance_id, "X-App-Version": settings.version},
        WEBSOCKET_SLOTS=ws.Slots(settings.websocket_limit),
    )
    app.secret_key = settings.secret_key or None
    app.session_interface = Sessions()
    database, cache = Database(settings), Store(settings)
    app.extensions["services"] = api.Services(settings, database, cache, Notes(database, cache))
    metrics.BUILD.labels(settings.version).set(1)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(ws.blueprint)
    app.register_error_handler(Exception, answer_error)
    app.before_request(begin)
    app.after_request(finish)
    return app


def begin() -> None:
    """Remember when the request began."""
    g.began = time.monotonic()


def finish(response: AnyResponse) -> AnyResponse:
    """Add what every answer carries, and count it."""
    response.headers.update(current_app.config["ANSWER_HEADERS"])
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.path not in QUIET and not isinstance(response, ws.Finished):
        route = request.url_rule.rule if request.url_rule else "unmatched"
        metrics.observe(request.method, route, response.status_code, time.monotonic() - g.began)
    return response


def answer_error(error: Exception) -> AnyResponse:
    """Turn any error into JSON; what the client need not know goes to the log."""
    if isinstance(error, Invalid):
        return _problem(422, "invalid", str(error), field=error.field)
    if isinstance(error, NotFound):
        return _problem(404, "not_found", str(error))
    if isinstance(error, Unavailable):
        log.warning("%s %s: %s", request.method, request.path, error)
        answer = _problem(503, "unavailable", f"{error.dependency} does not answer", dependency=error.dependency)
        answer.headers["Retry-After"] = "2"
        return answer
    if isinstance(error, HTTPException) and error.code and error.code < 500:
        return _http(error)
    if isinstance(error, HTTPException) and not isinstance(error, InternalServerError):
        return _http(error)
    log.error("%s %s", request.method, request.path, exc_info=error)
    return _problem(500, "internal", "an error that is not yours; it has been logged")


def _http(error: HTTPException) -> AnyResponse:
    """Keep status and headers (Allow, Location ...) of the framework's own errors."""
    answer = error.get_response()
    if answer.status_code < 400:
        return answer
    code = error.name.lower().replace(" ", "_")
    body = _problem(answer.status_code, code, error.description or error.name)
    for name, value in answer.headers:
        if name not in {"Content-Type", "Content-Length"}:
            body.headers[name] = value
    return body


def _problem(status: int, code: str, message: str, **more: str | None) -> Response:
    details = {name: value for name, value in more.items() if value is not None}
    answer = jsonify(error={"code": code, "message": message, **details})
    answer.status_code = status
    return answer


app = create_app()

"""The WebSocket echo. Each open one occupies a thread, so their number is limited."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any, NoReturn

from flask import Blueprint, Response, current_app, request
from simple_websocket import ConnectionClosed, Server
from werkzeug.exceptions import BadRequest, ServiceUnavailable
from wsproto.events import AcceptConnection, Request
from wsproto.frame_protocol import CloseReason

from notes import metrics, shutdown

PING_SECONDS = 25
MESSAGE_BYTES = 65536
LOOK_SECONDS = 0.5
READER_SECONDS = 5

blueprint = Blueprint("ws", __name__)


class Echo(Server):
    """A WebSocket whose handshake carries our headers."""

    def handshake(self) -> None:
        """Answer the handshake that the WSGI server has already parsed."""
        lines = [f"{name[5:].replace('_', '-')}: {value}" for name, value in _headers(self.environ)]
        self.ws.receive_data("\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode("latin-1"))
        ours = current_app.config["ANSWER_HEADERS"]
        for event in self.ws.events():
            if isinstance(event, Request):
                extra = [(name.encode(), value.encode()) for name, value in ours.items()]
                self.sock.sendall(self.ws.send(AcceptConnection(extra_headers=extra)))
                self.connected = True


class Finished(Response):
    """What a WebSocket leaves behind: gunicorn must not write an answer to a socket that is closed."""

    def __call__(self, *_: Any) -> NoReturn:
        raise StopIteration


class Slots:
    """Counts the open WebSockets of this worker."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slots = threading.BoundedSemaphore(limit) if limit else None

    def __enter__(self) -> None:
        if self._slots is None or not self._slots.acquire(blocking=False):
            raise ServiceUnavailable(f"{self._limit} WebSockets are open in this worker, and no more are allowed")
        metrics.WEBSOCKETS.inc()

    def __exit__(self, *_: object) -> None:
        if self._slots is not None:
            self._slots.release()
            metrics.WEBSOCKETS.dec()


@blueprint.get("/ws/echo", websocket=True)
def echo() -> Response:
    """Send every message back."""
    if "gunicorn.socket" not in request.environ:
        raise BadRequest("this WSGI server has no WebSockets: run the application under gunicorn")
    with current_app.config["WEBSOCKET_SLOTS"]:
        client = Echo(request.environ, ping_interval=PING_SECONDS, max_message_size=MESSAGE_BYTES)
        try:
            while not shutdown.stopping():
                message = client.receive(timeout=LOOK_SECONDS)
                if message is not None:
                    client.send(message)
            client.close(CloseReason.GOING_AWAY, "this instance is stopping")
        except (ConnectionClosed, OSError):
            pass
        finally:
            _hang_up(client)
    return Finished()


def _hang_up(client: Echo) -> None:
    """Give the client a moment to answer our close; then end the connection, and with it the thread that reads it.

    The second wait matters: gunicorn closes the socket as soon as we return, and a thread that has not yet
    noticed the shutdown would wait on a closed socket, and the worker for it.
    """
    client.thread.join(LOOK_SECONDS)
    with suppress(OSError):
        client.sock.shutdown(socket.SHUT_RDWR)
    client.thread.join(READER_SECONDS)


def _headers(environ: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in environ.items() if name.startswith("HTTP_")]

"""The application under gunicorn: `gunicorn stub.wsgi:app`."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from simple_websocket import ConnectionClosed, Server
from wsproto.events import AcceptConnection, Request
from wsproto.frame_protocol import CloseReason

from stub import database, faults
from stub.answers import CHUNK, CHUNK_SECONDS, LAST_CHUNK, REASONS, Answer, answer
from stub.settings import HEADERS

LOOK_SECONDS = 0.2
READER_SECONDS = 5
MESSAGE_BYTES = 65536

StartResponse = Callable[[str, list[tuple[str, str]]], object]
# A plain flag: a signal handler must not take a lock.
stopping: list[bool] = []

faults.start()
database.prepare()


class Echo(Server):
    """A WebSocket whose handshake carries our headers."""

    def handshake(self) -> None:
        """Answer the handshake that gunicorn has already parsed."""
        found = ((name, value) for name, value in self.environ.items() if name.startswith("HTTP_"))
        lines = [f"{name[5:].replace('_', '-')}: {value}" for name, value in found]
        self.ws.receive_data("\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode("latin-1"))
        for event in self.ws.events():
            if isinstance(event, Request):
                ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                self.sock.sendall(self.ws.send(AcceptConnection(extra_headers=ours)))
                self.connected = True


def echo(environ: dict[str, Any]) -> None:
    """Send every message back until one side closes; at a stop it is us, with 1001."""
    client = Echo(environ, max_message_size=MESSAGE_BYTES)
    try:
        while not stopping:
            message = client.receive(timeout=LOOK_SECONDS)
            if message is not None:
                client.send(message)
        client.close(CloseReason.GOING_AWAY, "this instance is stopping")
    except (ConnectionClosed, OSError):
        pass
    finally:
        # The thread that reads must have ended before gunicorn closes the socket.
        client.thread.join(LOOK_SECONDS)
        with suppress(OSError):
            client.sock.shutdown(socket.SHUT_RDWR)
        client.thread.join(READER_SECONDS)


def chunks(found: Answer) -> Iterator[bytes]:
    """Give the body of a stream."""
    for _ in range(found.chunks):
        yield CHUNK
        time.sleep(CHUNK_SECONDS)
    yield LAST_CHUNK


def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request."""
    path = str(environ["PATH_INFO"])
    if path == "/ws/echo" and environ.get("HTTP_UPGRADE", "").lower() == "websocket":
        echo(environ)
        # Gunicorn must not write an answer to a socket that is closed.
        raise StopIteration
    body = environ["wsgi.input"].read()
    found = answer(path, environ.get("QUERY_STRING", ""), body)
    time.sleep(found.delay)
    start_response(f"{found.status} {REASONS[found.status]}", found.all_headers)
    return chunks(found) if found.chunks else [found.body]

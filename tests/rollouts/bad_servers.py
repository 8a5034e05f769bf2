"""Servers that do what nginx does too rarely to wait for it: each one loses something in a way of its own."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Talk = Callable[[socket.socket], None]


@contextlib.contextmanager
def served(talk: Talk) -> Iterator[str]:
    """Have each connection talked to in a thread of its own, and yield the address."""

    def converse(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            talk(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def breaks_the_second(second: bytes) -> Talk:
    """Return what answers the first request of a connection well, and the second one with these bytes."""

    def talk(connection: socket.socket) -> None:
        for answer in (OK, second):
            if not connection.recv(65536):
                return
            connection.sendall(answer)

    return talk


def loses_the_second_stream(folder: Path, last: int) -> Talk:
    """Return what answers the first HTTP/2 stream of a connection and loses the second.

    :param folder: holds cert and key
    :param last: the last stream that its GOAWAY names; 0: there is no GOAWAY
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert", folder / "key")
    context.set_alpn_protocols(["h2"])

    def talk(plain: socket.socket) -> None:
        server = H2Connection(H2Configuration(client_side=False))
        with context.wrap_socket(plain, server_side=True) as connection:
            server.initiate_connection()
            while data := connection.recv(65536):
                started = [event.stream_id for event in server.receive_data(data) if isinstance(event, RequestReceived)]
                if 1 in started:
                    server.send_headers(1, [(":status", "200")], end_stream=True)
                connection.sendall(server.data_to_send())
                if 3 in started:
                    break
            if last:
                server.close_connection(last_stream_id=last)
                connection.sendall(server.data_to_send())

    return talk


def leaves_with_the_echo(connection: socket.socket) -> None:
    """Send the first echo of a WebSocket and the goodbye at once, as a server does that stops just then."""
    server = WSConnection(ConnectionType.SERVER)
    while data := connection.recv(65536):
        server.receive_data(data)
        for event in server.events():
            if isinstance(event, Request):
                connection.sendall(server.send(AcceptConnection()))
            elif isinstance(event, TextMessage):
                echo = server.send(TextMessage(data=event.data))
                connection.sendall(echo + server.send(CloseConnection(code=1001)))

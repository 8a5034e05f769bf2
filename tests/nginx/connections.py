"""Connections of clients that a test holds open, half done or silent."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

from tests.nginx.sites import Site

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Connection:
    """One connection to nginx."""

    def __init__(self, site: Site, port: int = 80) -> None:
        self.socket = socket.create_connection((site.machine.address, port), timeout=20)
        self.stream = self.socket.makefile("rb")
        self.headers: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stream.close()
        self.socket.close()

    def send(self, text: str) -> None:
        self.socket.sendall(text.encode())

    def request(self, path: str = "/", method: str = "GET", **headers: str) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.send(f"{method} {path} HTTP/1.1\r\nHost: test\r\n{lines}\r\n")

    def status(self) -> int:
        """Read the first lines of an answer."""
        code = int(self.stream.readline().split()[1])
        while (line := self.stream.readline().decode().strip()) != "":
            name, _, value = line.partition(": ")
            self.headers[name.lower()] = value
        return code

    def answer(self) -> tuple[int, str]:
        code = self.status()
        return code, self.stream.read(int(self.headers["content-length"])).decode()

    @property
    def port(self) -> int:
        """The port of the application that answered."""
        return int(self.headers["x-port"])


class WebSocket(Connection):
    """A WebSocket that the application echoes."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.request("/ws", **HANDSHAKE)
        assert self.status() == 101

    def echoes(self) -> bool:
        self.socket.sendall(b"ping")
        return self.stream.read(4) == b"ping"

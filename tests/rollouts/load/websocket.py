"""An echo session over a WebSocket: HTTP/1.1, with or without TLS (nginx has no WebSockets over HTTP/2)."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage

from tests.rollouts.load.message import Target
from tests.rollouts.load.record import CutError, FailureError

PATH = "/ws/echo"


class Session:
    """One WebSocket."""

    def __init__(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.target, self.reader, self.writer = target, reader, writer
        self.headers: dict[str, str] = {}
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._events: deque[Any] = deque()

    @classmethod
    async def to(cls, target: Target) -> Session:
        """Open a WebSocket; whatever goes wrong here is a failure."""
        self = cls(target, *await target.connect())
        self._send(Request(host=target.host, target=PATH))
        event = await self._next()
        if isinstance(event, RejectConnection):
            raise FailureError(str(event.status_code))
        if not isinstance(event, AcceptConnection):
            raise FailureError("closed without an answer")
        self.headers = {name.decode().lower(): value.decode() for name, value in event.extra_headers}
        return self

    async def run(self, messages: int, pause: float, stop: asyncio.Event) -> None:
        """Send messages, each after the echo of the one before, and close."""
        for number in range(messages):
            if stop.is_set():
                break
            text = f"message {number}"
            try:
                self._send(TextMessage(data=text))
                event = await self._next()
            except OSError as error:
                raise CutError(f"without a close frame ({type(error).__name__})") from None
            if event is None:
                raise CutError("without a close frame")
            if isinstance(event, CloseConnection):
                raise CutError(str(event.code))
            if not isinstance(event, TextMessage) or event.data != text:
                raise FailureError(f"{event} instead of an echo")
            await asyncio.sleep(pause)
        await self._goodbye()

    async def _goodbye(self) -> None:
        try:
            self._send(CloseConnection(code=1000))
            event = await self._next()
        except OSError as error:
            raise CutError(f"without a close frame ({type(error).__name__})") from None
        if isinstance(event, CloseConnection) and event.code != 1000:
            raise CutError(str(event.code))

    def _send(self, event: Any) -> None:
        # A goodbye may come with the echo before it: nothing can be sent any more, and it is the event that is next.
        if self._ws.state is not ConnectionState.REMOTE_CLOSING:
            self.writer.write(self._ws.send(event))

    async def _next(self) -> Any:
        """Return the next event that is not a ping; None at the end of the connection."""
        while True:
            while self._events:
                event = self._events.popleft()
                if not isinstance(event, Ping):
                    return event
                self._send(event.response())
            data = await self.reader.read(65536)
            if not data:
                return None
            self._ws.receive_data(data)
            self._events.extend(self._ws.events())

    def close(self) -> None:
        self.writer.close()

"""Adds headers to every answer: errors, and the handshake of a WebSocket, too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

ANSWERS = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


class AnswerHeaders:
    """Wraps the whole application: FastAPI's own middleware would not see its answer to an unforeseen error."""

    def __init__(self, application: Application, headers: dict[str, str]) -> None:
        self._application = application
        self._headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ANSWERS:
                message["headers"] = [*message.get("headers", []), *self._headers]
            await send(message)

        await self._application(scope, receive, send_with_headers)

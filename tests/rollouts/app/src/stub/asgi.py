"""The application under uvicorn: `uvicorn stub.asgi:app`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from stub import database, faults
from stub.answers import CHUNK, CHUNK_SECONDS, LAST_CHUNK, Answer, answer
from stub.settings import HEADERS

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

faults.start()
database.prepare()


def encode(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI wants them."""
    return [(name.lower().encode(), value.encode()) for name, value in headers]


async def lifespan(receive: Receive, send: Send) -> None:
    """Start and stop."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            # The server has set its own handler just now.
            faults.ignore_sigterm()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def echo(receive: Receive, send: Send) -> None:
    """Send every message back until one side closes."""
    await receive()
    await send({"type": "websocket.accept", "headers": encode([*HEADERS.items()])})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


async def stream(found: Answer, send: Send) -> None:
    """Send the body of a stream."""
    for _ in range(found.chunks):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        await asyncio.sleep(CHUNK_SECONDS)
    await send({"type": "http.response.body", "body": LAST_CHUNK})


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Handle one connection."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["type"] == "websocket":
        await echo(receive, send)
        return
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    found = answer(scope["path"], scope["query_string"].decode(), body)
    await asyncio.sleep(found.delay)
    await send({"type": "http.response.start", "status": found.status, "headers": encode(found.all_headers)})
    if found.chunks:
        await stream(found, send)
    else:
        await send({"type": "http.response.body", "body": found.body})

"""The application: `uvicorn echo.asgi:app`."""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect

from echo.headers import AnswerHeaders
from echo.settings import read

MESSAGE_BYTES = 65536
TOO_BIG = 1009

settings = read()
# No pages about the API: they would load scripts from another site.
api = FastAPI(title="echo", version=settings.version, docs_url=None, redoc_url=None, openapi_url=None)


def who() -> dict[str, Any]:
    """Say which instance of which version this is."""
    return {"instance": settings.instance_id, "version": settings.version}


@api.get("/health")
@api.get("/api/health")
@api.get("/ready")
async def health() -> dict[str, Any]:
    """Say that this process answers; it depends on nothing, so it is ready when it runs."""
    return {"status": "ok", **who()}


@api.get("/api/whoami")
async def whoami(request: Request) -> dict[str, Any]:
    """Say who answered, and what arrived of the request behind the proxies."""
    headers = request.headers
    return {
        **who(),
        "interface": "asgi",
        "pid": os.getpid(),
        "session": None,
        "request": {
            "host": headers.get("host"),
            "scheme": request.url.scheme,
            "client": request.client.host if request.client else None,
            "forwarded_for": headers.get("x-forwarded-for"),
            "forwarded_proto": headers.get("x-forwarded-proto"),
            "real_ip": headers.get("x-real-ip"),
            "id": headers.get("x-request-id"),
        },
    }


@api.websocket("/ws/echo")
async def echo(client: WebSocket) -> None:
    """Send every message back."""
    await client.accept()
    try:
        while True:
            message = await client.receive()
            if message["type"] == "websocket.disconnect":
                return
            text, data = message.get("text"), message.get("bytes")
            if len(text or data or "") > MESSAGE_BYTES:
                await client.close(TOO_BIG, "Message is too big")
                return
            await (client.send_text(text) if text is not None else client.send_bytes(data))
    except WebSocketDisconnect:
        return


app = AnswerHeaders(api, {"X-Served-By": settings.instance_id, "X-App-Version": settings.version})

"""HTTP/1.1, by hand: nothing here tries anything twice."""

from __future__ import annotations

import asyncio
import contextlib

from tests.rollouts.load.message import Reply, Request, Target
from tests.rollouts.load.record import FailureError

LINE_END = b"\r\n"


class Connection:
    """One connection, used for one request at a time."""

    def __init__(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.target, self.reader, self.writer = target, reader, writer
        self.idle_since = self.usable_from = 0.0
        self.open = True

    @classmethod
    async def to(cls, target: Target) -> Connection:
        return cls(target, *await target.connect())

    @property
    def closed(self) -> bool:
        """Whether the server has closed it, as far as a client can know before it sends."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def ask(self, request: Request) -> Reply:
        """Send one request and return its complete answer."""
        lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: {self.target.host}"]
        lines += [f"Content-Length: {request.length}"] if request.pieces else []
        lines += ["Connection: close"] if request.close else []
        head = "\r\n".join([*lines, "", ""]).encode()
        # Head and body of a quick request leave together, as most clients send them.
        self.writer.write(head + b"".join(request.pieces[:1]))
        await self.writer.drain()
        for piece in request.pieces[1:]:
            await asyncio.sleep(request.pause)
            self.writer.write(piece)
            await self.writer.drain()
        return await self._reply(request.close)

    async def _reply(self, close: bool) -> Reply:
        line = await self.reader.readline()
        if not line:
            raise FailureError("closed without an answer")
        if not line.endswith(LINE_END):
            raise FailureError("closed in the middle of an answer")
        headers: dict[str, str] = {}
        while (header := await self.reader.readline()) != LINE_END:
            if not header:
                raise FailureError("closed in the middle of an answer")
            name, _, value = header.decode().partition(":")
            headers[name.lower()] = value.strip()
        try:
            body = await self._body(headers)
        except asyncio.IncompleteReadError:
            raise FailureError("closed in the middle of an answer") from None
        self.open = headers.get("connection", "").lower() != "close" and not close
        return Reply(int(line.split()[1]), headers, body)

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers["content-length"]))
        body = b""
        while size := int(await self.reader.readuntil(LINE_END), 16):
            body += (await self.reader.readexactly(size + len(LINE_END)))[:size]
        # The end of the chunks: without it an answer looks complete to those who do not look.
        if await self.reader.readexactly(len(LINE_END)) != LINE_END:
            raise FailureError("chunks without an end")
        return body

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.writer.close()

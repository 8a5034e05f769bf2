"""A client that never tries again: whatever breaks is counted.

    python client.py HOST:PORT RATE [PATH [METHOD]]

Open loop: RATE requests a second start, whether or not earlier ones were answered, at most 200 at a time; GET and POST
(or METHOD alone), on connections that are kept (idle for 0.1 s at most) and on fresh ones. It ends when its input
ends, lets what is under way finish, and prints JSON: {"requests", "skipped", "failures": {kind: count}, "ports":
{port: count}}.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections import Counter, deque

LIMIT = 200
# Less than the reload is announced: a client that stays idle for longer is not told.
IDLE_SECONDS = 0.1
ANSWER_SECONDS = 30
BODY = b"x" * 2000


class RequestError(Exception):
    """A request without a good answer; the message is the kind of failure."""


class Connection:
    """One connection, used for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.idle_since = 0.0
        self.open = True

    async def ask(self, kind: str, path: str) -> str:
        """Send one request and return the port that answered."""
        method, _, last = kind.partition(" ")
        body = BODY if method == "POST" else b""
        close = "Connection: close\r\n" if last == "fresh" else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n{close}\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()
        line = await self.reader.readline()
        if not line:
            raise RequestError("closed without an answer")
        headers = {}
        while (header := (await self.reader.readline()).decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        content = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if line.split()[1] != b"200":
            raise RequestError(line.split()[1].decode())
        self.open = headers.get("connection", "").lower() != "close" and not close
        return content.decode()

    def close(self) -> None:
        self.writer.close()


class Load:
    """The requests and what became of them."""

    def __init__(self, host: str, port: int, path: str = "/", method: str = "") -> None:
        self.host, self.port, self.path, self.method = host, port, path, method
        self.requests = self.skipped = 0
        self.failures: Counter[str] = Counter()
        self.ports: Counter[str] = Counter()
        self.idle: deque[Connection] = deque()

    async def take(self, kind: str) -> Connection:
        """Return a kept connection, or a new one."""
        now = asyncio.get_running_loop().time()
        while self.idle and not kind.endswith("fresh"):
            connection = self.idle.popleft()
            if now - connection.idle_since < IDLE_SECONDS and not connection.reader.at_eof():
                return connection
            connection.close()
        return Connection(*await asyncio.open_connection(self.host, self.port))

    async def one(self, kind: str) -> None:
        self.requests += 1
        connection = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = await self.take(kind)
                self.ports[await connection.ask(kind, self.path)] += 1
        except RequestError as error:
            self.failures[f"{kind}: {error}"] += 1
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.failures[f"{kind}: {type(error).__name__}"] += 1
        else:
            if connection.open:
                connection.idle_since = asyncio.get_running_loop().time()
                self.idle.append(connection)
                return
        if connection:
            connection.close()

    async def run(self, rate: float, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        start, under_way = loop.time(), set[asyncio.Task[None]]()
        methods = (self.method,) if self.method else ("GET", "POST")
        kinds = itertools.cycle([f"{method} {how}" for how in ("kept", "fresh") for method in methods])
        for number in itertools.count():
            delay = start + number / rate - loop.time()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(delay, 0.0001))
            if stop.is_set():
                break
            if len(under_way) >= LIMIT:
                # This machine is too slow, which says nothing of nginx.
                self.skipped += 1
                continue
            task = asyncio.create_task(self.one(next(kinds)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        for connection in self.idle:
            connection.close()


async def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    load, stop = Load(host.strip("[]"), int(port), *sys.argv[3:5]), asyncio.Event()
    running = asyncio.create_task(load.run(float(sys.argv[2]), stop))
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await running
    print(
        json.dumps({"requests": load.requests, "skipped": load.skipped, "failures": load.failures, "ports": load.ports})
    )


if __name__ == "__main__":
    asyncio.run(main())

"""An application behind nginx, on several ports at once. Runs on the machine: standard library only.

python3 stub.py ADDRESS:PORT ...

/            the port, /slow?s=2 after 2 s, /hold after somebody asked for /release; /stream lines until then
/upload      how many bytes the body had; /ws an echo WebSocket
/counts      how many requests each port had, and under "held" how many wait for /release
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import sys
from collections import Counter

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
counts: Counter[str] = Counter()
releases = [asyncio.Event()]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def answer(body: bytes, port: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nX-Port: {port}\r\n\r\n"
    return head.encode() + body


async def stream(writer: asyncio.StreamWriter, port: str) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Port: {port}\r\n\r\n".encode())
    release = releases[-1]
    while not release.is_set():
        writer.write(b"5\r\nline\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)
    writer.write(b"4\r\nend\n\r\n0\r\n\r\n")


async def held(writer: asyncio.StreamWriter, path: str, port: str) -> None:
    counts["held"] += 1
    try:
        if path == "/stream":
            await stream(writer, port)
        else:
            await releases[-1].wait()
            writer.write(answer(port.encode(), port))
    finally:
        counts["held"] -= 1


async def echo(streams: Streams, headers: dict[str, str], port: str) -> None:
    reader, writer = streams
    key = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + MAGIC, usedforsecurity=False).digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    writer.write(b"Sec-WebSocket-Accept: " + key + f"\r\nX-Port: {port}\r\n\r\n".encode())
    # The frames go back as they came, which for a test is echo enough.
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def request(streams: Streams, port: str) -> bool:
    """Answer one request; false when the connection is over."""
    reader, writer = streams
    line = await reader.readline()
    if not line.strip():
        return False
    headers = {}
    while (header := (await reader.readline()).decode().strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    path = line.decode().split()[1]
    if path not in ("/counts", "/release"):
        counts[port] += 1
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    if path == "/ws":
        await echo(streams, headers, port)
        return False
    if path in ("/hold", "/stream"):
        await held(writer, path, port)
    elif path == "/release":
        releases[-1].set()
        releases.append(asyncio.Event())
        writer.write(answer(b"", port))
    elif path == "/counts":
        writer.write(answer(json.dumps(counts).encode(), port))
    elif path == "/upload":
        writer.write(answer(str(len(body)).encode(), port))
    else:
        await asyncio.sleep(float(path.partition("/slow?s=")[2] or 0))
        writer.write(answer(port.encode(), port))
    await writer.drain()
    return headers.get("connection", "").lower() != "close"


async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    port = str(writer.get_extra_info("sockname")[1])
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while await request((reader, writer), port):
            pass
    writer.close()


async def main() -> None:
    for place in sys.argv[1:]:
        address, _, port = place.rpartition(":")
        await asyncio.start_server(connection, address.strip("[]"), int(port), backlog=1024)
    await asyncio.Event().wait()


asyncio.run(main())

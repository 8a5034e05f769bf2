"""A network that is far away: a ProxyCommand of ssh whose bytes take their time, each way.

python delay.py HOST PORT SECONDS
"""

from __future__ import annotations

import asyncio
import sys

CHUNK = 65536


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on what is read, each part so much later: the delay is that of a distance, not of a narrow line."""
    loop = asyncio.get_running_loop()
    parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            at, part = await parts.get()
            await asyncio.sleep(at - loop.time())
            if not part:
                return
            writer.write(part)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    part = b"-"
    while part:
        part = await reader.read(CHUNK)
        parts.put_nowait((loop.time() + seconds, part))
    await delivery


async def standard_streams() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return the input and the output of this process."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(lambda: asyncio.streams.FlowControlMixin(loop=loop), sys.stdout)
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)


async def main() -> None:
    host, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    near_reader, near_writer = await standard_streams()
    far_reader, far_writer = await asyncio.open_connection(host, port)
    ways = [carry(near_reader, far_writer, seconds), carry(far_reader, near_writer, seconds)]
    # Whoever hangs up ends the connection.
    await asyncio.wait([asyncio.create_task(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)


if __name__ == "__main__":
    asyncio.run(main())

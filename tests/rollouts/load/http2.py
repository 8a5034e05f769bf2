"""HTTP/2, with the library h2 for frames and headers; GOAWAY is ours, because h2 stops listening after it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from tests.rollouts.load.message import Reply, Request, Target
from tests.rollouts.load.record import FailureError, RefusedError

FRAME_HEAD = 9
GOAWAY = 7


@dataclasses.dataclass
class Stream:
    """A request under way."""

    answered: asyncio.Future[Reply]
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: bytearray = dataclasses.field(default_factory=bytearray)

    def fail(self, error: Exception) -> None:
        if not self.answered.done():
            self.answered.set_exception(error)


class Connection:
    """One connection with any number of streams."""

    def __init__(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.target, self.reader, self.writer = target, reader, writer
        self.idle_since = 0.0
        self.last_stream: int | None = None
        self.closed = False
        self.streams: dict[int, Stream] = {}
        self._buffer = b""
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._h2.initiate_connection()
        self._send()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def to(cls, target: Target) -> Connection:
        reader, writer = await target.connect()
        chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        if chosen != "h2":
            writer.close()
            raise FailureError(f"the server chose {chosen}, not h2")
        return cls(target, reader, writer)

    @property
    def usable(self) -> bool:
        return not self.closed and self.last_stream is None

    async def ask(self, request: Request) -> Reply:
        """Send one request and return its complete answer."""
        if not self.usable:
            # Between the handshake and this line the server may have said goodbye.
            raise RefusedError
        number = self._h2.get_next_available_stream_id()
        stream = self.streams[number] = Stream(asyncio.get_running_loop().create_future())
        authority = {
            ":method": request.method,
            ":path": request.path,
            ":scheme": "https",
            ":authority": self.target.host,
        }
        length = {"content-length": str(request.length)} if request.pieces else {}
        self._h2.send_headers(number, [*{**authority, **length}.items()], end_stream=not request.pieces)
        try:
            for index, piece in enumerate(request.pieces, 1):
                if index > 1:
                    self._send()
                    await asyncio.sleep(request.pause)
                if stream.answered.done():
                    break
                self._h2.send_data(number, piece, end_stream=index == len(request.pieces))
            self._send()
            return await stream.answered
        except ProtocolError as error:
            raise FailureError(f"protocol: {error}") from None
        finally:
            del self.streams[number]
            self.idle_since = asyncio.get_running_loop().time()

    def _send(self) -> None:
        if data := self._h2.data_to_send():
            self.writer.write(data)

    async def _read(self) -> None:
        error: Exception = FailureError("closed without an answer")
        try:
            while data := await self.reader.read(65536):
                self._take(data)
                self._send()
        except (OSError, ProtocolError) as broken:
            error = FailureError(f"{type(broken).__name__} {broken}".strip())
        self.closed = True
        for stream in self.streams.values():
            stream.fail(FailureError("closed in the middle of an answer") if stream.headers else error)
        self.writer.close()

    def _take(self, data: bytes) -> None:
        """Hand complete frames to h2, all but GOAWAY."""
        self._buffer += data
        while len(self._buffer) >= FRAME_HEAD:
            end = FRAME_HEAD + int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < end:
                return
            frame, self._buffer = self._buffer[:end], self._buffer[end:]
            if frame[3] == GOAWAY:
                self._goodbye(int.from_bytes(frame[FRAME_HEAD : FRAME_HEAD + 4], "big") & 0x7FFFFFFF)
                continue
            for event in self._h2.receive_data(frame):
                self._handle(event)

    def _goodbye(self, last: int) -> None:
        self.last_stream = last
        for number, stream in self.streams.items():
            if number > last:
                stream.fail(RefusedError())

    def _handle(self, event: Event) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        if stream is None:
            return
        if isinstance(event, ResponseReceived):
            stream.headers = {str(name): str(value) for name, value in event.headers or []}
        elif isinstance(event, DataReceived):
            stream.body += event.data or b""
        elif isinstance(event, StreamEnded) and not stream.answered.done():
            reply = Reply(int(stream.headers[":status"]), stream.headers, bytes(stream.body))
            stream.answered.set_result(reply)
        elif isinstance(event, StreamReset):
            code = event.error_code
            stream.fail(FailureError(f"reset {code.name if isinstance(code, ErrorCodes) else code}"))

    def close(self) -> None:
        self.closed = True
        self._reading.cancel()
        with contextlib.suppress(OSError):
            self.writer.close()

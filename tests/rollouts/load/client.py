"""The load: requests start at a fixed rate, whether or not earlier ones were answered, and none is sent twice."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import itertools
import json
import random
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterator

from tests.rollouts.load import http1, http2
from tests.rollouts.load.message import Reply, Request, Target
from tests.rollouts.load.record import CutError, FailureError, Record, RefusedError
from tests.rollouts.load.websocket import Session

STREAMS_PER_CONNECTION = 8
STREAM_END = b"end\n"
BODY = "x" * 500
UPLOAD_PIECES = 10
UPLOAD_PIECE = b"x" * 1000
ECHO_SECONDS = 0.2
BROKEN = (OSError, asyncio.IncompleteReadError, TimeoutError, FailureError, RefusedError, CutError)


@dataclasses.dataclass(frozen=True)
class Options:
    """What the load is made of; all times in seconds, all rates per second."""

    targets: tuple[Target, ...]
    rate: float = 200
    long_rate: float = 6
    websockets: int = 4
    # A kept connection is used again after up to this time; then the client closes it.
    idle: float = 0.5
    slow_seconds: float = 1.0
    session_seconds: float = 5.0
    in_flight: int = 300
    answer_seconds: float = 60
    kinds: tuple[str, ...] = ("get", "post", "slow", "upload", "stream")


class Load:
    """The requests under way, and the connections between them."""

    def __init__(self, options: Options) -> None:
        self.options, self.record = options, Record()
        self.stop = asyncio.Event()
        self._prefix, self._number = uuid.uuid4().hex[:8], itertools.count(1)
        self._kept: dict[Target, deque[http1.Connection]] = {target: deque() for target in options.targets}
        self._shared: dict[Target, list[http2.Connection]] = {target: [] for target in options.targets}

    # -------------------------------------------------------------------------------------------------- connections

    def _kept_connection(self, target: Target) -> http1.Connection | None:
        """Return a connection that has been idle for as long as chance wanted."""
        now, pool = asyncio.get_running_loop().time(), self._kept[target]
        for _ in range(len(pool)):
            connection = pool.popleft()
            if connection.closed or now - connection.idle_since > self.options.idle:
                connection.close()
            elif connection.usable_from > now:
                pool.append(connection)
            else:
                self.record.idle.append(now - connection.idle_since)
                return connection
        return None

    def _keep(self, connection: http1.Connection) -> None:
        if not connection.open:
            connection.close()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        # Chance, or all idle times would be as short as the rate is high.
        connection.usable_from = connection.idle_since + random.uniform(0, 0.9 * self.options.idle)
        self._kept[connection.target].append(connection)

    async def _ask_http1(self, target: Target, request: Request) -> Reply:
        connection = None if request.close else self._kept_connection(target)
        connection = connection or await http1.Connection.to(target)
        try:
            reply = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return reply

    def _shared_connection(self, target: Target) -> http2.Connection | None:
        now, pool = asyncio.get_running_loop().time(), self._shared[target]
        for connection in list(pool):
            if not connection.streams and (not connection.usable or now - connection.idle_since > self.options.idle):
                pool.remove(connection)
                connection.close()
            elif connection.usable and len(connection.streams) < STREAMS_PER_CONNECTION:
                if not connection.streams:
                    self.record.idle.append(now - connection.idle_since)
                return connection
        return None

    async def _ask_http2(self, target: Target, request: Request) -> Reply:
        connection = None if request.close else self._shared_connection(target)
        if connection is None:
            connection = await http2.Connection.to(target)
            if not request.close:
                self._shared[target].append(connection)
        try:
            return await connection.ask(request)
        finally:
            if request.close:
                connection.close()

    # ----------------------------------------------------------------------------------------------------- requests

    async def ask(self, kind: str, target: Target, request: Request, identity: str = "") -> None:
        """Send a request, and note what became of it."""
        kind = f"{kind} {target.protocol}"
        self.record.sent[kind] += 1
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self.options.answer_seconds):
                send = self._ask_http2 if target.protocol == "h2" else self._ask_http1
                reply = await send(target, request)
            if reply.status != 200:
                raise FailureError(str(reply.status))
            if kind.startswith("stream") and not reply.body.endswith(STREAM_END):
                raise FailureError("a stream without its end")
        except BROKEN as error:
            self.record.failure(kind, target.url, error, identity)
            return
        self.record.success(kind, reply.headers, identity)
        if kind.startswith(("get", "post")):
            self.record.late.append(asyncio.get_running_loop().time() - began)

    async def get(self, target: Target, close: bool) -> None:
        await self.ask(f"get {how(close)}", target, Request("GET", "/api/get", close=close))

    async def post(self, target: Target, close: bool) -> None:
        identity = f"{self._prefix}-{next(self._number)}"
        body = json.dumps({"id": identity, "text": BODY}).encode()
        await self.ask(f"post {how(close)}", target, Request("POST", "/api/post", (body,), close=close), identity)

    async def slow(self, target: Target, close: bool) -> None:
        path = f"/api/slow?seconds={self.options.slow_seconds}"
        await self.ask("slow", target, Request("GET", path, close=close))

    async def upload(self, target: Target, close: bool) -> None:
        pause = self.options.slow_seconds / UPLOAD_PIECES
        request = Request("POST", "/api/upload", (UPLOAD_PIECE,) * UPLOAD_PIECES, pause, close=close)
        await self.ask("upload", target, request)

    async def stream(self, target: Target, close: bool) -> None:
        path = f"/api/stream?seconds={self.options.slow_seconds}"
        await self.ask("stream", target, Request("GET", path, close=close))

    async def echo(self, target: Target) -> None:
        """Have one session of a WebSocket."""
        kind, session = f"websocket {target.protocol}", None
        self.record.sent[kind] += 1
        try:
            async with asyncio.timeout(self.options.session_seconds + self.options.answer_seconds):
                session = await Session.to(target)
                await session.run(round(self.options.session_seconds / ECHO_SECONDS), ECHO_SECONDS, self.stop)
        except BROKEN as error:
            self.record.failure(kind, target.url, error)
        else:
            self.record.success(kind, session.headers)
        finally:
            if session:
                session.close()

    # --------------------------------------------------------------------------------------------------------- pace

    async def pace(self, rate: float, works: Iterator[Callable[[], Awaitable[None]]]) -> None:
        """Start work at a fixed rate until the end, and let what is under way finish."""
        loop = asyncio.get_running_loop()
        start, under_way = loop.time(), set[asyncio.Task[None]]()
        for number in itertools.count():
            delay = start + number / rate - loop.time()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), max(delay, 0.0001))
            if self.stop.is_set():
                break
            if len(under_way) >= self.options.in_flight:
                # Too slow, this machine or what answers: the answers under way say which.
                self.record.skipped += 1
                continue
            task = asyncio.ensure_future(next(works)())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)

    def works(self, kinds: tuple[str, ...]) -> Iterator[Callable[[], Awaitable[None]]]:
        """Return all combinations of what, how and where, again and again."""
        wanted = [kind for kind in kinds if kind in self.options.kinds]
        combinations = itertools.product((False, True), wanted, self.options.targets)
        for close, kind, target in itertools.cycle(list(combinations)):
            yield functools.partial(getattr(self, kind), target, close)

    async def sessions(self, targets: Iterator[Target]) -> None:
        """Have one session after the other."""
        while not self.stop.is_set():
            await self.echo(next(targets))
            await asyncio.sleep(0.1)

    async def run(self) -> None:
        """Run until `stop` is set."""
        rates = {("get", "post"): self.options.rate, ("slow", "upload", "stream"): self.options.long_rate}
        wanted = {kinds: rate for kinds, rate in rates.items() if rate and set(kinds) & set(self.options.kinds)}
        jobs = [self.pace(rate, self.works(kinds)) for kinds, rate in wanted.items()]
        speakers = itertools.cycle([target for target in self.options.targets if target.protocol != "h2"])
        jobs += [self.sessions(speakers) for _ in range(self.options.websockets)]
        await asyncio.gather(*jobs)
        for kept in self._kept.values():
            for connection in kept:
                connection.close()
        for shared in self._shared.values():
            for connection2 in shared:
                connection2.close()


def how(close: bool) -> str:
    return "fresh" if close else "kept"

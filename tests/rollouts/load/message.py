"""A request and its answer, whatever the protocol."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit


@dataclasses.dataclass(frozen=True)
class Request:
    """A request; its body goes out in pieces, with a pause before each but the first."""

    method: str
    path: str
    pieces: tuple[bytes, ...] = ()
    pause: float = 0
    close: bool = False

    @property
    def length(self) -> int:
        return sum(map(len, self.pieces))


@dataclasses.dataclass(frozen=True)
class Reply:
    """A complete answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def tls_context(protocols: Sequence[str]) -> ssl.SSLContext:
    """Return a context that trusts everybody: who answers is not what is tested."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    return context


@dataclasses.dataclass(frozen=True)
class Target:
    """A load balancer, spoken to by one protocol: http (plain), tls (HTTP/1.1) or h2."""

    url: str
    protocol: str

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        return self._parts.hostname or ""

    @property
    def scheme(self) -> str:
        return self._parts.scheme

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        port = self._parts.port or {"http": 80, "https": 443}[self.scheme]
        context = CONTEXTS[self.protocol]
        return await asyncio.open_connection(self.host, port, ssl=context)


CONTEXTS = {"http": None, "tls": tls_context(["http/1.1"]), "h2": tls_context(["h2"])}

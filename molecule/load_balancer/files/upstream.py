"""upstream.py ADDRESS:PORT: a small server that says what reached it, and echoes WebSockets.

/...?sleep=SECONDS waits, ?size=BYTES answers with so much text, ?header=BYTES with such a header; ?type= is its type.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import itertools
import json
import socket
import socketserver
import sys
import threading
import time
import urllib.parse

NAME = sys.argv[1]
HOST, _, PORT = NAME.rpartition(":")
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
connections = itertools.count(1)
finished: dict[str, float] = {}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with JSON."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Count the connection."""
        super().setup()
        self.number = next(connections)

    def do_GET(self) -> None:
        """Answer, or become a WebSocket."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.websocket()
            return
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        time.sleep(float(query.get("sleep", 0)))
        facts = {
            "server": NAME,
            "connection": self.number,
            "protocol": self.request_version,
            "method": self.command,
            "path": url.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "length": len(body),
            "finished": finished,
        }
        answer = b"x" * int(query["size"]) if "size" in query else json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("X-Served-By", NAME)
        self.send_header("X-App-Version", "1.0.0")
        self.send_header("X-Request-ID", "from-the-server")
        self.send_header("Content-Type", query.get("type", "application/json"))
        self.send_header("Content-Length", str(len(answer)))
        if "header" in query:
            self.send_header("X-Long", "x" * int(query["header"]))
        self.end_headers()
        self.wfile.write(answer)
        if "mark" in query:
            finished[query["mark"]] = time.time()

    do_POST = do_GET

    def websocket(self) -> None:
        """Echo short text frames until the client is gone."""
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + GUID).encode(), usedforsecurity=False).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.send_header("X-Served-By", NAME)
        self.end_headers()
        self.close_connection = True
        while head := self.rfile.read(2):
            length = head[1] & 0x7F
            mask = self.rfile.read(4)
            data = bytes(byte ^ mask[index % 4] for index, byte in enumerate(self.rfile.read(length)))
            self.wfile.write(bytes([0x81, length]) + data)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Answers each connection in a thread of its own."""

    daemon_threads = True
    request_queue_size = 128
    address_family = socket.AF_INET6 if ":" in HOST else socket.AF_INET


threading.stack_size(256 * 1024)
Server((HOST, int(PORT)), Handler).serve_forever()

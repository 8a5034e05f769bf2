"""slow.py: send a request a byte at a time, and print after how many seconds nginx has had enough."""

import contextlib
import socket
import time

start = time.monotonic()
with socket.create_connection(("127.0.0.1", 8088), timeout=0.2) as sock:
    for byte in b"GET /nginx_status HTTP/1.1\r\nX-Slow: " + b"x" * 300:
        try:
            sock.sendall(bytes([byte]))
            with contextlib.suppress(TimeoutError):
                if not sock.recv(1):
                    break
        except OSError:
            break
print(int(time.monotonic() - start))

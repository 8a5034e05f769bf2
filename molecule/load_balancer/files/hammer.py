"""Ask over lasting connections until /run/hammer-stop exists, and never ask twice: what is lost stays lost."""

# ruff: noqa: S311 - chance, not secrets
from __future__ import annotations

import collections
import http.client
import json
import pathlib
import random
import threading
import time

STOP = pathlib.Path("/run/hammer-stop")
CLIENTS = 16
LONGEST = time.monotonic() + 500

counts: collections.Counter[str] = collections.Counter()
kinds: collections.Counter[str] = collections.Counter()
lock = threading.Lock()


def client(number: int) -> None:
    """Ask, think for less than half a second, ask again."""
    chance = random.Random(number)
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=30)
    while not STOP.exists() and time.monotonic() < LONGEST:
        method, body = ("POST", b"x" * 2000) if chance.random() < 0.3 else ("GET", None)
        try:
            connection.request(method, "/api/x", body)
            response = connection.getresponse()
            response.read()
            closing = response.getheader("Connection") == "close"
            with lock:
                counts["requests"] += 1
                counts["announced"] += closing
                if response.status != 200:
                    counts["failures"] += 1
                    kinds[str(response.status)] += 1
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            with lock:
                counts["requests"] += 1
                counts["failures"] += 1
                kinds[type(error).__name__] += 1
        time.sleep(chance.random() / 2)


threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"requests": 0, "announced": 0, "failures": 0, **counts, "kinds": kinds}))

"""Starts programs on a machine for a test: much quicker than a `docker exec` each. Standard library only.

One JSON object a line. In: {"id", "argv", "stdin"}; out: {"id", "pid"} at the start, {"id", "code", "stdout",
"stderr"} at the end. When its input ends, what it started is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from typing import Any

LINE = 2**26


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def work(request: dict[str, Any], running: set[int]) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *request["argv"],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        say(id=request["id"], pid=0)
        say(id=request["id"], code=127, stdout="", stderr=str(error))
        return
    running.add(process.pid)
    say(id=request["id"], pid=process.pid)
    output, errors = await process.communicate(request["stdin"].encode(errors="surrogateescape"))
    running.discard(process.pid)
    texts = {"stdout": output.decode(errors="replace"), "stderr": errors.decode(errors="replace")}
    say(id=request["id"], code=process.returncode, **texts)


async def main() -> None:
    reader = asyncio.StreamReader(limit=LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running: set[int] = set()
    jobs = set()
    while line := await reader.readline():
        job = asyncio.ensure_future(work(json.loads(line), running))
        jobs.add(job)
        job.add_done_callback(jobs.discard)
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


asyncio.run(main())

"""Starts programs on a machine for a test: much quicker than a `docker exec` each. Standard library only.

One JSON object a line. In: {"id", "argv", "stdin", "modules"}; out: {"id", "pid"} at the start, {"id", "code",
"stdout", "stderr"} at the end. When its input ends, what it started is killed. Where modules are named, the program is
a script of Python, and runs in a copy of this process that has them already: most of a short run is importing.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib
import io
import json
import os
import runpy
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

LINE = 2**26


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def run_script(argv: list[str], stdin: bytes, output: int, errors: int) -> int:
    """Run a script as Python would, in this process, and return its code."""
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(errors, 2)
    # A pipe of another program must not stay open for as long as this one runs.
    os.closerange(3, 4096)
    sys.argv, sys.stdin = argv, io.TextIOWrapper(io.BytesIO(stdin))
    code = 0
    try:
        runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


async def fork(request: dict[str, Any], running: set[int]) -> None:
    script = request["argv"][1:]
    folder = str(Path(script[0]).parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    for name in request["modules"]:
        importlib.import_module(name)
    output, errors = os.memfd_create("output"), os.memfd_create("errors")
    pid = os.fork()
    if pid == 0:
        os._exit(run_script(script, request["stdin"].encode(errors="surrogateescape"), output, errors))
    # Both do it, as either may be first, and a test may kill the group at once.
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)
    running.add(pid)
    say(id=request["id"], pid=pid)
    ended, watch = asyncio.Event(), os.pidfd_open(pid)
    asyncio.get_running_loop().add_reader(watch, ended.set)
    await ended.wait()
    asyncio.get_running_loop().remove_reader(watch)
    os.close(watch)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    running.discard(pid)
    say(id=request["id"], code=code, stdout=content(output), stderr=content(errors))


def content(file: int) -> str:
    with os.fdopen(file, "rb") as opened:
        opened.seek(0)
        return opened.read().decode(errors="replace")


async def work(request: dict[str, Any], running: set[int]) -> None:
    if request["modules"]:
        return await fork(request, running)
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
    if sys.version_info < (3, 12):
        # Later ones do so by themselves: a process that is copied has no threads.
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(asyncio.get_running_loop())
        asyncio.set_child_watcher(watcher)
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
    # Nobody waits for what was killed, of which asyncio would warn.
    os._exit(0)


asyncio.run(main())

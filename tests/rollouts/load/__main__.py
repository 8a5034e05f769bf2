"""python -m tests.rollouts.load --target http://10.1.2.3 --target https://10.1.2.3 --rate 200 --until-stdin-closes.

Prints a line that says that it has started, and at the end the result as JSON on one line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from tests.rollouts.load.client import Load, Options
from tests.rollouts.load.message import Target

PROTOCOLS = {"http": ("http",), "https": ("tls", "h2")}


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--target", "--tls", dest="targets", action="append", required=True, metavar="URL", help="again for more")
    add("--protocols", default="http,tls,h2", help="of these: http (for http://), tls and h2 (for https://)")
    add("--kinds", default=",".join(Options.kinds), help="of these: %(default)s")
    add("--rate", type=float, default=Options.rate, help="quick requests per second (%(default)s)")
    add("--long-rate", type=float, default=Options.long_rate, help="slow, upload, stream per second (%(default)s)")
    add("--websockets", type=int, default=Options.websockets, help="sessions at a time (%(default)s)")
    add("--idle", type=float, default=Options.idle, help="idle time of kept connections (%(default)s s)")
    add("--slow-seconds", type=float, default=Options.slow_seconds, help="of slow requests (%(default)s s)")
    add("--session-seconds", type=float, default=Options.session_seconds, help="of WebSockets (%(default)s s)")
    add("--in-flight", type=int, default=Options.in_flight, help="quick requests at a time (%(default)s)")
    add("--answer-seconds", type=float, default=Options.answer_seconds, help="until one has failed (%(default)s s)")
    add("--seconds", type=float, default=0, help="end after this time")
    add("--until-stdin-closes", action="store_true", help="end then")
    add("--with-posts", action="store_true", help="with the ids of all POSTs")
    found = parser.parse_args()
    if not found.seconds and not found.until_stdin_closes:
        parser.error("one of --seconds and --until-stdin-closes is needed")
    return found


def options_of(found: argparse.Namespace) -> Options:
    """Return the options of the load."""
    wanted = found.protocols.split(",")
    targets = [
        Target(url, protocol)
        for url in found.targets
        for protocol in PROTOCOLS[url.partition("://")[0]]
        if protocol in wanted
    ]
    names = (
        "rate",
        "long_rate",
        "websockets",
        "idle",
        "slow_seconds",
        "session_seconds",
        "in_flight",
        "answer_seconds",
    )
    more = {name: getattr(found, name) for name in names}
    return Options(tuple(targets), kinds=tuple(found.kinds.split(",")), **more)


async def main() -> None:
    """Run the load until its end."""
    found = parse()
    load = Load(options_of(found))
    running = asyncio.create_task(load.run())
    print("started", flush=True)
    ends = {running}
    if found.seconds:
        ends.add(asyncio.create_task(asyncio.sleep(found.seconds)))
    if found.until_stdin_closes:
        ends.add(asyncio.create_task(closed_stdin()))
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    load.stop.set()
    await running
    print(json.dumps(load.record.summary(found.with_posts)), flush=True)


async def closed_stdin() -> None:
    """Wait until somebody closes our input."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


if __name__ == "__main__":
    asyncio.run(main())

"""Measure the modules for nginx against the least that they could cost, side by side: python tools/bench_nginx.py.

Each figure is the median of the ratios of pairs, as times of a shared machine say little.
"""

from __future__ import annotations

import json
import statistics
import sys
import typing as t
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

from tests.nginx.machines import fleet  # noqa: E402
from tests.nginx.sites import Site, entries, start_application  # noqa: E402

ROUNDS = 9
CLIENTS = 4000
# What a module costs that does nothing: Python, and Ansible's own share.
EMPTY = """
import json, sys, time, subprocess
runner, arguments, rounds = sys.argv[1], open(sys.argv[2]).read(), int(sys.argv[3])
empty = (
    "import sys; sys.path.insert(0, %r)\\n"
    "import ansible.module_utils.basic as basic\\n"
    "basic._ANSIBLE_ARGS = b'{\\"ANSIBLE_MODULE_ARGS\\": {}}'\\n"
    "basic._ANSIBLE_PROFILE = 'legacy'\\n"
    "basic.AnsibleModule(argument_spec={}).exit_json(changed=False)\\n"
) % runner.rpartition("/")[0]
def timed(command, text):
    start = time.monotonic()
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - start, done.stdout
pairs = []
for _ in range(rounds):
    nothing, _said = timed([sys.executable, "-c", empty], "")
    ours, said = timed([sys.executable, runner, "nginx_upstream"], arguments)
    assert json.loads(said.strip().splitlines()[-1])["changed"] is False, said[-2000:]
    pairs.append((ours, nothing))
print(json.dumps(pairs))
"""
LOOK = """
import json, resource, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.host import LocalHost
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Target
host = LocalHost(Target(), None)
host.watch("/run/nginx.pid")
def spent(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime
pairs = []
for _ in range(int(sys.argv[2])):
    start = spent(resource.RUSAGE_SELF)
    look = host.look()
    ours = spent(resource.RUSAGE_SELF) - start
    start = spent(resource.RUSAGE_CHILDREN)
    subprocess.run(["ss", "-tnp"], capture_output=True, check=True)
    pairs.append((ours, spent(resource.RUSAGE_CHILDREN) - start))
sockets = sum(len(worker.sockets) for worker in look.old_workers)
print(json.dumps([sockets, pairs]))
"""
PARSE = """
import json, resource, subprocess, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Server, Upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.owned import read_file
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.renderer import render
servers = tuple(Server(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}:80", max_fails=3) for n in range(10000))
upstream = Upstream("many", servers, zone="many", zone_size="16m")
path = "/etc/nginx/upstreams.d/many.conf"
def spent(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime
pairs = []
for _ in range(int(sys.argv[2])):
    start = spent(resource.RUSAGE_SELF)
    text = render(upstream)
    assert read_file(text, path, "many", False) == upstream
    ours = spent(resource.RUSAGE_SELF) - start
    open(path, "w").write(text)
    start = spent(resource.RUSAGE_CHILDREN)
    subprocess.run(["nginx", "-t"], capture_output=True, check=True)
    pairs.append((ours, spent(resource.RUSAGE_CHILDREN) - start))
print(json.dumps(pairs))
"""
OPEN = """
import asyncio, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (19000, 19000))
async def one(number):
    reader, writer = await asyncio.open_connection(f"127.0.0.{2 + number % 8}", 80)
    writer.write(b"GET /slow?s=300 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    await writer.drain()
    return reader, writer
async def main():
    kept = []
    for start in range(0, CLIENTS, 200):
        kept += await asyncio.gather(*(one(n) for n in range(start, start + 200)))
    print("open", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def ratio(pairs: Sequence[Sequence[float]]) -> str:
    """Return the median of both halves, and of their ratio."""
    ours, others = (statistics.median(half) * 1000 for half in zip(*pairs, strict=True))
    each = statistics.median(one / other for one, other in pairs)
    return f"{ours:.0f} ms : {others:.0f} ms = **{each:.2f}**"


def no_op(site: Site, count: int) -> str:
    """Time an nginx_upstream that changes nothing against a module that does nothing."""
    servers = entries(*(f"10.0.{number // 250}.{number % 250 + 1}:80" for number in range(count)))
    options: dict[str, t.Any] = {"name": "many", "servers": servers}
    site.machine.module("nginx_upstream", close_window=0, **options)
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": False, "_ansible_diff": False}})
    runner = f"{site.machine.library}/module_runner.py"
    site.machine.put("/run/arguments.json", arguments)
    command = ["python3", "-c", EMPTY, runner, "/run/arguments.json", str(ROUNDS)]
    pairs = json.loads(site.machine.do(command))
    site.machine.module("nginx_upstream", name="many", state="absent", wait=False, close_window=0)
    return ratio(pairs)


def look(site: Site) -> tuple[int, str]:
    """Time a look at the sockets of old workers against `ss -tnp`; return how many there were."""
    site.machine.start(["python3", "-c", OPEN.replace("CLIENTS", str(CLIENTS))])
    counted = "ss -Htn state established '( sport = :80 )' | wc -l"
    site.machine.do(f"for i in $(seq 120); do [ $({counted}) -ge {CLIENTS} ] && exit 0; sleep 0.5; done; exit 1")
    site.machine.module("nginx_reload", close_window=0)
    sockets, pairs = json.loads(site.machine.do(["python3", "-c", LOOK, site.machine.library, str(ROUNDS)]))
    return sockets, ratio(pairs)


def measure() -> list[tuple[str, str]]:
    """Return the rows of the table."""
    with fleet() as machines:
        machine = machines.machine("trixie")
        start_application(machine)
        site = Site(machine)
        files = site.files()
        room = "worker_rlimit_nofile 16384;\nevents {\n    worker_connections 8192;"
        files["nginx.conf"] = files["nginx.conf"].replace("events {\n    worker_connections 2048;", room)
        site.reset(files)
        site.prove()
        rows = [
            (f"no-op `nginx_upstream` with {count:,} servers, against an empty module", no_op(site, count))
            for count in (3, 1000, 10000)
        ]
        parsed = json.loads(machine.do(["python3", "-c", PARSE, machine.library, str(ROUNDS)]))
        machine.do(["rm", "/etc/nginx/upstreams.d/many.conf"])
        sockets, looked = look(site)
    return [
        *rows,
        (f"one look of a drain at {sockets:,} open sockets of old workers, against `ss -tnp` (CPU)", looked),
        ("rendering and reading 10,000 servers, against `nginx -t` of the same file (CPU)", ratio(parsed)),
    ]


if __name__ == "__main__":
    for what, figure in measure():
        print(f"| {what} | {figure} |")

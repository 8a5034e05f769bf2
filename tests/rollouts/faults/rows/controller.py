"""The controller dies, is far away, or there are two of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.rollouts.bench import ROOT, Bench
from tests.rollouts.faults.row import FIRST_ONLY, LONGEST, NEW, ONE_NEW, Row, arguments, killed_when, once, read_until


def killed(name: str, line: str) -> Row:
    """Return the row of a controller that is killed when it prints a line, and starts again at once."""
    return Row(
        name=f"the controller is killed while {name}",
        run=killed_when(line),
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        says=(r"lock.*broken|broke the lock|proven dead|is dead", r"succeeded"),
        sees="At most one batch is held and gets no request; the others serve. The lock is left behind.",
        todo=(
            "Run the same command again, from the same machine, not restarted since: it proves that the run is dead, "
            "says so, breaks its lock and goes on. From another machine name the run that is dead: "
            "`unlock.yml -e run=ID`."
        ),
    )


def second_while_first(bench: Bench, row: Row) -> tuple[int, str]:
    """Start one deploy, and a second one as soon as the first has the lock; the first must end well."""
    first = bench.start("deploy.yml", *arguments(row))
    try:
        read_until(first, "Hold exactly this batch")
        result = once(bench, row)
        output, _ = first.communicate(timeout=LONGEST)
        assert first.returncode == 0, output
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(first.pid, signal.SIGKILL)
    return result


def after_another_machine_died(bench: Bench, row: Row) -> tuple[int, str]:
    """Kill a run; pretend that it was another machine's; break its lock by name; run again."""
    first = bench.start("deploy.yml", *arguments(row))
    read_until(first, "Wait until this host is healthy")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait(10)
    for lb in ("lb1", "lb2"):
        path = "/var/lib/evenkeel/rollouts/backends/lock.json"
        bench.shell(lb, f"""sed -i -E 's/"machine": *"[^"]*"/"machine": "another"/' {path}""")
    code, refused = once(bench, row)
    assert code == 2, refused
    run = bench.lock()["lb1"]["run"]
    assert f"unlock.yml -e run={run}" in " ".join(refused.split()), refused
    bench.play("unlock.yml", "-e", f"run={run}")
    return once(bench, row)


def far_away(bench: Bench, row: Row) -> tuple[int, str]:
    """Deploy over connections whose bytes take 25 ms each way, through no connection that is open already."""
    with tempfile.TemporaryDirectory() as sockets:
        proxy = f"{sys.executable} {ROOT / 'tests/rollouts/delay.py'} %h %p 0.025"
        ssh = f"-o ControlPath={sockets}/%C -o ControlPersist=20 -o 'ProxyCommand={proxy}'"
        extra = json.dumps({"ansible_ssh_extra_args": ssh})
        done = bench.play(row.playbook, "-e", extra, *arguments(row), check=False)
        assert any(Path(sockets).iterdir()), "nobody went the long way"
    return done.code, done.output


ROWS = [
    killed("it stages", "Hand over the hosts in the order of the plan"),
    killed("it holds a batch", "Hold exactly this batch"),
    killed("the application restarts", "Restart the application"),
    killed("it asks for health", "Wait until this host is healthy"),
    killed("it releases the last batch", "Release the last batch"),
    Row(
        name="another machine's controller was killed",
        run=after_another_machine_died,
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        says=(r"succeeded",),
        sees="The run is refused: who has the lock, what they did last and when, and the command that breaks it.",
        todo="Make sure that the run is dead, type the command that the message shows, and deploy again.",
    ),
    Row(
        name="two deploys at once",
        run=second_while_first,
        versions=NEW,
        says=(r"lock", r"deploy of 2\.0\.0", r"unlock\.yml -e run="),
        sees="The second one changes nothing and says who has the lock. The first one ends as if it were alone.",
        todo="Wait for the first one.",
    ),
    Row(
        name="the controller is 50 ms away",
        run=far_away,
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        says=(r"succeeded",),
        sees="Nothing but the seconds: each task takes some round trips, and no request waits for the controller.",
        todo="Nothing. A controller in the same network makes deploys shorter.",
    ),
]

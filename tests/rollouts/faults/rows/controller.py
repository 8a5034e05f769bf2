"""The controller dies, is far away, or there are two of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.rollouts.bench import ROOT, SECOND, Bench
from tests.rollouts.faults.breaks import file, scripts
from tests.rollouts.faults.row import FIRST_ONLY, LONGEST, ONE_NEW, Row, arguments, killed_when, once, read_until


def killed(name: str, line: str, ends: str = r"succeeded") -> Row:
    """Return the row of a controller that is killed when it prints a line, and starts again at once."""
    return Row(
        name=f"the controller is killed while {name}",
        run=killed_when(line),
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        says=(r"lock.*broken|broke the lock|proven dead|is dead", ends),
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
        read_until(first, "Change the rotation")
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


# What another controller does that takes this one for dead: break the lock, take it, and hold a batch of its own.
TAKEN_OVER = """---
- name: Break the lock
  evenkeel.web.rollout:
    name: backends
    state: unlocked
    run: "{{ __rollout_run }}"
    break_run: "{{ __rollout_run }}"
    who: bob
  loop: "{{ groups.load_balancers }}"
  delegate_to: "{{ item }}"

- name: Take the lock
  evenkeel.web.rollout:
    name: backends
    state: locked
    run: bobs
    who: bob
  loop: "{{ groups.load_balancers }}"
  delegate_to: "{{ item }}"

- name: Hold a batch
  evenkeel.web.nginx_upstream_server:
    servers: [backend3]
    owner: rollout-backends
    wait: false
  loop: "{{ groups.load_balancers }}"
  delegate_to: "{{ item }}"
"""

ROWS = [
    killed("it migrates", "Run the migration"),
    killed("it stages", "Hand over the hosts in the order of the plan"),
    killed("it holds a batch", "Change the rotation"),
    killed("the application restarts", "Restart the application"),
    killed("it asks for health", "Wait until this host is healthy"),
    killed("it releases the last batch", "Release the last batch"),
    killed("it watches the last batch", "Read the access logs since", ends=r"nothing to do|succeeded"),
    killed("it reports", "Unlock, and leave the evidence", ends=r"nothing to do|succeeded"),
    Row(
        name="the controller is killed while a host goes back",
        run=killed_when("Link the release that ran"),
        version=f"{SECOND}-unhealthy",
        options=FIRST_ONLY,
        says=(r"is dead", r"backend1"),
        sees="The host that went back is held and gets no request; the others serve. The lock is left behind.",
        todo="Run the same command again: a release that does not do well goes back once more, to what ran before it.",
    ),
    Row(
        name="the controller is killed while a marked host restarts",
        broken=scripts("backend1", "mkdir -p /var/lib/evenkeel/restart; touch /var/lib/evenkeel/restart/stub-backend1"),
        run=killed_when("Wait until this host is healthy"),
        playbook="restart.yml",
        variables={"rollout_only_marked": True},
        code=0,
        says=(r"is dead", r"succeeded"),
        sees="The host that restarted is held and gets no request; its mark is gone. The lock is left behind.",
        todo="Apply site.yml again, from the same machine: the restart that is dead is gone on with.",
    ),
    Row(
        name="the lock is broken although its run lives",
        broken=file("theirs.yml", TAKEN_OVER),
        variables={"rollout_hooks": {"after_batch": "{{ lab_dir }}/theirs.yml"}},
        versions=ONE_NEW,
        held=("backend1", "backend3"),
        locked=True,
        says=(r"has lost its lock on lb1", r"was broken \(by name\)", r"now it is held by"),
        sees=(
            "Two runs would undo each other's work: the one that has lost its lock touches nothing any more, neither "
            "rotation nor lock, and says who has it. What it held stays held."
        ),
        todo="Wait for the run that has the lock. Then the same command again, which goes on where this one ended.",
    ),
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
        options=FIRST_ONLY,
        versions=ONE_NEW,
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

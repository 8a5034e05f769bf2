"""A backend, the way to it or somebody's hold on it is at fault."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from tests.rollouts.bench import BACKENDS, FIRST, SECOND, Bench
from tests.rollouts.faults.breaks import close_ssh, file, opens_ssh, pause, scripts, silent, wakes
from tests.rollouts.faults.row import FIRST_ONLY, OLD, ONE_NEW, Row, during, goes_on, once

LOSSY = """command -v nft >/dev/null || apt-get install -qqy --no-install-recommends nftables >/dev/null
nft -f - <<'N'
table inet lossy {{
  chain input {{
    type filter hook input priority 0;
    tcp dport {port} numgen random mod 100 < 30 counter drop
  }}
}}
N"""


def held_by_ops(bench: Bench, row: Row) -> tuple[int, str]:
    """Hold backend2 as an operator does, then deploy."""
    bench.play("drain.yml", "-l", "backend2", "-e", '{"rotation_reason": "disk swap", "rotation_owner": "ops"}')
    return once(bench, row)


TAKEN_OUT = """---
- name: Take a server out, as drain.yml does
  evenkeel.web.nginx_upstream_server:
    servers: [backend2]
    owner: ops
    reason: disk swap
    wait: false
  loop: "{{ groups.load_balancers }}"
  delegate_to: "{{ item }}"
"""


def only_its_owner_puts_it_back(bench: Bench) -> None:
    """Expect that an undrain by somebody else fails and says by whom it can be done, and that it can."""
    undrain = ("undrain.yml", "-l", "backend2", "-e")
    refused = bench.play(*undrain, "rotation_owner=alice", check=False)
    told = " ".join(refused.output.split())
    assert (refused.code, "backend2 stays out of rotation: held by ops." in told) == (2, True), refused.output
    assert "ansible-playbook undrain.yml -l backend2 -e rotation_owner=ops" in told
    bench.play(*undrain, "rotation_owner=ops")
    assert all(serving == list(BACKENDS) for serving in bench.in_rotation().values())


def over_a_lossy_network(bench: Bench, row: Row) -> tuple[int, str]:
    """Deploy, and expect that packets were lost indeed."""
    result = once(bench, row)
    table = bench.on("backend2", "nft", "list", "table", "inet", "lossy")
    dropped = re.search(r"counter packets (\d+)", table)
    assert dropped and int(dropped[1]) > 20, table
    return result


def untouched(bench: Bench) -> None:
    """Expect the release before on every host."""
    assert bench.versions() == OLD


@contextlib.contextmanager
def two_are_down(bench: Bench) -> Iterator[None]:
    """Stop the application on two of three hosts."""
    with contextlib.ExitStack() as stack:
        for host in ("backend2", "backend3"):
            unit = f"stub-{host}"
            stack.enter_context(scripts(host, f"systemctl stop {unit}", f"systemctl start {unit}")(bench))
        yield


ROWS = [
    Row(
        name="a backend cannot be reached before",
        broken=silent("backend2"),
        # nginx finds out by itself, and asks another one.
        says=(r"backend2", r"Nothing was changed"),
        sees="Nothing is changed: the host is named.",
        todo="Bring it back, or leave it out: `--limit '!backend2'`.",
        versions={"backend1": FIRST, "backend3": FIRST},
        lost=30,
    ),
    Row(
        name="a backend goes silent while it is held",
        broken=wakes("backend1"),
        run=during("Wait until this host is healthy", lambda bench: pause(bench, "backend1")),
        held=("backend1",),
        versions={"backend2": FIRST, "backend3": FIRST},
        says=(r"backend1", r"stuck|stays out"),
        sees="backend1 stays out of rotation, the others serve and were not touched.",
        todo=(
            "When it is back, run the same command again: it is the first one that is taken. If it stays away, leave "
            "it out for good, `drain.yml -l backend1`, and run the command for the others."
        ),
    ),
    Row(
        name="the way to a backend is closed while it is held",
        broken=opens_ssh("backend1"),
        run=during("Change the rotation", lambda bench: close_ssh(bench, "backend1")),
        held=("backend1",),
        versions={"backend2": FIRST, "backend3": FIRST},
        says=(r"backend1 cannot be reached any more", r"backend1 gets no requests"),
        after=goes_on(*FIRST_ONLY),
        sees="What runs there cannot be told, so backend1 stays out, though it would answer; the others serve.",
        todo="When it can be reached again, run the same command again: it is the first one that is taken.",
    ),
    Row(
        name="the way to a backend is closed before it migrates",
        broken=opens_ssh("backend1"),
        run=during("Migrate nothing where something failed", lambda bench: close_ssh(bench, "backend1")),
        versions={"backend2": FIRST, "backend3": FIRST},
        says=(r"backend1 cannot be reached any more", r"Not touched: backend1, backend2, backend3"),
        after=untouched,
        sees="Nothing was drained and nothing switched: whether it has migrated cannot be told.",
        todo="When it can be reached again, run the same command again: it migrates again as well.",
    ),
    Row(
        name="the last healthy server",
        broken=two_are_down,
        options=("--limit", "backend1"),
        versions={"backend1": FIRST, "backend2": "", "backend3": ""},
        says=(r"backend1.*min_healthy", r"backend2 is unhealthy"),
        sees="A batch that would leave fewer healthy servers than `rollout_min_healthy` is not taken out.",
        todo="Mend the server that is named as unhealthy, or lower `rollout_min_healthy`.",
    ),
    Row(
        name="a server is held by somebody else",
        run=held_by_ops,
        code=0,
        versions={"backend1": SECOND, "backend2": FIRST, "backend3": SECOND},
        held=("backend2",),
        says=(r"backend2.*held by\s+ops", r"disk swap"),
        sees="The host is left out, and its owner, reason and age are said. It stays held.",
        todo="`undrain.yml -l backend2` when the work is done, then the same command again.",
        after=only_its_owner_puts_it_back,
    ),
    Row(
        name="somebody else takes a server out while the rollout runs",
        broken=file("theirs.yml", TAKEN_OUT),
        variables={"rollout_hooks": {"after_batch": "{{ lab_dir }}/theirs.yml"}},
        versions=ONE_NEW,
        held=("backend2",),
        says=(r"held by somebody else since the plan was made: backend2 by ops \(disk swap\)", r"Done: backend1"),
        sees="The rollout stops before the batch of that host: whoever took it out may have stopped it by now.",
        todo="The same command again goes on with the others; `undrain.yml` when the work is done, then once more.",
    ),
    Row(
        name="the application's main process is killed while it drains",
        run=during(
            "Change the rotation",
            lambda bench: bench.on(
                "backend1", "systemctl", "kill", "--kill-whom=main", "--signal=KILL", "stub-backend1"
            ),
        ),
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        # What the process had in its hands is gone with it.
        lost=20,
        says=(r"succeeded",),
        sees="Requests that the process had in its hands are lost with it; the rollout goes on.",
        todo="Nothing.",
    ),
    Row(
        name="a third of the packets to one backend are lost",
        broken=scripts("backend2", LOSSY, "nft delete table inet lossy"),
        run=over_a_lossy_network,
        options=("--limit", "backend2"),
        code=0,
        versions={**OLD, "backend2": SECOND},
        variables={
            "rollout_healthy_deadline": 120,
            "rollout_drain_timeout": 30,
            # A packet that was lost is sent again after a second, then after two more.
            "rollout_health_check": {"passes": 2, "interval": 0.2, "timeout": 8},
        },
        says=(r"succeeded",),
        sees="Everything takes longer; a server that seems unhealthy meanwhile is named.",
        todo="Mend the network.",
    ),
]

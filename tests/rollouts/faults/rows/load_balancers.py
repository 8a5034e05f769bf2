"""A load balancer, its nginx or its configuration is at fault."""

from __future__ import annotations

import contextlib

from tests.rollouts.bench import FIRST, LOAD_BALANCERS, Bench
from tests.rollouts.faults.breaks import close_ssh, docker, opens_ssh, pause, scripts, silent, wakes, without_ssh
from tests.rollouts.faults.row import FIRST_ONLY, ONE_NEW, Row, during, goes_on

CONFIGURATION = "/etc/nginx/conf.d/zz_by_hand.conf"


def held_on_one(bench: Bench) -> contextlib.AbstractContextManager[None]:
    """Return a break: an operator has drained backend3 on one load balancer only."""
    return scripts(
        "lb1",
        """sed -i -E '/{backend3}:{port}/ s/;/ down;/' /etc/nginx/upstreams.d/*.conf
nginx -s reload; sleep 0.3""".replace("{backend3}", bench.address("backend3")),
    )(bench)


def restart_machine(bench: Bench) -> None:
    """Restart the machine of lb2 as a power cut would."""
    container = bench.container("lb2")
    docker("kill", container)
    docker("start", container)


def close_both(bench: Bench) -> None:
    """Close the way to every load balancer."""
    for lb in LOAD_BALANCERS:
        close_ssh(bench, lb)


def no_way_to_any(bench: Bench, row: Row) -> tuple[int, str]:
    """Deploy, and lose the way to every load balancer before the host that is held is healthy."""
    with opens_ssh("lb1")(bench), opens_ssh("lb2")(bench):
        return during("Restart the application", close_both)(bench, row)


ROWS = [
    Row(
        name="a load balancer cannot be reached before",
        broken=without_ssh("lb2"),
        clients=("lb1",),
        says=(r"lb2", r"Nothing was changed"),
        sees="Nothing is changed: what cannot be told goes on sending requests to a host that is about to stop.",
        todo="Bring the load balancer back, or take it out of the inventory's group if it serves nobody.",
    ),
    Row(
        name="a load balancer is silent before",
        broken=silent("lb2"),
        clients=("lb1",),
        says=(r"lb2", r"Nothing was changed"),
        sees="The same, after the time that ssh waits for a machine that does not answer.",
        todo="Bring the load balancer back. `ServerAliveInterval` and `ConnectTimeout` of ssh bound the wait.",
    ),
    Row(
        name="a load balancer goes silent in the middle",
        broken=wakes("lb2"),
        run=during("Wait until this host is healthy", lambda bench: pause(bench, "lb2")),
        clients=("lb1",),
        versions={},
        says=(r"lb2 still holds backend1",),
        after=goes_on(),
        sees="The rollout stops. What lb1 can be told is undone there; what lb2 holds is named.",
        todo="When it is back, run the same command again: it goes on where it stopped.",
    ),
    Row(
        name="no load balancer can be reached in the middle",
        run=no_way_to_any,
        held=("backend1",),
        # Nobody could be told to give it back.
        locked=True,
        says=(r"No load balancer can be reached any more", r"backend1 gets no requests"),
        after=goes_on(*FIRST_ONLY),
        sees="The rollout stops. What is held stays held and goes back to the release before; the others serve.",
        todo="When one can be reached again, run the same command again: it goes on where it stopped.",
    ),
    Row(
        name="the access log cannot be read",
        variables={"rollout_access_log": "/var/log/nginx"},
        says=(r"/var/log/nginx", r"Nothing was changed"),
        sees="Nothing is changed, and no lock is left: without the log nobody could tell whether a release does well.",
        todo="Name the log that nginx writes: `rollout_access_log`.",
    ),
    Row(
        name="two load balancers disagree",
        broken=held_on_one,
        held_on={"lb1": ("backend3",)},
        says=(r"lb1", r"lb2", r"backend3", r"Nothing was changed"),
        sees="Nothing is changed: which server is held on which load balancer, and by whom.",
        todo="`undrain.yml -l backend3 -e owner=by-hand`, or hold it on both with `drain.yml`.",
    ),
    Row(
        name="the configuration of nginx is broken before",
        broken=scripts("lb1", f"echo 'broken on;' > {CONFIGURATION}", f"rm -f {CONFIGURATION}"),
        says=(r"lb1", r"zz_by_hand\.conf", r"unknown directive|Nothing was changed"),
        sees="Nothing is changed: nginx' own message with the file and the line.",
        todo="Mend the file, `nginx -t`, and run the same command again.",
    ),
    Row(
        name="the configuration of nginx is broken in the middle",
        broken=scripts("lb1", "true", f"rm -f {CONFIGURATION}"),
        run=during(
            "Wait until this host is healthy", lambda bench: bench.shell("lb1", f"echo 'broken on;' > {CONFIGURATION}")
        ),
        # backend1 has its release and cannot be released where nginx takes no configuration.
        versions={"backend1": "2.0.0", "backend2": FIRST, "backend3": FIRST},
        held_on={"lb1": ("backend1",)},
        says=(r"zz_by_hand\.conf", r"lb1 still holds backend1"),
        after=goes_on(*FIRST_ONLY),
        sees="The rollout stops; the host that was held stays held where nginx takes no configuration, and is named.",
        todo="Mend the file, `nginx -t`, and run the same command again: it goes on where it stopped.",
    ),
    Row(
        name="nginx is restarted while a batch is held",
        run=during("Wait until this host is healthy", lambda bench: bench.on("lb1", "systemctl", "restart", "nginx")),
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        # A restart, unlike a reload, breaks what is under way on that load balancer.
        clients=("lb2",),
        asked=LOAD_BALANCERS,
        says=(r"succeeded",),
        sees="Nothing: what is held stands in the configuration, not in the memory of nginx.",
        todo="Nothing. Reload nginx instead of restarting it: a restart breaks the requests that are under way.",
    ),
    Row(
        name="a load balancer's machine is restarted in the middle",
        run=during("Wait until this host is healthy", restart_machine),
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        clients=("lb1",),
        asked=LOAD_BALANCERS,
        # As long as a machine takes to start.
        variables={"ansible_ssh_retries": 6},
        says=(r"succeeded",),
        sees="Nothing, if it is back before ssh has tried for the last time; else it is like one that cannot be asked.",
        todo="Run the same command again if the rollout stopped.",
    ),
]

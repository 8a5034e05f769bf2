"""The release itself is at fault."""

from __future__ import annotations

from tests.rollouts.bench import FIRST, SECOND, Bench
from tests.rollouts.faults.breaks import failing_tasks, faulty, scripts
from tests.rollouts.faults.row import FIRST_ONLY, OLD, ONE_NEW, Row, during
from tests.rollouts.proof import Report

# Answers everything with 200, as an instance that was forgotten does.
SQUATTER = """cat > /run/squatter.py <<'P'
import http.server
class Squatter(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("{address}", {port}), Squatter).serve_forever()
P
systemctl stop stub-backend1
systemd-run --unit=squatter --quiet python3 /run/squatter.py
sleep 1"""
BACK = "backend1 is back on 1.0.0 and serves; the others were not touched."
AGAIN = "Mend the release, give it a new version, and deploy that."


def dies(bench: Bench) -> None:
    """End the release on backend1, and let it not start again."""
    bench.fault("backend1", SECOND, "start-fails")
    bench.on("backend1", "systemctl", "kill", "--kill-whom=main", "--signal=KILL", "stub-backend1")


def only_the_release_failed(bench: Bench) -> None:
    """Expect that nobody met an error but those whom the release has answered."""
    failed = {found["version"]: found["failed"] for found in Report.last(bench).summary["requests"]["by_version"]}
    assert failed.pop(f"{SECOND}-errors") > 0, failed
    assert not any(failed.values()), failed


ROWS = [
    Row(
        name="the new release does not start",
        version=f"{SECOND}-start-fails",
        # What follows a batch is not done for one that went back.
        broken=failing_tasks,
        variables={"rollout_hooks": {"after_batch": "{{ lab_dir }}/fails.yml"}},
        says=(r"backend1", r"reverted", r"stopped", r"^(?!.*nobody answers)"),
        sees=f"The process of the release never runs in its directory. {BACK}",
        todo=f"`journalctl -u <unit>` on backend1 says why. {AGAIN}",
    ),
    Row(
        name="the new release starts and is unhealthy",
        version=f"{SECOND}-unhealthy",
        says=(r"not healthy.*/health", r"500", r"reverted"),
        sees=f"What the load balancers were answered last, how often and for how long. {BACK}",
        todo=f"Ask the path that is named yourself. {AGAIN}",
    ),
    Row(
        name="the health path answers with a redirect",
        version=f"{SECOND}-redirect",
        options=FIRST_ONLY,
        says=(r"301", r"redirect is not healthy", r"reverted"),
        sees=f"A redirect is not healthy, whatever it leads to. {BACK}",
        todo="Set `rollout_health_check.path`, `.host` or `.status` to what the release means by healthy.",
    ),
    Row(
        name="healthy, then dead while it is watched",
        run=during("Note that this host is healthy", dies),
        variables={"rollout_serial": 1},
        says=(r"backend1 was healthy and is not any more", r"reverted"),
        sees=f"The batch was released and is taken out again in the reload that releases the next one. {BACK}",
        todo=f"`journalctl -u <unit>` on backend1 says why. {AGAIN}",
    ),
    Row(
        name="healthy, but users get errors",
        version=f"{SECOND}-errors",
        variables={"rollout_serial": 1},
        says=(r"failed at 2\.0\.0-errors|requests .* failed", r"allowed 5", r"reverted"),
        # Users do see them: that is what the watch notices.
        lost=None,
        after=only_the_release_failed,
        sees=(
            "How many of how many requests failed at the new release, and at the others meanwhile, from the logs. "
            "The users who met the first batch did get these errors: a smaller first batch meets fewer. " + BACK
        ),
        todo=f"{AGAIN} A health path that uses what the users use would have found it before they did.",
    ),
    Row(
        name="a slow start",
        version=f"{SECOND}-slow",
        options=FIRST_ONLY,
        code=0,
        versions={**OLD, "backend1": f"{SECOND}-slow"},
        says=(r"succeeded",),
        sees="Nothing but the seconds: a host is held until it is healthy.",
        todo="Nothing. `rollout_healthy_deadline` must be longer than the slowest start.",
    ),
    Row(
        name="the release before is unhealthy as well",
        version=f"{SECOND}-unhealthy",
        broken=faulty("backend1", FIRST, "unhealthy"),
        options=FIRST_ONLY,
        held=("backend1",),
        says=(r"backend1", r"stuck|stays out"),
        sees="backend1 is unhealthy with both releases, so it stays out of rotation; the others serve.",
        todo="Mend backend1, then run the same command again, or `undrain.yml -l backend1 -e owner=rollout-backends`.",
    ),
    Row(
        name="a later batch fails, and all is to go back",
        broken=faulty("backend2", SECOND, "unhealthy"),
        variables={"rollout_failure_action": "rollback", "rollout_serial": 1},
        says=(r"was rolled back on backend1: backend2: ", r"not touched: backend3"),
        sees="backend2 goes back at once, then backend1, drained and proven healthy in the same way.",
        todo=AGAIN,
    ),
    Row(
        name="a later batch fails, and the release before is unhealthy as well",
        broken=faulty("backend3", SECOND, "unhealthy"),
        run=during("Hand over the hosts", lambda bench: bench.fault("backend2", FIRST, "unhealthy")),
        variables={"rollout_failure_action": "rollback", "rollout_serial": 1},
        held=("backend2",),
        versions={"backend1": SECOND, "backend3": FIRST},
        says=(r"failed: backend3: ", r"going back stopped: backend2 is not healthy", r"rollback\.yml .*-l backend1"),
        sees="The first host that does not do well with the release before stays out, and no other one follows it.",
        todo="Mend that host, or what both releases need; the last lines name the command for either way.",
    ),
    Row(
        name="the old process does not end",
        broken=faulty("backend1", FIRST, "ignores-sigterm", restarted=True),
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        # It took no less than backend_stop_timeout.
        says=(r"backend1 restarted \((1[2-9]|[2-9]\d)\.\d s\)", r"succeeded"),
        sees="Nothing but the seconds: systemd ends what is left after `backend_stop_timeout`.",
        todo="Nothing. An application that ends when it is asked to makes deploys shorter.",
    ),
    Row(
        name="another process answers on the port",
        broken=scripts(
            "backend1",
            SQUATTER,
            "systemctl stop squatter; systemctl reset-failed stub-backend1; systemctl start stub-backend1",
        ),
        options=FIRST_ONLY,
        held=("backend1",),
        # systemd tries to start backend1 again and again: what runs there depends on the moment.
        versions={"backend2": FIRST, "backend3": FIRST},
        says=(r"backend1", r"stuck|stays out"),
        sees="An answer is not enough: the main process of the unit must run in the release, and nobody else may "
        "listen in its place. backend1 stays out.",
        todo="Stop the process that has the port (`ss -ltnp`), then run the same command again.",
    ),
]

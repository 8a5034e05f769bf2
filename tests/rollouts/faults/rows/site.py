"""site.yml, the inventory, options and clocks."""

from __future__ import annotations

import contextlib
import json
import os
import signal

from tests.rollouts.bench import FIRST, SECOND, Bench
from tests.rollouts.faults.breaks import failing_tasks, file, scripts, together
from tests.rollouts.faults.row import FIRST_ONLY, LONGEST, NEW, OLD, ONE_NEW, Row, arguments, once, read_until


def site_meanwhile(bench: Bench, row: Row) -> tuple[int, str]:
    """Apply the tiers of the site while a batch is held."""
    process = bench.start("deploy.yml", *arguments(row))
    try:
        seen = read_until(process, "Wait until this host is healthy")
        for tier in ("load_balancers.yml", "backends.yml"):
            bench.play(tier)
        rest, _ = process.communicate(timeout=LONGEST)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, seen + rest


def twice_in_one_command(bench: Bench, row: Row) -> tuple[int, str]:
    """Name the playbook twice: for the second one nothing is left."""
    process = bench.start("deploy.yml", row.playbook, *arguments(row))
    output, _ = process.communicate(timeout=LONGEST)
    return process.returncode, output


def environment_changed(bench: Bench, _row: Row) -> tuple[int, str]:
    """Change the environment of the application and apply what site.yml applies."""
    extra = json.dumps({"backend_environment": {"COLOUR": "green"}})
    bench.play("backends.yml", "-e", extra)
    done = bench.play("restart.yml", "-e", json.dumps({"rollout_only_marked": True}), check=False)
    return done.code, done.output


def has_colour(bench: Bench) -> None:
    """Expect the new environment in every process, and put the old one back."""
    for host in OLD:
        script = f"tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID stub-{host})/environ | grep COLOUR"
        assert bench.shell(host, script).strip() == "COLOUR=green"
    bench.play("backends.yml")
    bench.everywhere(
        OLD, lambda host: bench.shell(host, f"systemctl restart stub-{host}; rm -f /var/lib/evenkeel/restart/*")
    )


# Both what Ansible runs there and nginx, whose access log the rollout reads.
AHEAD = r"""dpkg -s libfaketime >/dev/null 2>&1 || apt-get install -qqy --no-install-recommends libfaketime >/dev/null
library=$(dpkg -L libfaketime | grep '/libfaketime.so.1$')
cat > /usr/local/bin/python3-ahead <<S
#!/bin/sh
export LD_PRELOAD=$library FAKETIME=+600s FAKETIME_DONT_FAKE_MONOTONIC=1
exec /usr/bin/python3 "\$@"
S
chmod 755 /usr/local/bin/python3-ahead
mkdir -p /run/systemd/system/nginx.service.d
cat > /run/systemd/system/nginx.service.d/ahead.conf <<S
[Service]
Environment=LD_PRELOAD=$library FAKETIME=+600s FAKETIME_DONT_FAKE_MONOTONIC=1
S
systemctl daemon-reload
systemctl restart nginx"""
IN_TIME = """rm -f /usr/local/bin/python3-ahead /run/systemd/system/nginx.service.d/ahead.conf
systemctl daemon-reload
systemctl restart nginx"""


def with_clock_ahead(bench: Bench, row: Row) -> tuple[int, str]:
    """Deploy with a Python on lb2 that is ten minutes ahead."""
    hosts = bench.inventory / "host_vars/lb2.yml"
    hosts.write_text("ansible_python_interpreter: /usr/local/bin/python3-ahead\n")
    try:
        return once(bench, row)
    finally:
        hosts.unlink()


def knows_the_clock(bench: Bench) -> None:
    """Expect that the report knows how far lb2 is ahead, and that the run took no ten minutes by it."""
    report = max((bench.folder / "reports").glob("*/rollout.json"), key=lambda path: path.stat().st_mtime)
    told = json.loads(report.read_text())
    assert 590 < told["clock"]["lb2"] < 900
    assert all(told["started"] <= reload["at"] <= told["finished"] for reload in told["reloads"])


def has_not_migrated(bench: Bench) -> None:
    """Expect that no migration has run."""
    assert not any(bench.migrations().values())


CANNOT_ASK = {"rollout_health_check": {"path": "/not a path"}}


def shows_nothing_that_was_not_asked(bench: Bench) -> None:
    """Expect that the status ends with an error, and that no other host tells of locks that nobody has looked for."""
    shown = bench.play("status.yml", "-e", json.dumps(CANNOT_ASK), check=False)
    assert (shown.code, "no lock" in shown.output) == (2, False), shown.output
    assert "backend1 asks the load balancers for all hosts, and has failed" in " ".join(shown.output.split())


UNKNOWN = """---
- name: Ask somebody
  ansible.builtin.comand: /bin/true
"""
UNREADABLE = """---
- name: Ask somebody
  ansible.builtin.include_role:
    name: nobody.knows
"""

ROWS = [
    Row(
        name="a file of tasks of your own is not there",
        variables={"rollout_hooks": {"before_batch": "{{ lab_dir }}/nowhere.yml"}},
        says=(r"nowhere\.yml", r"Nothing was changed"),
        sees="Nothing was changed; which file it is.",
        todo="Mend its name: it is a path on the controller, from the root on.",
    ),
    Row(
        name="tasks of your own name a module that does not exist",
        broken=file("fails.yml", UNKNOWN),
        variables={"rollout_hooks": {"after_batch": "{{ lab_dir }}/fails.yml"}},
        code=4,
        says=(r"ansible\.builtin\.comand", r"fails\.yml"),
        sees="Nothing was changed; Ansible's own message with the file and the line.",
        todo="Mend the tasks, and run the same command again.",
    ),
    Row(
        name="tasks of your own include what is not there",
        broken=file("fails.yml", UNREADABLE),
        variables={"rollout_hooks": {"before_batch": "{{ lab_dir }}/fails.yml"}, "rollout_serial": 2},
        says=(r"nobody\.knows", r"hold backend1, backend2: ", r"Not touched: "),
        sees="No host of the batch is stopped; what is missing is said above the report.",
        todo="Mend what the tasks include, and run the same command again.",
    ),
    Row(
        name="tasks of your own fail before the first batch",
        # Who speaks for all is not the first to be rolled: one that does not run is.
        broken=together(
            failing_tasks, scripts("backend2", "systemctl stop stub-backend2", "systemctl start stub-backend2")
        ),
        variables={"rollout_hooks": {"before": "{{ lab_dir }}/fails.yml"}},
        versions={"backend1": FIRST, "backend3": FIRST},
        says=(r"rollout_hooks\.before: .*nobody answers", r"Not touched: "),
        after=has_not_migrated,
        # nginx finds out by itself that one does not run, and asks another one.
        lost=20,
        sees="Nothing was migrated and nothing drained; the message is that of the task that failed.",
        todo="Mend what the tasks ask for, and run the same command again.",
    ),
    Row(
        name="tasks of your own fail after a batch",
        broken=failing_tasks,
        variables={"rollout_hooks": {"after_batch": "{{ lab_dir }}/fails.yml"}},
        versions=ONE_NEW,
        says=(r"rollout_hooks\.after_batch: .*nobody answers", r"Done: backend1; not touched: backend2, backend3"),
        sees="The batch has its release and serves; the rollout stops, unlocks and reports.",
        todo="Mend what the tasks ask for, and run the same command again: it goes on with the others.",
    ),
    Row(
        name="tasks of your own fail after the last batch",
        broken=failing_tasks,
        variables={"rollout_hooks": {"after": "{{ lab_dir }}/fails.yml"}},
        options=FIRST_ONLY,
        versions=ONE_NEW,
        says=(r"rollout_hooks\.after: .*nobody answers", r"by version +2\.0\.0", r"Done: backend1"),
        sees="The release is everywhere and serves; the run ends with an error all the same, unlocked and reported.",
        todo="Do what the tasks were to do; the release needs nothing.",
    ),
    Row(
        name="the host that asks for all cannot ask",
        variables=CANNOT_ASK,
        after=shows_nothing_that_was_not_asked,
        says=(r"/not a path", r"Nothing was changed\. backend1 asks the load balancers for all hosts, and has failed"),
        sees="Nothing is changed; what the load balancers were asked, and why that failed, is said above.",
        todo="Mend what is said there, and run the same command again.",
    ),
    Row(
        name="the variables of one host are wrong",
        broken=file("inventory/host_vars/backend2.yml", "rollout_drain_timout: 5\n"),
        says=(r"backend2: rollout_drain_timout is not an option", r"Nothing was changed"),
        sees="Nothing is changed, on the other hosts neither: the variable, and the one that is meant perhaps.",
        todo="Mend the variable, or leave the host out: `--limit '!backend2'`.",
    ),
    Row(
        name="the report cannot be written",
        variables={"rollout_report_dir": "/dev/null/reports"},
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        says=(r"/dev/null/reports/\S+ cannot be written", r"The evidence is on each load balancer", r"succeeded"),
        sees="The rollout ends as it would have ended; where the evidence is on the load balancers is said.",
        todo="Make the directory writable, or name another one: `rollout_report_dir`.",
    ),
    Row(
        name="site.yml while a batch is held",
        run=site_meanwhile,
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        says=(r"succeeded",),
        sees="site.yml warns that a server is held, by whom and why, and leaves it held and its release alone.",
        todo="Nothing.",
    ),
    Row(
        name="a changed environment",
        run=environment_changed,
        code=0,
        versions=OLD,
        says=(r"succeeded",),
        after=has_colour,
        sees="site.yml leaves a mark on each host and ends with a restart of the marked ones, batch by batch.",
        todo="Nothing.",
    ),
    Row(
        name="a limit",
        options=("--limit", "backend2"),
        code=0,
        versions={"backend1": FIRST, "backend2": SECOND, "backend3": FIRST},
        says=(r"succeeded",),
        sees="Only the hosts that were named are rolled; capacity is counted over the whole group all the same.",
        todo="Deploy without the limit: until then the group runs two versions, as `status.yml` shows.",
    ),
    Row(
        name="two playbooks in one command",
        run=twice_in_one_command,
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        says=(r"succeeded", r"othing to do"),
        sees="Each makes a plan of its own: what the first one did, the second one finds done.",
        todo="Nothing.",
    ),
    Row(
        name="more hosts at once than there are",
        variables={"rollout_serial": 100},
        code=0,
        versions=NEW,
        # Of each step of a batch, one host tells: the one that leads it.
        says=(r"min_healthy", r"succeeded", r"^(?!.*\b(?:hold|release|watch) skipped)"),
        sees="A batch never takes so many that fewer than `rollout_min_healthy` serve; the plan says so.",
        todo="Nothing, or set `rollout_serial` to what is meant.",
    ),
    Row(
        name="a clock that is ten minutes ahead",
        broken=scripts("lb2", AHEAD, IN_TIME),
        run=with_clock_ahead,
        options=FIRST_ONLY,
        code=0,
        versions=ONE_NEW,
        # What lb2 logs in what it takes for the future is counted all the same.
        says=(r"succeeded", r"by load balancer +lb2 +[1-9]"),
        after=knows_the_clock,
        sees="Nothing: ages are told by the clock of the host that knows them, and the report uses the controller's.",
        todo="Nothing.",
    ),
]

"""The whole site, in the order in which a user meets it: each test goes on where the one before ended."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import requests

from tests.site import page
from tests.site.lab import ROOT, Run, SiteLab
from tools import dashboard

MODULE_EXECUTIONS = 25
API = "/api/whoami"
CLIENT = ROOT / "tests/nginx/client.py"


def url(site: SiteLab, path: str) -> str:
    return f"http://{site.address('lb1')}{path}"


def answering(site: SiteLab, requests_sent: int = 40) -> set[str]:
    answers = [requests.get(url(site, API), timeout=10) for _ in range(requests_sent)]
    assert {answer.status_code for answer in answers} == {200}
    return {answer.headers["X-Served-By"] for answer in answers}


def scraped(site: SiteLab) -> set[str]:
    answer = requests.get(url(site, "/prometheus/api/v1/targets"), timeout=10).json()
    return {target["labels"]["instance"] for target in answer["data"]["activeTargets"]}


def upstream(site: SiteLab) -> str:
    return site.on("lb1", "cat", "/etc/nginx/upstreams.d/backends.conf")


@contextlib.contextmanager
def load(site: SiteLab, rate: int = 20, path: str = API) -> t.Iterator[dict[str, t.Any]]:
    """Ask the API all the while, and never twice; what became of it is in the result afterwards."""
    command = [sys.executable, str(CLIENT), f"{site.address('lb1')}:80", str(rate), path, "GET"]
    result: dict[str, t.Any] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield result
            result.update(json.loads(process.communicate("", timeout=60)[0]))
        finally:
            process.kill()


def assert_unchanged(run: Run) -> None:
    assert set(run.changed.values()) == {0}, f"changed: {run.changed}\n{run.tail}"


@pytest.fixture(scope="module", name="first")
def first_fixture(site: SiteLab) -> Run:
    """The first run on fresh hosts; everything else needs it."""
    return site.play("site.yml", "--diff")


def test_the_first_run_ends_with_a_smoke_test_that_passes(first: Run) -> None:
    lines = re.findall(r"^\s*(?:- )?['\"]?(ok|off|FAILED) +(\w+) ", first.output, re.MULTILINE)
    assert lines == [("ok", check) for check in ("page", "api", "write", "websocket", "status", "targets")]


@pytest.mark.usefixtures("first")
def test_the_second_run_changes_nothing_and_is_short(site: SiteLab) -> None:
    run = site.play("site.yml", "-vvv")
    assert_unchanged(run)
    executed = site.executions(run)
    print(f"module executions per host: {executed}")
    assert max(executed.values()) <= MODULE_EXECUTIONS, executed


@pytest.mark.usefixtures("first")
def test_check_mode_shows_nothing(site: SiteLab) -> None:
    run = site.play("site.yml", "--check", "--diff", "--limit", site.one_of_each())
    assert_unchanged(run)
    assert "+++" not in run.output


@pytest.mark.usefixtures("first")
def test_every_backend_answers(site: SiteLab) -> None:
    assert answering(site) == {"backend1", "backend2", "backend4"}


def test_no_secret_leaves_its_file(site: SiteLab, first: Run) -> None:
    secrets = site.secrets()
    assert len(secrets) >= 4
    assert [secret for secret in secrets if secret in first.output] == []
    patterns = "\n".join(secrets)
    for name in site.names():
        files = site.on(
            name,
            "grep",
            "-rlFs",
            "-f",
            "-",
            "/etc",
            "/srv",
            "/var/log",
            "/run",
            "/var/lib/evenkeel",
            stdin=patterns,
            check=False,
        ).split()
        modes = site.on(name, "stat", "-c", "%a %n", *files).splitlines() if files else []
        assert [line for line in modes if not re.match(r"[64][04]0 ", line)] == [], f"{name}: readable by all"
        journal = site.on(name, "journalctl", "-q", "--no-pager", "-o", "cat")
        processes = site.on(name, "ps", "-eww", "-o", "args")
        assert [secret for secret in secrets if secret in journal + processes] == [], name


@pytest.mark.usefixtures("first")
def test_every_query_of_the_dashboard_returns_data(site: SiteLab) -> None:
    answering(site)
    run = site.command("python", "tests/integration/dashboard_queries.py", url(site, "/prometheus"))
    print(run.tail)


@pytest.mark.usefixtures("first")
def test_a_limited_run_switches_no_release_and_shortens_no_upstream_and_a_held_server_is_told(site: SiteLab) -> None:
    before = upstream(site)
    assert before.count("server ") >= 3
    run = site.play("backends.yml", "-e", "release_version=9.9.9", "--limit", "backend1")
    assert_unchanged(run)
    assert "1.0.0" in run.output
    assert "9.9.9" in run.output, "the drift must be reported"
    assert upstream(site) == before
    module = ["ansible", "lb1", "-i", str(site.inventory), "-b", "-m", "evenkeel.web.nginx_upstream_server", "-a"]
    site.command(*module, "servers=backend1 owner=ops reason='disk swap'")
    assert answering(site) == {"backend2", "backend4"}
    run = site.play("site.yml", "--limit", "lb1", "--skip-tags", "smoke")
    assert_unchanged(run)
    assert re.search(r"\(backend1\) is held out by\s+ops\s+\(disk\s+swap\)", run.output), run.tail
    site.command(*module, "servers=backend1 owner=ops state=enabled")
    assert upstream(site) == before
    assert answering(site) == {"backend1", "backend2", "backend4"}


def starts(site: SiteLab, names: t.Iterable[str]) -> dict[str, int]:
    """Return when the application of each backend started, in microseconds of the machine's clock."""
    asked = ["systemctl", "show", "-P", "ActiveEnterTimestampMonotonic"]
    return {name: int(site.on(name, *asked, f"notes-{name}")) for name in names}


@pytest.mark.usefixtures("first")
def test_hosts_come_and_go_a_setting_restarts_one_backend_at_a_time_and_no_request_is_lost(site: SiteLab) -> None:
    hosts = site.hosts()
    gone = {name: site.address(name) for name in ("backend4", "frontend3")}
    del hosts["backends"]["hosts"]["backend4"], hosts["frontends"]["hosts"]["frontend3"]
    hosts["backends"]["hosts"]["backend3"] = hosts["frontends"]["hosts"]["frontend2"] = None
    site.write_hosts(hosts)
    site.create()
    site.set("backend_threads", 9)
    before = starts(site, ("backend1", "backend2"))
    with load(site) as seen:
        run = site.play("site.yml")
        site.prune(site.names())
    assert seen["requests"] > 200
    assert seen["failures"] == {}
    changed = {host for host, number in run.changed.items() if number}
    assert changed - {"localhost"} == {"lb1", "monitoring1", "backend3", "frontend2", *before}, run.changed
    assert [address for address in gone.values() if address in upstream(site)] == []
    assert answering(site) == {"backend3", *before}
    assert {"backend3", "frontend2"} <= scraped(site)
    assert not gone.keys() & scraped(site)
    after = starts(site, before)
    assert all(before[name] < after[name] for name in before), "every backend must run with the new setting"
    assert list(after.values()) == sorted(after.values()), "in the order of the inventory"
    assert_unchanged(site.play("restart.yml", "-e", "rollout_only_marked=true"))


Edit = t.Callable[[dict[str, t.Any]], t.Any]


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    ("edit", "says"),
    [
        pytest.param(lambda hosts: hosts.pop("backends"), ["no group backends", "load_balancers"], id="missing group"),
        pytest.param(
            lambda hosts: hosts.update(backends={"hosts": {}}),
            ["group backends has no host"],
            id="empty group",
            marks=pytest.mark.long,
        ),
        pytest.param(
            lambda hosts: hosts["backends"]["hosts"].update(backend1={"ansible_host": "backend1.example.com"}),
            ["backend1", "backend1.example.com", "IP"],
            id="name instead of an address",
            marks=pytest.mark.long,
        ),
        pytest.param(
            lambda hosts: hosts["backends"]["hosts"].update(backend1={"upstream_weight": -1}),
            ["backend1", "-1", "weight"],
            id="negative weight",
        ),
        pytest.param(
            lambda hosts: hosts["backends"]["hosts"].update(backend1={"upstream_port": 70000}),
            ["backend1", "70000", "65535"],
            id="port too high",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_wrong_inventory_is_refused_before_anything_is_written(site: SiteLab, edit: Edit, says: list[str]) -> None:
    right = site.hosts()
    wrong = site.hosts()
    edit(wrong)
    site.write_hosts(wrong)
    try:
        run = site.play("site.yml", check=False)
    finally:
        site.write_hosts(right)
    assert run.code != 0
    assert [part for part in says if part not in run.output] == [], run.tail
    assert_unchanged(run)


@pytest.mark.usefixtures("first")
def test_a_broken_backend_fails_the_smoke_test_by_name(site: SiteLab) -> None:
    site.on("backend2", "systemctl", "stop", "notes-backend2")
    try:
        run = site.play("smoke.yml", check=False)
    finally:
        site.on("backend2", "systemctl", "start", "notes-backend2")
    assert run.code != 0
    assert re.search(r"FAILED +api +backend2 did not answer .* -> +ansible backend2 ", run.output), run.tail


@pytest.mark.usefixtures("first")
def test_frontends_roll_the_same_way_and_go_back(site: SiteLab, tmp_path: Path) -> None:
    build = tmp_path / "frontend"
    shutil.copytree(ROOT / "examples/frontend", build)
    page_of = build / "index.html"
    page_of.write_text(page_of.read_text().replace("<title>", "<title>Second "))
    group = ["-e", "rollout_group=frontends"]
    with load(site, path="/") as seen:
        site.play("deploy.yml", *group, "-e", f"frontend_source={build}")
        assert "<title>Second " in requests.get(url(site, "/"), timeout=10).text
        site.play("rollback.yml", *group)
        assert "<title>Second " not in requests.get(url(site, "/"), timeout=10).text
    assert seen["requests"] > 200
    assert seen["failures"] == {}


@pytest.fixture(scope="module", name="reader")
def reader_fixture(site: SiteLab, first: Run, tmp_path_factory: pytest.TempPathFactory) -> page.Reader:
    """Somebody who follows the page about deploys on the site that stands."""
    assert first.code == 0
    return page.Reader(site, tmp_path_factory.mktemp("reader"))


def follow(site: SiteLab, reader: page.Reader, commands: list[tuple[str, int]]) -> None:
    """Type the commands, and expect that no request is lost meanwhile."""
    with load(site) as seen:
        for command, code in commands:
            reader.follows(command, code)
    assert seen["requests"] > 200
    assert seen["failures"] == {}
    assert answering(site) == {"backend1", "backend2", "backend3"}


def test_who_follows_the_page_deploys_and_sees_a_broken_release_go_back(site: SiteLab, reader: page.Reader) -> None:
    commands, rest = page.halves()
    follow(site, reader, commands)
    assert rest
    assert reader.outcomes() == page.OUTCOMES[:2]


@pytest.mark.long
def test_the_rest_of_the_page_about_deploys_works_as_well(site: SiteLab, reader: page.Reader) -> None:
    follow(site, reader, page.halves()[1])
    assert (site.folder / "dist/diary.txt").read_text().endswith(" backend1\n")
    assert reader.outcomes() == page.OUTCOMES


@pytest.mark.usefixtures("first")
def test_the_rollouts_before_are_marked_on_the_dashboard(site: SiteLab) -> None:
    address, end = url(site, "/prometheus/api/v1/query_range"), time.time()
    for mark in dashboard.dashboard()["annotations"]["list"]:
        asked = {"query": mark["expr"], "start": str(end - 7200), "end": str(end), "step": "1"}
        found = requests.get(address, asked, timeout=10).json()["data"]["result"]
        assert "deploy" in {series["metric"]["verb"] for series in found}, (mark["name"], found)

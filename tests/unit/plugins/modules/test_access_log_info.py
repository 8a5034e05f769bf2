"""A log as nginx writes it in the format of the role nginx."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import access_log
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.host import LocalHost
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.judge import judge
from ansible_collections.evenkeel.web.tests.unit.plugins.modules import support

A, B = "10.0.0.1:5000", "10.0.0.2:5000"
EPOCH = 1795842000


def line(at: int = EPOCH, **changed: Any) -> str:
    """Return a line as the template's log_format makes it."""
    values = {
        "ts": datetime.datetime.fromtimestamp(at, datetime.timezone(datetime.timedelta(hours=2))).isoformat(),
        "request_id": "0123456789abcdef0123456789abcdef",
        "client": "192.0.2.1",
        "vhost": "app.example.com",
        "upstream": "app",
        "method": "GET",
        "uri": "/api/notes?q=\u00e9",
        "proto": "HTTP/1.1",
        "status": 200,
        "bytes": 1234,
        "rt": 0.012,
        "us": "200",
        "uct": "0.000",
        "uht": "0.012",
        "urt": "0.012",
        "ua": A,
        "version": "1.0.0",
        "instance": "backend1",
        "tls": "TLSv1.3",
        "referer": "",
        "agent": 'Mozilla/5.0 "X11"',
        **changed,
    }
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False) + "\n"


@dataclasses.dataclass
class Waits(LocalHost):
    """The real machine, on which no time passes."""

    slept: list[float] = dataclasses.field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def read(path: Path, **changed: Any) -> dict[str, Any]:
    params = {
        "path": str(path),
        "since": 0.0,
        "position": None,
        "upstreams": [],
        "addresses": [],
        "seconds": 0.0,
        "flush": 0.0,
        "position_only": False,
        **changed,
    }
    return access_log.run(params, Waits(), False)


def write(path: Path, *lines: str) -> Path:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(lines))
    return path


@pytest.fixture(name="log")
def log_fixture(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


def server(result: dict[str, Any], address: str, version: str) -> dict[str, int]:
    found = [one for one in result["servers"] if (one["address"], one["version"]) == (address, version)]
    return {key: value for key, value in found[0].items() if key not in ("address", "version")} if found else {}


def test_requests_are_counted_by_server_and_version(log: Path) -> None:
    write(
        log, line(), line(), line(ua=B, version="1.4.2"), line(EPOCH + 1, ua=B, version="1.4.2", status=500, us="500")
    )
    result = read(log)
    assert result["total"] == {"requests": 4, "failed": 1, "retried": 0}
    assert (result["lines"], result["unreadable"], result["changed"]) == (4, 0, False)
    assert server(result, A, "1.0.0") == {
        "requests": 2,
        "failed": 0,
        "retried": 0,
        "attempts": 2,
        "failed_attempts": 0,
    }
    assert server(result, B, "1.4.2") == {
        "requests": 2,
        "failed": 1,
        "retried": 0,
        "attempts": 2,
        "failed_attempts": 1,
    }
    assert result["seconds"] == [
        {"at": EPOCH, "address": A, "version": "1.0.0", "requests": 2, "failed": 0, "retried": 0},
        {"at": EPOCH, "address": B, "version": "1.4.2", "requests": 1, "failed": 0, "retried": 0},
        {"at": EPOCH + 1, "address": B, "version": "1.4.2", "requests": 1, "failed": 1, "retried": 0},
    ]
    assert result["position"] == {"inode": log.stat().st_ino, "offset": log.stat().st_size}


def test_a_retry_belongs_to_the_last_server_and_its_attempts_to_each(log: Path) -> None:
    result = read(write(log, line(ua=f"{A}, {B}", us="502, 200", version="1.4.2")))
    assert result["total"] == {"requests": 1, "failed": 0, "retried": 1}
    assert server(result, B, "1.4.2") == {
        "requests": 1,
        "failed": 0,
        "retried": 1,
        "attempts": 1,
        "failed_attempts": 0,
    }
    assert server(result, A, "") == {"requests": 0, "failed": 0, "retried": 0, "attempts": 1, "failed_attempts": 1}


@pytest.mark.parametrize(
    ("addresses", "statuses", "attempts"),
    [
        (A, "200", ((A, False),)),
        (A, "404", ((A, False),)),
        (A, "101", ((A, False),)),
        (A, "-", ((A, True),)),
        (f"{A}, {B}", "504, 502", ((A, True), (B, True))),
        (f"{A} : {B}", "200 : 503", ((A, False), (B, True))),
        (f"{A}, {B} : {A}", "-, 200 : 200", ((A, True), (B, False), (A, False))),
        # Nobody was left: nginx names the upstream.
        ("app", "502", ()),
        (f"{A}, app", "502, 502", ((A, True),)),
        ("[2001:db8::1]:5000", "200", (("[2001:db8::1]:5000", False),)),
        ("unix:/run/app.sock", "200", (("unix:/run/app.sock", False),)),
        ("", "", ()),
        ("-", "-", ()),
    ],
)
def test_attempts(addresses: str, statuses: str, attempts: tuple[tuple[str, bool], ...]) -> None:
    assert access_log.attempts_of(addresses, statuses, "app") == attempts


@pytest.mark.parametrize(
    ("addresses", "statuses", "attempts"),
    [
        (A, "-", ((A, False),)),
        (A, "502", ((A, True),)),
        (f"{A}, {B}", "-, -", ((A, True), (B, False))),
        (f"{A}, {B}", "504, -", ((A, True), (B, False))),
        (f"{A} : {B}", "200 : -", ((A, False), (B, False))),
    ],
)
def test_a_client_that_does_not_wait_is_not_held_against_the_last_server(
    addresses: str, statuses: str, attempts: tuple[tuple[str, bool], ...]
) -> None:
    assert access_log.attempts_of(addresses, statuses, "app", client_closed=True) == attempts


def test_clients_that_do_not_wait_condemn_no_release_and_servers_that_do_not_answer_do(log: Path) -> None:
    aborted = line(us="-", status=499, version="")
    monitor = {"max_error_ratio": 0.05, "min_requests": 10}
    write(log, *[aborted] * 20, *[line()] * 20, line(ua=f"{B}, {A}", us="502, -", status=499, version=""))
    result = read(log)
    assert result["total"] == {"requests": 41, "failed": 0, "retried": 1}
    assert server(result, A, "")["failed_attempts"] == 0
    assert server(result, B, "")["failed_attempts"] == 1
    verdict = judge([result], [A], monitor)
    assert (verdict["ok"], verdict["new"]["attempts"], verdict["new"]["failed_attempts"]) == (True, 41, 0)
    # They have waited: for something that does not answer.
    write(log, *[line(us="-", status=499, version="", rt=12.0)] * 20)
    assert not judge([read(log)], [A], monitor)["ok"]
    write(log, *[line(us="-", status=502, version="")] * 20)
    assert not judge([read(log)], [A], monitor)["ok"]


def test_a_request_that_found_nobody_left_belongs_to_nobody(log: Path) -> None:
    result = read(write(log, line(ua=f"{A}, app", us="502, 502", status=502, version="")))
    assert server(result, "", "")["failed"] == 1
    assert server(result, A, "") == {"requests": 0, "failed": 0, "retried": 0, "attempts": 1, "failed_attempts": 1}


@pytest.mark.parametrize(
    ("asked", "said", "address"), [(A, "502", A), ("app", "502", ""), (f"{A}, app", "502, 502", "")]
)
def test_an_error_page_does_not_hide_what_failed(log: Path, asked: str, said: str, address: str) -> None:
    shown = line(upstream="", ua=asked, us=said, status=502, version="")
    write(log, shown, line(upstream="", ua="", us="", status=404))
    result = read(log, upstreams=["app"], addresses=[A, B])
    assert result["total"] == {"requests": 1, "failed": 1, "retried": int(", " in asked)}
    assert [row["address"] for row in result["seconds"]] == [address]


def test_an_internal_redirect_is_no_retry(log: Path) -> None:
    assert read(write(log, line(ua=f"{A} : {B}", us="200 : 200")))["total"]["retried"] == 0


def test_what_nginx_answers_itself_counts_without_an_address(log: Path) -> None:
    write(log, line(upstream="", ua="", us="", version="", status=301), line(upstream="web"), line())
    assert server(read(log), "", "")["requests"] == 1
    assert read(log, upstreams=["app"])["total"]["requests"] == 1
    assert read(log, upstreams=["app", "web"])["total"]["requests"] == 2


def test_since_counts_the_whole_second(log: Path) -> None:
    write(log, line(EPOCH - 1), line(EPOCH), line(EPOCH + 1))
    assert read(log, since=EPOCH + 0.9)["total"]["requests"] == 2


def test_half_a_last_line_is_left_for_the_next_time(log: Path) -> None:
    text = line(version="1.4.2")
    write(log, line(), text[:50])
    first = read(log)
    assert (first["total"]["requests"], first["unreadable"]) == (1, 0)
    assert read(log, position_only=True)["position"] == first["position"]
    write(log, text[50:])
    second = read(log, position=first["position"])
    assert (second["total"]["requests"], second["servers"][0]["version"]) == (1, "1.4.2")


def test_lines_that_are_not_in_the_format_are_counted(log: Path) -> None:
    write(log, "192.0.2.1 - - GET /\n", "\n", "[]\n", '{"ts":"x"}\n', line(ts="yesterday"), line(status="200"), line())
    with log.open("ab") as file:
        file.write(line().encode().replace("\u00e9".encode(), b"\xff\xfe"))
    result = read(log)
    assert (result["lines"], result["unreadable"], result["total"]["requests"]) == (8, 6, 2)


def test_a_position_is_found_again_after_a_rotation(log: Path) -> None:
    write(log, line())
    position = read(log, position_only=True)["position"]
    write(log, line(EPOCH + 1))
    rotated = log.rename(f"{log}.1")
    write(log, "")
    # nginx writes to the old one until it opens the new one.
    first = read(log, position=position)
    assert first["total"]["requests"] == 1
    assert first["position"]["inode"] == rotated.stat().st_ino
    write(rotated, line(EPOCH + 2))
    write(log, line(EPOCH + 3), line(EPOCH + 4))
    second = read(log, position=first["position"])
    assert (second["total"]["requests"], second["warnings"]) == (3, [])
    assert second["position"] == {"inode": log.stat().st_ino, "offset": log.stat().st_size}


def test_a_position_that_is_lost_is_said_so(log: Path) -> None:
    write(log, line())
    result = read(log, position={"inode": 1, "offset": 5})
    assert result["total"]["requests"] == 1
    assert "requests may be missing" in result["warnings"][0]


def test_a_log_that_was_emptied_is_said_so(log: Path) -> None:
    write(log, line(), line())
    position = read(log)["position"]
    log.write_text(line(), encoding="utf-8")
    result = read(log, position=position)
    assert result["total"]["requests"] == 1
    assert "somebody has emptied it" in result["warnings"][0]


def test_without_a_position_the_log_before_is_read_if_it_is_recent_enough(log: Path) -> None:
    write(Path(f"{log}.1"), line(EPOCH), line(EPOCH + 5))
    write(log, line(EPOCH + 6))
    assert read(log, since=EPOCH + 5)["total"]["requests"] == 2
    assert read(log)["total"]["requests"] == 1
    later = Path(f"{log}.1").stat().st_mtime + 10
    assert read(log, since=later)["lines"] == 1


def test_it_waits_before_it_reads(log: Path) -> None:
    write(log, line())
    host = Waits()
    options = {"path": str(log), "since": 0, "position": None, "upstreams": [], "addresses": []}
    options["position_only"] = False
    access_log.run({**options, "seconds": 10.0, "flush": 1.2}, host, False)
    assert host.slept == [11.2]


def test_a_log_that_is_not_there_is_named(log: Path) -> None:
    with pytest.raises(TaskError, match=f"path: there is no log {log} on this host"):
        read(log)
    with pytest.raises(TaskError, match="there is no log"):
        read(log, position_only=True)


def test_options_that_cannot_be_used(log: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(log, since=-1.0, flush=float("nan"), position={"inode": 1, "offset": -1})
    assert [finding.path for finding in caught.value.findings] == ["since", "flush", "position.offset"]


def test_the_module_reads_on_where_it_was(log: Path) -> None:
    write(log, line())
    position = support.run("access_log_info", path=str(log), position_only=True)["position"]
    write(log, line(), "garbage\n")
    result = support.run("access_log_info", path=str(log), position=position, flush=0, check_mode=True)
    assert (result["lines"], result["unreadable"], result["total"]["requests"]) == (2, 1, 1)
    result = support.run("access_log_info", path=f"{log}.none", flush=0)
    assert result["failed"]
    assert f"{log}.none" in result["msg"]

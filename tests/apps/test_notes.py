"""examples/app under gunicorn, with MariaDB and Redis."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.apps.support import Answer, Server, WebSocket, ask, close_code, notes_server, wait_until

HEADERS = {"x-served-by": "backend1", "x-app-version": "1.2.3"}


def carries_our_headers(answer: Answer) -> bool:
    return {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def error_of(answer: Answer) -> dict[str, Any]:
    error: dict[str, Any] = answer.json["error"]
    return error


def ready(server: Server) -> bool:
    # Several answers, because each worker finds out by itself.
    return all(ask(server.port, "/ready").status == 200 for _ in range(8))


# --- the migration -------------------------------------------------------------------------------------------------


def test_three_migrations_at_once_apply_each_step_once(migrated: str) -> None:
    assert re.findall(r"applied (\S+)", migrated) == ["0001_create_notes", "0002_remember_the_instance"]
    assert migrated.count("schema 2 of 2") == 3


def migrate(release: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(release / "venv/bin/python"), "-m", "notes.migrate", *arguments]
    return subprocess.run(
        command, cwd=release / "app", env=environment, capture_output=True, text=True, check=False, timeout=30
    )


def test_a_second_migration_changes_nothing(notes_release: Path, environment: dict[str, str], migrated: str) -> None:
    again = migrate(notes_release, environment)
    assert (again.returncode, again.stdout) == (0, "migrate: schema 2 of 2\n")
    assert migrate(notes_release, environment, "--status").stdout == "schema 2 of 2\n"


def test_a_migration_that_was_edited_later_is_refused(
    notes_release: Path, environment: dict[str, str], migrated: str
) -> None:
    path = notes_release / "app/notes/migrations/0001_create_notes.sql"
    text = path.read_text()
    try:
        path.write_text(text.replace("500", "501"))
        refused = migrate(notes_release, environment)
    finally:
        path.write_text(text)
    assert refused.returncode == 1
    assert "0001_create_notes was changed after it was applied" in refused.stderr


def test_a_migration_without_a_database_says_so_in_one_line(notes_release: Path, environment: dict[str, str]) -> None:
    refused = migrate(notes_release, {**environment, "DATABASE_PASSWORD": "wrong"})
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "Access denied" in refused.stderr
    bad = migrate(notes_release, {**environment, "DATABASE_PORT": "70000"})
    assert bad.stderr == "migrate: DATABASE_PORT='70000': a whole number from 1 to 65535 is allowed\n"


# --- the surface ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/health", "/api/whoami", "/api/notes", "/api/counter"])
def test_every_page_answers_and_says_who(notes: Server, path: str) -> None:
    answer = ask(notes.port, path)
    assert answer.status == 200, answer.body
    assert carries_our_headers(answer)
    assert answer.headers["cache-control"] == "no-store"
    if path in {"/health", "/ready", "/api/health"}:
        assert {**answer.json, "checks": None} == {
            "status": "ok", "instance": "backend1", "version": "1.2.3", "checks": None,
        }  # fmt: skip


def test_a_note_written_here_is_read_there(notes: Server, second: Server) -> None:
    assert ask(second.port, "/api/notes").status == 200
    text = "grüße <b>& Ünïcödé</b> 🚀"
    made = ask(notes.port, "/api/notes", "POST", json={"text": f"  {text} "})
    assert (made.status, made.json["text"], made.json["created_by"]) == (201, text, "backend1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made.json["created_at"])
    path = made.headers["location"]
    assert ask(second.port, path).json == made.json
    # The list was in the cache before the write: the write must have made that list old.
    assert ask(second.port, "/api/notes").json["notes"][0] == made.json
    assert ask(second.port, path, "DELETE").status == 204
    gone = ask(notes.port, path)
    assert (gone.status, error_of(gone)["code"]) == (404, "not_found")
    assert made.json not in ask(notes.port, "/api/notes").json["notes"]
    assert ask(notes.port, path, "DELETE").status == 404


def test_the_list_comes_from_the_cache_the_second_time(notes: Server) -> None:
    ask(notes.port, "/api/notes", "POST", json={"text": "cached"})
    assert ask(notes.port, "/api/notes?limit=7").headers["x-cache"] == "miss"
    assert ask(notes.port, "/api/notes?limit=7").headers["x-cache"] == "hit"


def test_pages_follow_each_other(notes: Server) -> None:
    made = [ask(notes.port, "/api/notes", "POST", json={"text": f"page {n}"}).json["id"] for n in range(3)]
    first = ask(notes.port, "/api/notes?limit=2").json["notes"]
    assert [note["id"] for note in first] == [made[2], made[1]]
    following = ask(notes.port, f"/api/notes?limit=2&before={made[1]}").json["notes"]
    assert following[0]["id"] == made[0]


def test_the_counter_is_shared(notes: Server, second: Server) -> None:
    before = ask(notes.port, "/api/counter").json["value"]
    assert ask(second.port, "/api/counter", "POST").json == {
        "value": before + 1, "instance": "backend2", "version": "1.2.3",
    }  # fmt: skip
    assert ask(notes.port, "/api/counter").json["value"] == before + 1


def test_a_session_is_known_to_every_instance(notes: Server, second: Server) -> None:
    first = ask(notes.port, "/api/whoami", headers={"X-Forwarded-For": "203.0.113.9", "Host": "shop.example"})
    cookie = first.headers["set-cookie"]
    assert cookie.startswith("sessionid=")
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    other = ask(second.port, "/api/whoami", headers={"Cookie": cookie.split(";")[0]})
    assert other.json["session"] == first.json["session"]
    assert "set-cookie" not in other.headers
    assert first.json["request"]["forwarded_for"] == "203.0.113.9"
    assert first.json["request"]["host"] == "shop.example"


# --- bad input -----------------------------------------------------------------------------------------------------

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("status", "says", "request_"),
    [
        (400, "bad_request", {"data": b"{", "headers": JSON}),
        (400, "bad_request", {"data": b"\xff", "headers": JSON}),
        (413, "request_entity_too_large", {"json": {"text": "x" * 20000}}),
        (415, "unsupported_media_type", {"data": b"text=x"}),
        (422, "JSON object", {"json": ["text"]}),
        (422, "text is required", {"json": {}}),
        (422, "text is required", {"json": {"text": 5}}),
        (422, "no field 'id'", {"json": {"text": "x", "id": 7}}),
        (422, "1 to 500", {"json": {"text": "   "}}),
        (422, "1 to 500", {"json": {"text": "x" * 501}}),
        (422, "surrogate", {"data": b'{"text": "\\ud800"}', "headers": JSON}),
    ],
)
def test_a_bad_note_is_refused(notes: Server, status: int, says: str, request_: dict[str, Any]) -> None:
    answer = ask(notes.port, "/api/notes", "POST", **request_)
    assert answer.status == status, answer.body
    assert carries_our_headers(answer)
    assert says in f"{error_of(answer)['code']} {error_of(answer)['message']}"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/api/notes?limit=0", "GET", 422),
        ("/api/notes?limit=101", "GET", 422),
        ("/api/notes?limit=-1", "GET", 422),
        ("/api/notes?before=" + "9" * 3000, "GET", 422),
        ("/api/notes?limit=%D9%A3", "GET", 422),
        ("/api/notes/" + "9" * 300, "GET", 404),
        ("/api/notes/1%27%20OR%201=1", "GET", 404),
        ("/api/nothing", "GET", 404),
        ("/api/health", "POST", 405),
        ("/api/notes", "FOOBAR", 405),
        ("/ws/echo", "GET", 400),
    ],
)
def test_a_bad_request_is_json_too(notes: Server, path: str, method: str, status: int) -> None:
    answer = ask(notes.port, path, method)
    assert answer.status == status, answer.body
    assert carries_our_headers(answer)
    assert error_of(answer)["message"]
    if status == 405:
        assert "GET" in answer.headers["allow"]


# --- metrics -------------------------------------------------------------------------------------------------------


def sample(server: Server, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", ask(server.port, "/metrics").body.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_metrics_add_up_over_the_workers(notes: Server) -> None:
    name = 'notes_http_requests_total{method="GET",route="/api/health",status="200"}'
    before = sample(notes, name)
    for _ in range(20):
        ask(notes.port, "/api/health")
    assert sample(notes, name) == before + 20
    text = ask(notes.port, "/metrics").body.decode()
    assert 'notes_build_info{version="1.2.3"} 1.0' in text
    # What a client invents must not become a series.
    assert "FOOBAR" not in text
    assert "/api/nothing" not in text


# --- WebSocket -----------------------------------------------------------------------------------------------------


def test_the_echo_answers_and_says_who(notes: Server) -> None:
    client = WebSocket(notes.port)
    assert client.status == 101
    assert {name: client.headers.get(name) for name in HEADERS} == HEADERS
    for text in ("hello", "grüße 🚀", "x" * 60000):
        client.send(text)
        assert client.receive() == (1, text.encode())
    assert sample(notes, "notes_websockets") == 1
    client.close()
    wait_until(lambda: sample(notes, "notes_websockets") == 0, 5, "the closed WebSocket is no longer counted")
    assert "Traceback" not in notes.log


def test_a_message_that_is_too_big_closes_the_echo(notes: Server) -> None:
    client = WebSocket(notes.port)
    client.send("x" * 70000)
    assert close_code(client.receive()) == 1009
    client.close()


def test_open_websockets_leave_threads_for_requests(notes: Server) -> None:
    clients = [WebSocket(notes.port) for _ in range(16)]
    statuses = {client.status for client in clients}
    assert ask(notes.port, "/health").seconds < 1
    for client in clients:
        client.close()
    assert statuses == {101, 503}
    wait_until(lambda: sample(notes, "notes_websockets") == 0, 5, "the closed WebSockets are no longer counted")


# --- what breaks ---------------------------------------------------------------------------------------------------


def test_a_redis_that_is_gone_costs_the_counter_alone(notes: Server, redis: Server) -> None:
    redis.stop(signal.SIGKILL)
    try:
        answers = {path: ask(notes.port, path) for path in ("/ready", "/api/counter", "/api/notes", "/health")}
    finally:
        redis.start()
    assert {path: answer.status for path, answer in answers.items()} == {
        "/ready": 503, "/api/counter": 503, "/api/notes": 200, "/health": 200,
    }  # fmt: skip
    assert max(answer.seconds for answer in answers.values()) < 2
    assert answers["/ready"].json["checks"]["database"] == "ok"
    assert "Connection" in answers["/ready"].json["checks"]["redis"]
    assert answers["/api/notes"].headers["x-cache"] == "bypass"
    assert error_of(answers["/api/counter"])["dependency"] == "redis"
    assert carries_our_headers(answers["/api/counter"])
    wait_until(lambda: ready(notes), 8, "ready after Redis is back")


def test_a_database_that_is_gone_is_a_503(notes: Server, database: Server) -> None:
    database.stop(signal.SIGKILL)
    try:
        answers = {path: ask(notes.port, path) for path in ("/ready", "/api/notes/1", "/api/counter", "/health")}
    finally:
        database.start()
    assert {path: answer.status for path, answer in answers.items()} == {
        "/ready": 503, "/api/notes/1": 503, "/api/counter": 200, "/health": 200,
    }  # fmt: skip
    assert max(answer.seconds for answer in answers.values()) < 2
    assert answers["/ready"].json["checks"]["redis"] == "ok"
    assert error_of(answers["/api/notes/1"])["dependency"] == "database"
    assert answers["/api/notes/1"].headers["retry-after"] == "2"
    wait_until(lambda: ready(notes), 8, "ready after the database is back")


def test_a_restart_that_nobody_noticed_costs_no_request(notes: Server, database: Server, redis: Server) -> None:
    assert ready(notes)
    for server in (database, redis):
        server.stop(signal.SIGKILL)
        server.start()
    answers = [ask(notes.port, path) for _ in range(4) for path in ("/api/notes", "/api/counter")]
    assert {answer.status for answer in answers} == {200}
    assert "bypass" not in {answer.headers.get("x-cache") for answer in answers}


@pytest.mark.parametrize("which", ["database", "redis"])
def test_a_dependency_that_hangs_neither_hangs_us_nor_our_health(
    notes: Server, which: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(which)
    server.send(signal.SIGSTOP)
    answers: list[Answer] = []
    path = "/api/notes/1" if which == "database" else "/api/counter"
    # Several times the threads of both workers: if each waited for its own timeout, that would add up.
    clients = [threading.Thread(target=lambda: answers.append(ask(notes.port, path))) for _ in range(64)]
    try:
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        # Each worker knows by now: the next request must not wait.
        later = [ask(notes.port, "/health") for _ in range(4)]
    finally:
        server.send(signal.SIGCONT)
    assert {answer.status for answer in answers} == {503}
    assert max(answer.seconds for answer in answers) < 7
    assert max(answer.seconds for answer in later) < 2
    wait_until(lambda: ready(notes), 10, f"ready after {which} goes on")


def test_wrong_passwords_are_named_by_ready_and_never_shown(
    notes_release: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    wrong = {**environment, "DATABASE_PASSWORD": "wrong-1", "REDIS_PASSWORD": "wrong-2"}
    server = notes_server(notes_release, tmp_path, wrong, "backend9")
    server.start()
    try:
        checks = ask(server.port, "/ready").json["checks"]
        assert "Access denied" in checks["database"]
        assert "Authentication" in checks["redis"]
        page = ask(server.port, "/api/notes")
        assert page.status == 503
        for secret in ("wrong-1", "wrong-2"):
            assert secret not in server.log + str(checks) + page.body.decode()
    finally:
        server.stop()


def test_sigterm_finishes_what_runs_and_says_good_bye_to_websockets(
    notes_release: Path, environment: dict[str, str], migrated: str, tmp_path: Path
) -> None:
    server = notes_server(notes_release, tmp_path, environment, "backend8")
    server.start()
    client = WebSocket(server.port)
    client.send("first")
    assert client.receive() == (1, b"first")
    body = b'{"text": "in flight"}'
    upload = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    head = f"POST /api/notes HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nContent-Type: application/json"
    upload.sendall(head.encode() + b"\r\n\r\n" + body[:5])
    time.sleep(0.3)
    began = time.monotonic()
    server.send(signal.SIGTERM)
    assert close_code(client.receive()) == 1001
    upload.sendall(body[5:])
    assert upload.recv(65536).startswith(b"HTTP/1.1 201")
    # As nginx does after "Connection: close"; gunicorn waits for it.
    upload.close()
    assert server.stop(signal.SIGCONT) == 0
    assert time.monotonic() - began < 15, "the WebSocket held the worker"
    assert "Traceback" not in server.log
    client.close()


def test_a_worker_that_dies_is_replaced_and_takes_its_gauges_along(notes: Server) -> None:
    client = WebSocket(notes.port)
    children = f"/proc/{notes.running.pid}/task/{notes.running.pid}/children"
    workers = [int(pid) for pid in Path(children).read_text().split()]
    assert len(workers) == 2
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    client.close()
    wait_until(lambda: set(Path(children).read_text().split()).isdisjoint(map(str, workers)), 10, "new workers")
    wait_until(lambda: ready(notes), 10, "the new workers answer")
    assert sample(notes, "notes_websockets") == 0

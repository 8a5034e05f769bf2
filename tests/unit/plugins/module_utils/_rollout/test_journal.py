from __future__ import annotations

import json
from typing import Any

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import journal
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout.fakes import FakeFiles

FOLDER = "/r/backends/run1"
PATH = f"{FOLDER}/journal.jsonl"


def test_an_event_has_all_its_keys_and_numbers_are_numbers() -> None:
    event = journal.normal({"at": "12.5", "event": "drained", "batch": "2", "sockets": 3})
    assert event == {"at": 12.5, "event": "drained", "host": "", "batch": 2, "text": "", "sockets": 3}


def test_what_was_written_is_read_back() -> None:
    host = FakeFiles(inside=True)
    events = [journal.normal({"at": 1, "event": "held", "text": "é\nline"}), journal.normal({"at": 2, "event": "cut"})]
    journal.append(host, FOLDER, events)
    assert journal.read(host, FOLDER) == events
    assert len(host.files[PATH].splitlines()) == 2


def test_nothing_is_written_for_no_events() -> None:
    host = FakeFiles(inside=True)
    journal.append(host, FOLDER, [])
    assert host.files == {}


def test_lines_that_were_cut_off_are_left_out() -> None:
    good = json.dumps({"at": 1.0, "event": "held"})
    host = FakeFiles(files={PATH: f'{good}\n{{"at": 1.0, "ev\n[1]\n{{"at": 2}}\n{good}\n{good[:9]}'})
    assert [event["event"] for event in journal.read(host, FOLDER)] == ["held", "held"]
    assert journal.read(host, "/r/none") == []


def test_an_event_is_written_once() -> None:
    host = FakeFiles(inside=True)
    first, second = journal.normal({"at": 1, "event": "held"}), journal.normal({"at": 1.5, "event": "held"})
    journal.append(host, FOLDER, [first])
    assert journal.new_of(host, FOLDER, [first, second, second]) == [second]


def test_a_run_has_an_end_when_it_has_told_it() -> None:
    host = FakeFiles(inside=True)
    journal.append(host, FOLDER, [journal.normal({"at": 1, "event": "locked"})])
    assert not journal.has_end(host, FOLDER)
    journal.append(host, FOLDER, [journal.normal({"at": 1, "event": "unlocked"})])
    assert journal.has_end(host, FOLDER)


def test_findings_name_the_event() -> None:
    events: list[dict[str, Any]] = [
        {"at": 1, "event": "held"},
        {"event": "Held!"},
        {"at": "x", "event": "cut", "batch": "one"},
    ]
    assert [finding.path for finding in journal.findings(events)] == [
        "events[1].event",
        "events[1].at",
        "events[2].at",
        "events[2].batch",
    ]

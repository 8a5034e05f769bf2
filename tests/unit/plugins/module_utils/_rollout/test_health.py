from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import health
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import Reply
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._rollout.fakes import FakeProber

GOOD = Reply(200, {"x-app-version": "1.4.2", "server": "gunicorn"}, "ok")
BAD = Reply(500, {}, "no database")
TARGET = {"name": "backend1", "address": "192.0.2.11:5000"}


def params(**changed: Any) -> dict[str, Any]:
    return {
        "targets": [TARGET],
        "scheme": "http",
        "path": "/health",
        "host": "",
        "interval": 1.0,
        "timeout": 2.0,
        "passes": 3,
        "status": [200],
        "headers": {},
        "deadline": 120.0,
        "min_healthy_time": 0.0,
        "warm_up": [],
        "fail_on_unhealthy": False,
        "max_attempts": 0,
        **changed,
    }


def one(prober: FakeProber, **changed: Any) -> dict[str, Any]:
    return dict(health.run(params(**changed), prober, False)["targets"][0])


def test_three_passes_in_a_row_are_healthy() -> None:
    prober = FakeProber(replies=[GOOD], takes=0.25)
    result = health.run(params(), prober, False)
    assert (result["changed"], result["healthy"], result["unhealthy"]) == (False, ["backend1"], [])
    assert result["targets"] == [
        {
            **TARGET,
            "healthy": True,
            "passes": 3,
            "attempts": 3,
            "seconds": 2.25,
            "status": 200,
            "error": "",
            "headers": {"x-app-version": "1.4.2"},
            "body": "",
        }
    ]
    assert prober.asked[0].url == "http://192.0.2.11:5000/health"
    # From start to start.
    assert prober.slept[:2] == [0.75, 0.75]


def test_one_wrong_answer_starts_the_count_anew() -> None:
    seen = one(FakeProber(replies=[GOOD, GOOD, BAD, GOOD]))
    assert (seen["healthy"], seen["attempts"], seen["passes"]) == (True, 6, 3)


def test_flapping_never_becomes_healthy() -> None:
    seen = one(FakeProber(replies=[GOOD, GOOD, BAD] * 100), deadline=60.0)
    assert not seen["healthy"]
    assert 58 <= seen["seconds"] <= 60


def test_it_gives_up_before_the_deadline_passes() -> None:
    prober = FakeProber(replies=[Reply(error="no answer: connection refused")], takes=0.5)
    seen = one(prober, deadline=10.0)
    assert (seen["attempts"], seen["status"], seen["error"]) == (10, 0, "no answer: connection refused")
    assert seen["seconds"] <= 10


def test_an_answer_gets_no_more_time_than_is_left() -> None:
    prober = FakeProber(replies=[Reply(error="no complete answer within 2 s")], takes=2.0)
    seen = one(prober, deadline=5.0)
    assert [ask.timeout for ask in prober.asked] == [2.0, 2.0, 1.0]
    assert seen["seconds"] == 5.0


def test_it_must_stay_healthy() -> None:
    prober = FakeProber(replies=[GOOD])
    seen = one(prober, min_healthy_time=2.5)
    assert (seen["healthy"], seen["seconds"]) == (True, 4.5)


def test_dying_while_it_must_stay_healthy_starts_over() -> None:
    prober = FakeProber(replies=[GOOD, GOOD, GOOD, GOOD, BAD, GOOD])
    seen = one(prober, min_healthy_time=5.0)
    assert (seen["healthy"], seen["attempts"], seen["seconds"]) == (True, 13, 12.0)


def test_healthy_for_too_short_a_time_is_said_so() -> None:
    seen = one(FakeProber(replies=[BAD] * 55 + [GOOD]), min_healthy_time=5.0, deadline=60.0)
    assert not seen["healthy"]
    assert seen["error"] == "healthy for 2.0 s, 5 s are needed"


def test_warm_up_is_asked_once_after_the_passes_and_does_not_count() -> None:
    prober = FakeProber(replies=[GOOD, GOOD, GOOD, BAD, BAD, GOOD])
    seen = one(prober, warm_up=["/", "/api?x=1"], min_healthy_time=2.0)
    assert (seen["healthy"], seen["attempts"]) == (True, 5)
    assert [ask.url.removeprefix("http://192.0.2.11:5000") for ask in prober.asked] == [
        *["/health"] * 3,
        "/",
        "/api?x=1",
        *["/health"] * 2,
    ]


def test_a_quick_look_gives_up_after_its_attempts() -> None:
    prober = FakeProber(replies=[BAD])
    seen = one(prober, passes=2, max_attempts=2)
    assert (seen["healthy"], seen["attempts"], seen["seconds"], seen["body"]) == (False, 2, 1.0, "no database")
    seen = one(FakeProber(replies=[BAD, GOOD]), passes=2, max_attempts=2)
    assert seen["error"] == "passed 1 in a row, 2 are needed"


def test_a_redirect_is_not_healthy_and_says_what_to_set() -> None:
    seen = one(FakeProber(replies=[Reply(301, {"location": "https://app.example.com/health"})]), max_attempts=3)
    assert seen["error"] == (
        "status 301, expected 200: it redirects to https://app.example.com/health, and a redirect is not healthy: "
        "set path, host or status"
    )
    assert one(FakeProber(replies=[Reply(301)]), status=[200, 301])["healthy"]


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"X-App-Version": "1.4.2"}, ""),
        ({"X-App-Version": "1.0.0"}, "header X-App-Version: '1.4.2', expected '1.0.0'"),
        ({"X-Served-By": "b"}, "header X-Served-By: no such header, expected 'b'"),
        ({"Server": "gunicorn"}, ""),
    ],
)
def test_headers_must_be_exactly_so(wanted: dict[str, str], error: str) -> None:
    seen = one(FakeProber(replies=[GOOD]), headers=wanted, max_attempts=3)
    assert (seen["error"], seen["healthy"]) == (error, not error)
    if "Server" in wanted:
        assert seen["headers"]["server"] == "gunicorn"


def test_the_failure_tells_what_was_seen_of_each() -> None:
    with pytest.raises(TaskError) as caught:
        health.run(params(fail_on_unhealthy=True, max_attempts=3), FakeProber(replies=[BAD]), False)
    assert str(caught.value) == (
        "1 of 1 not healthy (asked for /health):\n"
        "backend1 (192.0.2.11:5000): asked 3 times in 2.0 s, passed 0 in a row of 3; last seen: "
        "status 500, expected 200; it said: no database"
    )
    assert caught.value.details["unhealthy"] == ["backend1"]


def test_no_targets_are_no_failure() -> None:
    assert health.run(params(targets=[]), FakeProber(), False)["targets"] == []


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"targets": [TARGET, TARGET]}, "targets.name: 'backend1' must not occur twice"),
        ({"passes": 0}, "passes: 0 must be at least 1"),
        ({"timeout": 0.0}, "timeout: 0.0 must be more than 0"),
        ({"interval": -1.0}, "interval: -1.0 must be at least 0"),
        ({"path": "health"}, "path: 'health' must start with / and hold no space"),
        ({"warm_up": ["/", "x"]}, "warm_up: 'x' must start with /"),
        ({"host": "a b"}, "host: 'a b' must hold no space"),
        ({"status": []}, "status: [] must name at least one"),
        ({"status": [99]}, "status: 99 must be 100 to 599"),
        ({"max_attempts": 2}, "max_attempts: 2 must be 0 or at least passes (3)"),
        ({"deadline": 2.0}, "deadline: 2.0 must be more than 2:"),
    ],
)
def test_options_that_cannot_be_used(changed: dict[str, Any], finding: str) -> None:
    with pytest.raises(ConfigError) as caught:
        health.run(params(**changed), FakeProber(), False)
    assert finding in str(caught.value)


@pytest.mark.parametrize(
    "address", ["192.0.2.11", ":5000", "192.0.2.11:0", "192.0.2.11:65536", "2001:db8::1:80", "a/b:1"]
)
def test_an_address_is_host_and_port(address: str) -> None:
    with pytest.raises(ConfigError, match=r"targets\[b\]\.address"):
        health.run(params(targets=[{"name": "b", "address": address}]), FakeProber(), False)


def test_an_ipv6_address_is_one() -> None:
    prober = FakeProber(replies=[GOOD])
    assert one(prober, targets=[{"name": "b", "address": "[2001:db8::11]:5000"}])["healthy"]
    assert prober.asked[0].url == "http://[2001:db8::11]:5000/health"


def test_all_findings_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        health.run(params(passes=0, status=[1], path=""), FakeProber(), False)
    assert len(caught.value.findings) == 3

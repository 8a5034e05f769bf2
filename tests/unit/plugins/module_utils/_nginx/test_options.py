"""What roles are given."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.options import check_locations, check_value

GOOD = {"path": "/api/", "upstream": "backends"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, None),
        ({"limit_rate": "10r/s", "limit_burst": 5, "limit_connections": 2, "allow": ["10.0.0.0/8"]}, None),
        ({"limit_rate": "", "read_timeout": None}, None),
        ({"upstream": "backend"}, "locs[0].upstream: 'backend' is no upstream; there are: frontends, backends"),
        ({"path": "api/"}, "locs[0].path: 'api/' must start with /"),
        ({"path": ""}, "locs[0].path: '' must start with /"),
        ({"path": "/health"}, "locs[0].path: '/health' is answered by the load balancer itself"),
        ({"read_timeout": "long"}, "locs[0].read_timeout: 'long' must be a time"),
        ({"limit_rate": "10"}, "locs[0].limit_rate: '10' must be a rate such as 10r/s"),
        ({"limit_burst": -1}, "locs[0].limit_burst: -1 must be a whole number >= 0"),
        ({"allow": ["0.0.0.0/0"]}, "locs[0].allow[0]: '0.0.0.0/0' must be smaller than the whole Internet"),
        ({"allow": ["everybody"]}, "locs[0].allow[0]: 'everybody' must be an IP address or a network"),
    ],
)
def test_locations(change: dict[str, t.Any], says: str | None) -> None:
    findings = [str(finding) for finding in check_locations([{**GOOD, **change}], ["frontends", "backends"], "locs")]
    if says is None:
        assert findings == []
    else:
        assert len(findings) == 1
        assert findings[0].startswith(says)


def test_a_path_cannot_be_used_twice() -> None:
    findings = [str(finding) for finding in check_locations([GOOD, GOOD], ["backends"], "locs")]
    assert findings == ["locs[1].path: '/api/' must not be used twice"]


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("port", 443, None),
        ("port", 0, "from 1 to 65535"),
        ("number", 64, None),
        ("number", 63, "must be a whole number >= 64"),
        ("time", "5s", None),
        ("time", "5 minutes", "such as 10s"),
        ("size", "10m", None),
        ("size", "huge", "must be a size"),
        ("buffers", "8 4k", None),
        ("buffers", "4k", "such as 8 4k"),
        ("buffers", "1 4k", "a number >= 2 and a size"),
        ("host", ["a.example", "*.b.example", "[::1]"], None),
        ("host", "a b", "must be a host name"),
        ("listen", "127.0.0.1:8088", None),
        ("listen", "[::1]:8088", None),
        ("listen", "::1:8088", "must be an IP address and a port"),
        ("listen", "localhost:8088", "must be an IP address and a port"),
        ("listen", "127.0.0.1:0", "must be an IP address and a port"),
        ("listen", "8088", "must be an IP address and a port"),
        ("workers", "auto", None),
        ("workers", 4, None),
        ("workers", "many", "must be auto or"),
        ("network", ["10.0.0.1"], None),
        ("network", "::/0", "smaller than"),
    ],
)
def test_values(kind: str, value: t.Any, says: str | None) -> None:
    findings = [str(finding) for finding in check_value("option", value, kind, least=64)]
    if says is None:
        assert findings == []
    else:
        assert len(findings) == 1
        assert findings[0].startswith(f"option: {value!r} ")
        assert says in findings[0]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("2026-11-28T18:00:01Z", None),
        ("2026-11-28T18:00:01+00:00", None),
        ("2026-11-29", None),
        ("2026-11-28T18:00:00Z", "must be later than 2026-11-28T18:00:00Z"),
        ("2026-11-28T18:30:00+01:00", "must be later than 2026-11-28T18:00:00Z"),
        ("tomorrow", "must be a time such as"),
    ],
)
def test_a_moment_is_later_than_another_one(value: str, says: str | None) -> None:
    findings = [str(finding) for finding in check_value("until", value, "moment", "2026-11-28T18:00:00Z")]
    assert (not findings) if says is None else says in findings[0]


def test_a_finding_in_a_list_has_its_place() -> None:
    findings = [str(finding) for finding in check_value("nets", ["10.0.0.1", "::/0", "x"], "network")]
    assert [finding.split(":")[0] for finding in findings] == ["nets[1]", "nets[2]"]

"""Which requests go where."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.locations import check_locations, check_networks

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


def test_networks() -> None:
    findings = [str(finding) for finding in check_networks(["10.0.0.1", "::/0", "x"], "nets")]
    assert [finding.split(":")[0] for finding in findings] == ["nets[1]", "nets[2]"]

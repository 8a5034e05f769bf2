"""The options of nginx_upstream."""

from __future__ import annotations

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.arguments import endpoint, read_upstream
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.values import NotAllowedError


@pytest.mark.parametrize(
    ("address", "port", "written"),
    [
        ("10.0.0.1", 5000, "10.0.0.1:5000"),
        ("10.0.0.1:80", None, "10.0.0.1:80"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("2001:DB8::1", 80, "[2001:db8::1]:80"),
        ("[::1]:80", None, "[::1]:80"),
        ("app.example", 80, "app.example:80"),
        ("unix:/run/app.sock", None, "unix:/run/app.sock"),
    ],
)
def test_an_address_is_written_as_nginx_wants_it(address: str, port: int | None, written: str) -> None:
    assert endpoint(address, port) == written


@pytest.mark.parametrize(
    ("address", "port", "says"),
    [
        ("10.0.0.1:80", 81, "has a port already"),
        ("unix:/run/app.sock", 80, "has no port"),
        ("10.0.0.1", 70000, "from 1 to 65535"),
        ("10.0.0.1:x", None, "from 1 to 65535"),
        ("a b", 80, "must be a host name or an IP address"),
        ("", 80, "must be a host name or an IP address"),
    ],
)
def test_what_is_no_address_is_told(address: str, port: int | None, says: str) -> None:
    with pytest.raises(NotAllowedError, match=says):
        endpoint(address, port)


def test_all_findings_come_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        read_upstream({"name": "a b", "servers": [{"address": "x y"}, {"address": "10.0.0.1", "port": 0}]})
    paths = [finding.path for finding in told.value.findings]
    assert paths == ["name", "servers[0].address", "servers[1].address"]


def test_what_is_not_given_is_not_written() -> None:
    upstream = read_upstream({"name": "app", "servers": [{"address": "10.0.0.1", "port": 80}], "method": None})
    assert (upstream.zone, upstream.keepalive, upstream.method) == ("app", None, "round_robin")
    assert upstream.servers[0].max_fails is None

"""Whether an upstream can be what it is asked to be."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.checker import ENFORCED_BY_NGINX, RULES, check
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.features import Build
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.methods import METHODS
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.model import Hold, Server, Upstream
from ansible_collections.evenkeel.web.tests.unit.plugins.module_utils._nginx import strategies
from hypothesis import given, settings

NEW = Build((1, 31, 3), "", "", "", "", frozenset())
OLD = dataclasses.replace(NEW, version=(1, 22, 1))
BASE = Upstream("app", (Server("10.0.0.1:5000"), Server("10.0.0.2:5000")), zone="app")


def told(build: Build = NEW, server: dict[str, t.Any] | None = None, **fields: t.Any) -> list[str]:
    upstream = dataclasses.replace(BASE, **fields)
    if server is not None:
        upstream = upstream.with_servers([BASE.servers[0], dataclasses.replace(BASE.servers[1], **server)])
    return [str(finding) for finding in check(upstream, build)]


@pytest.mark.parametrize("build", [OLD, NEW], ids=["old", "new"])
def test_what_every_nginx_can(build: Build) -> None:
    kept: dict[str, t.Any] = {
        "keepalive": 32,
        "keepalive_timeout": "60s",
        "keepalive_requests": 100,
        "keepalive_time": "1h",
    }
    assert told(build, **kept, method="hash", key="$uri", consistent=True) == []
    assert told(build, server={"weight": 2, "max_conns": 1, "max_fails": 0, "fail_timeout": "1m30s"}) == []
    assert told(build, server={"backup": True}, method="least_conn") == []
    assert told(build, server={"down": True, "holds": (Hold("ops"),)}) == []
    assert told(build, servers=(Server("unix:/run/app.sock"), Server("[::1]:80"), Server("app.example"))) == []


def test_what_only_a_new_nginx_can() -> None:
    assert told(server={"address": "b.example", "resolve": True, "service": "http"}, resolver="127.0.0.53") == []
    assert told(server={"route": "b", "drain": True}, sticky="route $cookie_route") == []
    assert told(keepalive=4, keepalive_local=True) == []
    assert told(method="least_time", measure="header") == []


@pytest.mark.parametrize(
    ("fields", "path", "since"),
    [
        ({"server": {"resolve": True}}, "servers[1].resolve: True", "1.27.3"),
        ({"server": {"route": "b"}}, "servers[1].route: 'b'", "1.29.6"),
        ({"server": {"drain": True}}, "servers[1].drain: True", "1.29.6"),
        ({"sticky": "cookie a"}, "sticky: 'cookie a'", "1.29.6"),
        ({"resolver": "127.0.0.53"}, "resolver: '127.0.0.53'", "1.27.3"),
        ({"resolver_timeout": "5s"}, "resolver_timeout: '5s'", "1.27.3"),
        ({"keepalive": 0}, "keepalive: 0", "1.29.7"),
        ({"keepalive": 1, "keepalive_local": True}, "keepalive_local: True", "1.29.7"),
        ({"method": "least_time", "measure": "header"}, "method: 'least_time'", "1.31.0"),
    ],
)
def test_what_an_old_nginx_cannot(fields: dict[str, t.Any], path: str, since: str) -> None:
    assert told(OLD, **fields) == [f"{path} needs nginx {since}; this is nginx 1.22.1"]
    assert told(NEW, **fields) == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "a/b"}, "name: 'a/b' must start with a letter or digit"),
        ({"method": "fair"}, "method: 'fair' must be one of: round_robin"),
        ({"method": "hash"}, "key: '' is needed by the method hash"),
        ({"method": "least_time"}, "measure: '' is needed by the method least_time"),
        ({"method": "least_time", "measure": "x"}, "measure: 'x' must be header or last_byte"),
        ({"key": "$uri"}, "key: '$uri' is only for the method hash, not for round_robin"),
        ({"two": True}, "two: True is only for the method random"),
        ({"method": "random", "two_method": "least_conn"}, "two_method: 'least_conn' chooses between two"),
        ({"method": "random", "two": True, "two_method": "ip_hash"}, "two_method: 'ip_hash' must be least_conn"),
        ({"servers": ()}, "servers: [] must name at least one server"),
        ({"servers": (Server("a", backup=True),)}, "servers: ['a'] must not all be backup servers"),
        ({"servers": (Server("a", down=True),)}, "servers: ['a'] must not all be out of rotation"),
        ({"server": {"address": "10.0.0.1:5000"}}, "servers[1].address: '10.0.0.1:5000' must not be used twice"),
        ({"server": {"address": "a b"}}, "servers[1].address: 'a b' must be an IP address or a name"),
        ({"server": {"address": "a:0"}}, "servers[1].address: 'a:0' must be an IP address or a name"),
        ({"server": {"address": "a:65536"}}, "servers[1].address: 'a:65536' must be an IP address or a name"),
        ({"server": {"weight": 0}}, "servers[1].weight: 0 must be a whole number >= 1"),
        ({"server": {"max_conns": -1}}, "servers[1].max_conns: -1 must be a whole number >= 0"),
        ({"server": {"max_fails": -1}}, "servers[1].max_fails: -1 must be a whole number >= 0"),
        ({"server": {"fail_timeout": "5ms"}}, "servers[1].fail_timeout: '5ms' must be a time"),
        ({"keepalive": -1}, "keepalive: -1 must be a whole number >= 0"),
        ({"keepalive": 1, "keepalive_timeout": ""}, "keepalive_timeout: '' must be a time"),
        ({"keepalive": 0, "keepalive_timeout": "5s"}, "keepalive_timeout: '5s' says nothing without keepalive"),
        ({"keepalive_local": True}, "keepalive_local: True says nothing without keepalive"),
        ({"zone_size": "much"}, "zone_size: 'much' must be a size"),
        ({"zone_size": "31k"}, "zone_size: '31k' is too little for 2 servers: at least 32k"),
        ({"zone": "", "zone_size": "64k"}, "zone_size: '64k' is the size of the zone, which has no name"),
        ({"zone": "", "server": {"resolve": True}}, "servers[1].resolve: True needs a zone"),
        ({"server": {"address": "b", "service": "http"}}, "servers[1].service: 'http' needs resolve: true"),
        ({"server": {"address": "b", "resolve": True, "service": ""}}, "servers[1].service: '' must name a service"),
        ({"server": {"resolve": True, "service": "x"}}, "servers[1].address: '10.0.0.2:5000' must be a name without"),
        ({"server": {"route": ""}}, "servers[1].route: '' must not be empty"),
        ({"sticky": "guess"}, "sticky: 'guess' must begin with cookie, route or learn"),
        ({"sticky": "cookie a; evil"}, "sticky: 'cookie a; evil' must be words only"),
        ({"resolver": "a\n"}, "resolver: 'a\\n' must be words only"),
        ({"server": {"comment": "a\nb"}}, "servers[1].comment: 'a\\nb' must be one line of text"),
        ({"server": {"comment": "[held by=x]"}}, "servers[1].comment: '[held by=x]' must be one line of text"),
    ],
)
def test_what_is_refused(fields: dict[str, t.Any], says: str) -> None:
    (finding,) = told(**fields)
    assert finding.startswith(says)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_backup_servers(method: str) -> None:
    needs: dict[str, t.Any] = {"hash": {"key": "$uri"}, "least_time": {"measure": "header"}}.get(method, {})
    refused = [f"servers[1].backup: True cannot be used with the method {method}"]
    expected = refused if "backup" in METHODS[method].forbids else []
    assert told(server={"backup": True}, method=method, **needs) == expected


def test_keepalive_settings_without_keepalive_mean_something_since_it_is_on() -> None:
    assert told(NEW, keepalive_timeout="5s") == []
    assert told(OLD, keepalive_timeout="5s") == [
        "keepalive_timeout: '5s' says nothing without keepalive: no connection is kept"
    ]


def test_all_findings_come_at_once_with_their_places_and_rules() -> None:
    upstream = Upstream("app", (Server("a", weight=0), Server("a", weight=0)), method="hash")
    findings = check(upstream, NEW, "upstreams[2]")
    assert [(finding.path, finding.rule) for finding in findings] == [
        ("upstreams[2].key", "method_needs"),
        ("upstreams[2].servers[1].address", "duplicates"),
        ("upstreams[2].servers[0].weight", "numbers"),
        ("upstreams[2].servers[1].weight", "numbers"),
    ]
    assert {"method_needs", "numbers"} <= ENFORCED_BY_NGINX <= {rule.name for rule in RULES}
    assert "duplicates" not in ENFORCED_BY_NGINX


@settings(max_examples=50)
@given(strategies.upstreams())
def test_any_upstream_can_be_checked(upstream: Upstream) -> None:
    for build in (OLD, NEW):
        assert all(finding.allowed and finding.rule for finding in check(upstream, build))

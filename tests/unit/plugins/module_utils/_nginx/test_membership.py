"""Which servers belong to an upstream."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

import pytest
from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import ConfigError, Finding
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.membership import (
    OFFERED,
    Member,
    Resolver,
    servers_of,
)
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.methods import METHODS
from hypothesis import given
from hypothesis import strategies as st

GROUPS = {"all": ["b1", "b2", "b3"], "ungrouped": [], "backends": ["b1", "b2"], "empty": [], "spare": ["b3"]}
HOSTVARS: dict[str, dict[str, t.Any]] = {
    "b1": {"ansible_host": "10.0.0.1"},
    "b2": {"ansible_host": "b2.example", "upstream_address": "2001:db8::2", "upstream_port": "5001"},
    "b3": {"ansible_host": "10.0.0.3", "upstream_backup": True},
}


def resolve(*upstreams: Mapping[str, t.Any], hostvars: t.Any = None, groups: t.Any = None) -> tuple[t.Any, list[str]]:
    resolver = Resolver(groups or GROUPS, hostvars or HOSTVARS, "ups")
    resolved, findings = resolver.resolve(upstreams)
    return resolved, [str(finding) for finding in findings]


def test_servers_come_from_the_group_in_its_order() -> None:
    (upstream,), findings = resolve({"name": "app", "group": "backends", "port": 5000})
    assert findings == []
    assert [member.endpoint for member in upstream.members] == ["10.0.0.1:5000", "[2001:db8::2]:5001"]
    assert upstream.as_dict()["method"] == "least_conn"


def test_variables_of_a_host_are_its_parameters() -> None:
    variables = {
        "ansible_host": "10.0.0.9",
        "upstream_weight": 3,
        "upstream_max_fails": "0",
        "upstream_fail_timeout": "1m",
        "upstream_max_conns": 7,
        "upstream_backup": True,
    }
    (server,), findings = servers_of(["b"], {"b": variables}, 80)
    assert findings == []
    assert server.as_dict() == {
        "address": "10.0.0.9",
        "port": 80,
        "weight": 3,
        "max_fails": 0,
        "fail_timeout": "1m",
        "max_conns": 7,
        "backup": True,
        "comment": "b",
    }


def test_parameters_that_nginx_assumes_are_left_out() -> None:
    assert Member("b", "10.0.0.1", 80).as_dict() == {"address": "10.0.0.1", "port": 80, "comment": "b"}


def test_random_takes_the_less_busy_of_two() -> None:
    (upstream,), _findings = resolve({"name": "app", "group": "backends", "port": 5000, "method": "random"})
    assert upstream.as_dict()["two"] is True
    assert upstream.as_dict()["two_method"] == "least_conn"


BASE = {"name": "app", "group": "backends", "port": 5000}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"group": "backend"},
            "ups[0].group: 'backend' is no group of the inventory; there are: backends, empty, spare",
        ),
        ({"group": "empty"}, "ups[0].group: 'empty' is a group without hosts; at least one is needed"),
        ({"port": 0}, "ups[0].port: 0 must be a whole number from 1 to 65535"),
        ({"port": 70000}, "ups[0].port: 70000 must be a whole number from 1 to 65535"),
        ({"method": "fastest"}, f"ups[0].method: 'fastest' must be one of: {', '.join(OFFERED)}"),
        ({"method": "hash"}, "ups[0].key: None is needed by the method hash"),
        ({"key": "$uri"}, "ups[0].key: '$uri' is only for the method hash, not for least_conn"),
        ({"consistent": True}, "ups[0].consistent: True is only for the method hash, not for least_conn"),
        ({"fail_timeout": "soon"}, "ups[0].fail_timeout: 'soon' must be a time such as 10s, 5m or 1h"),
        ({"keepalive": -1}, "ups[0].keepalive: -1 must be a whole number >= 0"),
        ({"max_fails": "x"}, "ups[0].max_fails: 'x' must be a whole number >= 0"),
        ({"backup_servers": "drop"}, "ups[0].backup_servers: 'drop' must be one of: keep, omit"),
        ({"name": "a b"}, "ups[0].name: 'a b' must start with a letter or digit"),
        ({"group": "spare"}, "ups[0].group: 'spare' has only backup servers; at least one must not be a backup"),
        (
            {"group": "spare", "backup_servers": "omit"},
            "ups[0].group: 'spare' has only backup servers; at least one must not be a backup",
        ),
    ],
)
def test_what_is_wrong_with_an_upstream_is_told(change: dict[str, t.Any], says: str) -> None:
    resolved, findings = resolve({**BASE, **change})
    assert resolved == []
    assert len([finding for finding in findings if finding.startswith(says)]) == 1, findings


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "host b: upstream_address: None is not set, nor is ansible_host: an IP is needed"),
        ({"ansible_host": "b.example"}, "host b: ansible_host: 'b.example' must be an IPv4 or IPv6 address"),
        ({"upstream_address": "b.example"}, "host b: upstream_address: 'b.example' must be an IPv4 or IPv6 address"),
        ({"ansible_host": "::1", "upstream_weight": -1}, "host b: upstream_weight: -1 must be a whole number >= 1"),
        ({"ansible_host": "::1", "upstream_weight": 0}, "host b: upstream_weight: 0 must be a whole number >= 1"),
        ({"ansible_host": "::1", "upstream_port": 0}, "host b: upstream_port: 0 must be a whole number from 1 to"),
        ({"ansible_host": "::1", "upstream_max_fails": -1}, "host b: upstream_max_fails: -1 must be a whole number"),
        ({"ansible_host": "::1", "upstream_fail_timeout": "x"}, "host b: upstream_fail_timeout: 'x' must be a time"),
        ({"ansible_host": "::1", "upstream_backup": "maybe"}, "host b: upstream_backup: 'maybe' must be true or false"),
    ],
)
def test_what_is_wrong_with_a_host_is_told(variables: dict[str, t.Any], says: str) -> None:
    _upstreams, findings = resolve({**BASE, "group": "g"}, hostvars={"b": variables}, groups={"g": ["b"]})
    assert len(findings) == 1
    assert findings[0].startswith(says)


@pytest.mark.parametrize("method", sorted(OFFERED))
def test_backup_servers_where_a_method_forbids_them(method: str) -> None:
    upstream: dict[str, t.Any] = {**BASE, "group": "all", "method": method}
    if method == "hash":
        upstream["key"] = "$uri"
    resolved, findings = resolve(upstream)
    if "backup" in METHODS[method].forbids:
        told = f"ups[0].method: '{method}' cannot have a backup server (b3); use least_conn, or backup_servers: omit"
        assert findings == [told]
        (omitting,), findings = resolve({**upstream, "backup_servers": "omit"})
        assert [member.name for member in omitting.members] == ["b1", "b2"]
    else:
        assert [member.backup for member in resolved[0].members] == [False, False, True]
    assert findings == [] or resolved == []


def test_two_hosts_at_one_address_are_refused() -> None:
    same = {"b1": {"ansible_host": "10.0.0.1"}, "b2": {"ansible_host": "10.0.0.1"}}
    _upstreams, findings = resolve(BASE, hostvars=same)
    assert findings == [
        "host b2: '10.0.0.1:5000' is also the address of b1; give one of them another upstream_port",
    ]
    same["b2"]["upstream_port"] = "5001"
    assert resolve(BASE, hostvars=same)[1] == []


def test_all_findings_come_at_once_and_each_once() -> None:
    broken = {"b1": {"ansible_host": "x"}, "b2": {"upstream_weight": 0, "ansible_host": "10.0.0.1"}}
    _upstreams, findings = resolve(BASE, {**BASE, "name": "app2", "port": 0}, {**BASE, "method": "no"}, hostvars=broken)
    assert len(findings) == len(set(findings))
    for part in ("host b1: ansible_host", "host b2: upstream_weight", "ups[1].port", "ups[2].method", "ups[2].name"):
        assert any(finding.startswith(part) for finding in findings), part


def test_the_port_is_checked_without_hosts_too() -> None:
    _upstreams, findings = resolve({**BASE, "group": "empty", "port": 0})
    assert [finding.split(":")[0] for finding in findings] == ["ups[0].port", "ups[0].group"]


@pytest.mark.parametrize("group", ["empty", "missing"])
def test_an_optional_upstream_may_have_no_servers(group: str) -> None:
    assert resolve({**BASE, "group": group, "optional": True}) == ([], [])


class Lazy(Mapping[str, t.Any]):
    """Variables of a host, where some cannot be templated."""

    def __getitem__(self, key: str) -> t.Any:
        if key == "ansible_host":
            return "10.0.0.1"
        raise AssertionError(f"{key} was read")

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all variables were read")

    def __len__(self) -> int:
        return 2

    def __contains__(self, key: object) -> bool:
        return key in ("ansible_host", "secret")


def test_only_variables_that_are_needed_are_read() -> None:
    assert resolve({**BASE, "group": "g"}, hostvars={"b": Lazy()}, groups={"g": ["b"]})[1] == []


def test_an_error_tells_all_its_findings() -> None:
    error = ConfigError([Finding("a", 1, "must be 2"), Finding("b", "x", "must be y")])
    assert str(error) == "a: 1 must be 2\nb: 'x' must be y"


@given(
    st.lists(
        st.fixed_dictionaries(
            {"ansible_host": st.ip_addresses().map(str)},
            optional={
                "upstream_weight": st.one_of(st.integers(-2, 9), st.text(max_size=3)),
                "upstream_port": st.one_of(st.integers(0, 70000), st.text(max_size=3)),
                "upstream_backup": st.booleans(),
            },
        ),
        max_size=5,
    ),
    st.sampled_from([*OFFERED, "other"]),
)
def test_either_servers_or_findings(variables: list[dict[str, t.Any]], method: str) -> None:
    hosts = {f"b{number}": item for number, item in enumerate(variables)}
    upstream = {"name": "a", "group": "g", "port": 80, "method": method, "key": "$uri" if method == "hash" else ""}
    resolved, findings = resolve(upstream, hostvars=hosts, groups={"g": list(hosts)})
    assert bool(resolved) != bool(findings)
    for entry in resolved:
        assert any(not member.backup for member in entry.members)
        assert len({member.endpoint for member in entry.members}) == len(entry.members) == len(hosts)

"""The filters: what templates and roles see."""

from __future__ import annotations

import hashlib
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.filter import (
    file_differs,
    location_findings,
    port_conflicts,
    resolve_upstreams,
    upstream_servers,
    value_findings,
)

HOSTVARS: dict[str, dict[str, t.Any]] = {"b1": {"ansible_host": "10.0.0.1"}, "b2": {"ansible_host": "name"}}


@pytest.mark.parametrize(
    "module",
    [file_differs, location_findings, port_conflicts, resolve_upstreams, upstream_servers, value_findings],
    ids=lambda m: m.__name__,
)
def test_a_filter_has_the_name_of_its_file(module: t.Any) -> None:
    assert list(module.FilterModule().filters()) == [module.__name__.rpartition(".")[2]]


def test_upstream_servers_returns_plain_data() -> None:
    (server,) = upstream_servers.upstream_servers(["b1"], HOSTVARS, port=5000)
    assert server == {"address": "10.0.0.1", "port": 5000, "comment": "b1"}


def test_upstream_servers_without_a_port_are_those_of_http() -> None:
    assert [server["port"] for server in upstream_servers.upstream_servers(["b1"], HOSTVARS)] == [80]


def test_upstream_servers_raises_all_findings() -> None:
    with pytest.raises(AnsibleFilterError, match=r"port: 0 (.|\n)*host b2: ansible_host: 'name'"):
        upstream_servers.upstream_servers(["b1", "b2"], HOSTVARS, port=0)


def test_resolve_upstreams_returns_upstreams_and_findings() -> None:
    wanted = [{"name": "a", "group": "g", "port": 1}, {"name": "b", "group": "h", "port": 1}]
    plan = resolve_upstreams.resolve_upstreams(wanted, {"g": ["b1"], "h": ["b2"]}, HOSTVARS)
    assert [upstream["name"] for upstream in plan["upstreams"]] == ["a"]
    assert plan["findings"] == [
        "host b2: ansible_host: 'name' must be an IPv4 or IPv6 address; a name would be resolved only once"
    ]


def test_location_findings() -> None:
    findings = location_findings.location_findings([{"path": "/", "upstream": "x"}], ["a"])
    assert findings == ["load_balancer_locations[0].upstream: 'x' is no upstream; there are: a"]


def test_value_findings() -> None:
    findings = value_findings.value_findings(
        {"good": [80, "port"], "low": [1, "number", 2], "nets": [["0.0.0.0/0"], "network"]}
    )
    assert findings == [
        "low: 1 must be a whole number >= 2",
        "nets[0]: '0.0.0.0/0' must be smaller than the whole Internet",
    ]


SAME = {
    "path": "/f",
    "checksum": hashlib.sha1(b"x\n", usedforsecurity=False).hexdigest(),
    "mode": "0644",
    "uid": 0,
    "gr_name": "root",
}


@pytest.mark.parametrize(
    ("found", "differs"),
    [
        ([SAME], False),
        ([], True),
        ([{**SAME, "path": "/g"}], True),
        ([{**SAME, "checksum": "0"}], True),
        ([{**SAME, "mode": "0600"}], True),
        ([{**SAME, "uid": 33}], True),
        ([{**SAME, "gr_name": "adm"}], True),
    ],
)
def test_file_differs(found: list[dict[str, t.Any]], differs: bool) -> None:
    assert file_differs.file_differs(found, "/f", "x\n") is differs


def test_file_differs_knows_other_groups() -> None:
    assert not file_differs.file_differs([{**SAME, "gr_name": "adm"}], "/f", "x\n", group="adm")

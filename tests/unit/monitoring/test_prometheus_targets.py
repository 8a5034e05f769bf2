"""The filter that turns jobs and inventory groups into targets."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.evenkeel.web.plugins.filter.prometheus_targets import FilterModule, prometheus_targets

GROUPS = {
    "all": ["lb1", "backend1", "backend2", "six"],
    "backends": ["backend1", "backend2"],
    "frontends": ["six"],
    "nobody": [],
}
HOSTVARS: dict[str, dict[str, t.Any]] = {
    "lb1": {"ansible_host": "10.0.0.1"},
    "backend1": {"ansible_host": "10.0.0.2"},
    "backend2": {"ansible_host": "192.0.2.3", "upstream_address": "10.0.0.3", "upstream_port": 5001},
    "six": {"ansible_host": "fd00::6"},
    "named": {"ansible_host": "named.example.com"},
    "bare": {},
}


def addresses(job: dict[str, t.Any], hostvars: dict[str, dict[str, t.Any]] | None = None) -> list[str]:
    resolved = prometheus_targets([{"name": "job", "port": 9100, **job}], GROUPS, hostvars or HOSTVARS)
    return [target["targets"][0] for target in resolved[0]["targets"]]


def complaint(*jobs: dict[str, t.Any]) -> str:
    groups = {**GROUPS, "wrong": ["named", "bare"]}
    with pytest.raises(AnsibleFilterError) as caught:
        prometheus_targets(jobs, groups, HOSTVARS)
    return str(caught.value)


def test_the_filter_has_the_name_of_its_file() -> None:
    assert list(FilterModule().filters()) == ["prometheus_targets"]


def test_a_job_has_a_target_for_each_host_of_its_groups_with_its_name() -> None:
    assert prometheus_targets([{"name": "node", "group": "backends", "port": 9100}], GROUPS, HOSTVARS) == [
        {
            "name": "node",
            "kind": "scrape",
            "scheme": "http",
            "module": "http_2xx",
            "path": "/metrics",
            "targets": [
                {"targets": ["10.0.0.2:9100"], "labels": {"instance": "backend1", "group": "backends"}},
                {"targets": ["10.0.0.3:9100"], "labels": {"instance": "backend2", "group": "backends"}},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        ({"groups": ["frontends", "backends"]}, ["[fd00::6]:9100", "10.0.0.2:9100", "10.0.0.3:9100"]),
        ({"group": "backends", "port_variable": "upstream_port"}, ["10.0.0.2:9100", "10.0.0.3:5001"]),
        ({"group": "backends", "port": "9200"}, ["10.0.0.2:9200", "10.0.0.3:9200"]),
        ({"group": "nobody", "optional": True}, []),
        ({"groups": ["backends", "all"]}, ["10.0.0.2:9100", "10.0.0.3:9100", "10.0.0.1:9100", "[fd00::6]:9100"]),
    ],
)
def test_targets(job: dict[str, t.Any], wanted: list[str]) -> None:
    assert addresses(job) == wanted


def test_names_of_one_machine_are_one_target_but_ports_of_their_own_are_many() -> None:
    one = {name: {"ansible_host": "10.0.0.9", "upstream_port": 5000 + n} for n, name in enumerate(GROUPS["all"])}
    assert addresses({"group": "all"}, one) == ["10.0.0.9:9100"]
    assert len(addresses({"group": "all", "port_variable": "upstream_port"}, one)) == 4


def test_a_probe_has_a_path_and_peers_carry_their_address() -> None:
    job = {"name": "ready", "group": "frontends", "port": 80, "kind": "probe", "peer": True, "labels": {"team": "a"}}
    resolved = prometheus_targets([job], GROUPS, HOSTVARS)[0]
    assert resolved["path"] == "/"
    assert resolved["targets"][0]["labels"] == {
        "team": "a",
        "instance": "six",
        "group": "frontends",
        "peer": "[fd00::6]:80",
    }


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = complaint(
        {"name": "a b", "group": "wrong", "port": 9100},
        {"name": "two", "group": "missing", "port": 70000},
        {"name": "two", "group": "nobody", "port": 1},
        {"name": "none", "port": 1},
        {"name": "port", "group": "backends", "port": 0},
    )
    for part in (
        "prometheus_jobs[0].name: 'a b'",
        "host named: ansible_host: 'named.example.com' must be an IPv4 or IPv6 address",
        "host bare: upstream_address: None is not set",
        "prometheus_jobs[1].group: 'missing' is no group",
        "prometheus_jobs[2].group: 'nobody' is no group of the inventory with a host; there are: all, backends",
        "prometheus_jobs[3].group: None is needed",
        "prometheus_jobs[4].port: 0 must be a whole number from 1 to 65535",
        "'two' is used twice",
    ):
        assert part in told

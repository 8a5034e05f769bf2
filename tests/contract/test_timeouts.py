"""The wiring hands every timeout to a rollout: the defaults fit together, and a value that does not is told."""

from __future__ import annotations

import json
import re
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.membership import Pool
from ansible_collections.evenkeel.web.plugins.module_utils._rollout import timeouts

from tests.contract.reading import load, options, owner, roles
from tests.contract.test_inventories import ROOT, run

EXAMPLE = ROOT / "inventories/example"
WIRING = (EXAMPLE / "group_vars/all/00_wiring.yml").read_text(encoding="utf-8")
# A value that is repeated because the site leaves it to the role.
REPEATED = re.compile(r"(?:\b|attribute=')(\w+)(?:'?, default=| \| default\()([^()]*)\)")
PREFLIGHT = {"name": "evenkeel.web.rollout", "tasks_from": "preflight"}
PLAY = [
    {
        "name": "Check",
        "hosts": "{{ rollout_group | default('backends') }}",
        "gather_facts": False,
        "tasks": [{"name": "Check", "ansible.builtin.include_role": PREFLIGHT}],
    }
]


def chain() -> str:
    """Return the part of the wiring that hands over timeouts."""
    found = re.search(r"^rollout_close_window:.*?^$", WIRING, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


def repeated() -> dict[str, t.Any]:
    return {name: yaml.safe_load(value) for name, value in REPEATED.findall(chain())}


def preflight(folder: Path, given: dict[str, t.Any] | None = None, inventory: Path = EXAMPLE) -> tuple[int, str]:
    """Run the preflight of a rollout for hosts that nobody can reach."""
    (folder / "play.yml").write_text(yaml.safe_dump(PLAY))
    extra = ("-e", json.dumps(given or {}))
    code, output = run("ansible-playbook", str(folder / "play.yml"), "-i", str(inventory), *extra)
    return code, " ".join(output.split())


def test_the_wiring_names_every_timeout_of_the_chain() -> None:
    own = {"drain_timeout", "close_window", "backend_stop_timeout"}
    # nginx' own time is the close window, and nobody may set the other one.
    never = {"keepalive_min_timeout", timeouts.SHUTDOWN}
    wired = yaml.safe_load(WIRING)["rollout_timeouts"]
    assert set(wired) == set(timeouts.NAMES) - own - never


def test_what_the_wiring_repeats_is_what_the_roles_say() -> None:
    known = [role.name for role in roles(ROOT)]
    # The site's own decisions, and what the upstreams' plan has instead of a role.
    site = {
        "app_longest_request": "",
        "rollout_group": "backends",
        "keepalive_timeout": Pool("x", ()).keepalive_timeout,
    }
    found = repeated()
    assert len(found) > len(timeouts.CHAIN)
    # The locations of the role do not shorten what it gives to all of them.
    assert found.pop("load_balancer_locations") == []
    locations = load(ROOT / "roles/load_balancer/defaults/main.yml")["load_balancer_locations"]
    read_timeouts = [timeouts.seconds(item["read_timeout"]) for item in locations if "read_timeout" in item]
    assert min(read_timeouts) >= timeouts.seconds(found["load_balancer_read_timeout"])
    for name, value in found.items():
        role = owner(name, known) if name not in site else None
        defaults = load(ROOT / f"roles/{role}/defaults/main.yml") if role else site
        assert name in defaults, f"{name} is no variable of a role"
        assert role is None or name in options(ROOT / "roles" / role)
        assert value == defaults[name], f"{name}: the wiring says {value!r}, the role {defaults[name]!r}"


@pytest.mark.parametrize("group", ["backends", "frontends"])
def test_the_defaults_fit_together(group: str, tmp_path: Path) -> None:
    code, output = preflight(tmp_path, {"rollout_group": group})
    assert code == 0, output


def upstreams(**more: t.Any) -> dict[str, t.Any]:
    return {"load_balancer_upstreams": [{"name": "backends", "group": "backends", "port": 5000, **more}]}


BREAKS: tuple[tuple[dict[str, t.Any], tuple[str, ...]], ...] = (
    (
        {"app_longest_request": 70},
        tuple(
            f"longest_request is 70 s and {name}; set {name.split()[0]} to at least 70"
            for name in (
                "drain_timeout 60 s: the drain ends before the request",
                "backend_timeout 30 s: the server kills the worker before the request ends",
                "proxy_read_timeout 60 s: nginx gives up before the answer comes",
            )
        ),
    ),
    ({"nginx_client_body_timeout": 60}, ("client_body_timeout is 60 s", "set drain_timeout to more than 60")),
    ({"backend_graceful_timeout": 20}, ("backend_timeout is 30 s", "set backend_graceful_timeout to at least 30")),
    ({"backend_stop_timeout": 30}, ("backend_graceful_timeout is 30", "set backend_stop_timeout to more than 30")),
    ({"backend_keepalive": 60}, ("proxy_keepalive_timeout is 60", "set backend_keepalive to more than 60")),
    (upstreams(keepalive_timeout="2m"), ("proxy_keepalive_timeout is 120", "set backend_keepalive to more than 120")),
    ({"load_balancer_read_timeout": "20s"}, ("longest_request is 30", "set proxy_read_timeout to at least 30")),
    (
        {"load_balancer_locations": [{"path": "/", "upstream": "websocket", "read_timeout": "29s"}]},
        ("longest_request is 30 s and proxy_read_timeout 29 s", "set proxy_read_timeout to at least 30"),
    ),
    ({"nginx_keepalive_timeout": 75}, ("client_keepalive_timeout is 75", "set close_window to at least 75")),
)


@pytest.mark.parametrize(("given", "says"), BREAKS, ids=lambda value: next(iter(value)).split()[0])
def test_a_value_that_breaks_a_link_is_refused(given: dict[str, t.Any], says: tuple[str, ...], tmp_path: Path) -> None:
    code, output = preflight(tmp_path, given)
    assert code != 0
    assert [part for part in says if part not in output] == [], output


def test_every_link_is_broken_above() -> None:
    said = " ".join(part for _given, says in BREAKS for part in says)
    assert [longer for _, longer, *_ in timeouts.CHAIN if f"set {longer} to" not in said] == []


def test_a_value_of_one_load_balancer_is_seen(tmp_path: Path) -> None:
    inventory = tmp_path / "example"
    shutil.copytree(EXAMPLE, inventory)
    (inventory / "host_vars").mkdir()
    (inventory / "host_vars/lb1.example.com.yml").write_text("nginx_keepalive_timeout: 75\n")
    code, output = preflight(tmp_path, inventory=inventory)
    assert code != 0
    assert "set close_window to at least 75" in output

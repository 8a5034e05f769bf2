"""The inventories that users copy pass the check before anything is written, and a mistake for any tier does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_NOCOLOR": "true",
    "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools/lab/callback"),
    "ANSIBLE_CALLBACKS_ENABLED": "evenkeel.web.rollout,kept_work",
    # No payloads: some tests have modules that pretend.
    "EVENKEEL_KEPT_WORK": "templates,collections",
}


def run(*words: str, **variables: str) -> tuple[int, str]:
    environment = ENVIRONMENT | variables
    done = subprocess.run(words, cwd=ROOT, env=environment, text=True, capture_output=True, check=False, timeout=400)
    return done.returncode, done.stdout + done.stderr


def value(inventory: Path, host: str, expression: str, *options: str) -> t.Any:
    """Return the value of an expression for a host."""
    show = ("-m", "ansible.builtin.debug", "-a", f"msg=SAID{{{{ {expression} | to_json }}}}")
    code, output = run("ansible", "-i", str(inventory), host, *show, *options)
    assert code == 0, output
    return json.JSONDecoder().raw_decode(output.partition("SAID")[2])[0]


# What the check must come before, and what it shows of the site.
WORK = {
    "name": "Write",
    "hosts": "all",
    "gather_facts": False,
    "tasks": [{"ansible.builtin.debug": {"msg": "{{ smoke_url }} {{ grafana_prometheus_url }}"}}],
}


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The check, and behind it what must not begin where the check fails."""
    path = tmp_path_factory.mktemp("play") / "play.yml"
    path.write_text(yaml.safe_dump([{"ansible.builtin.import_playbook": "evenkeel.web.preflight"}, WORK]))
    return path


def preflight(play: Path, inventory: Path, *options: str) -> tuple[int, str]:
    """Check an inventory whose hosts nobody can reach."""
    code, output = run("ansible-playbook", str(play), "-i", str(inventory), *options)
    return code, " ".join(output.split())


@pytest.mark.parametrize("name", ["example", "single"])
def test_an_inventory_to_copy_is_accepted(name: str, play: Path) -> None:
    code, output = preflight(play, ROOT / "inventories" / name)
    assert code == 0, output
    assert "PLAY [Write]" in output


@pytest.mark.parametrize(
    ("given", "says"),
    [
        # A mistake of each of three hosts: every one is told.
        (
            {"grafana_port": "many", "exporter_names": {"a": 1}, "backend_interface": "cgi"},
            [
                *("host watch1.example.com: argument 'grafana_port' is of type str", "'many'", "convert to int"),
                "host db1.example.com: argument 'exporter_names' is of type dict and we were unable to convert to list",
                "host app1.example.com: value of backend_interface must be one of: wsgi, asgi, got: cgi",
            ],
        ),
        ({"prometheus_prot": 1}, ["host watch1.example.com: prometheus_prot is not", "did you mean prometheus_port"]),
    ],
    ids=["a type, a type for all hosts, a choice", "a name"],
)
def test_a_mistake_for_a_later_tier_is_refused_first(given: dict[str, t.Any], says: list[str], play: Path) -> None:
    code, output = preflight(play, ROOT / "inventories/example", "-e", json.dumps(given))
    assert code != 0
    assert [part for part in says if part not in output] == [], output
    assert "argument_spec_data" not in output, "hundreds of lines that hide the message"
    assert "PLAY [Write]" not in output, "a host with a mistake does not stop the others"


def test_the_check_knows_the_roles_that_the_playbooks_give_to_each_group() -> None:
    given: dict[str, set[str]] = {}
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        for play in yaml.safe_load(path.read_text()):
            names = [entry["role"].removeprefix("evenkeel.web.") for entry in play.get("roles") or []]
            given.setdefault(play.get("hosts", ""), set()).update(names)
    given["all"].discard("preflight")
    known = yaml.safe_load((ROOT / "roles/preflight/defaults/main.yml").read_text())["preflight_roles"]
    assert {group: set(names) for group, names in known.items()} == {g: n for g, n in given.items() if n}


def test_what_a_site_sets_wins_over_the_wiring(tmp_path: Path) -> None:
    inventory = tmp_path / "example"
    shutil.copytree(ROOT / "inventories/example", inventory)
    own = {"rollout_close_window": 3, "rollout_stop_timeout": 7, "rollout_health_check": {"path": "/up"}}
    main = inventory / "group_vars/all/main.yml"
    main.write_text(main.read_text() + yaml.safe_dump(own))
    found = value(inventory, "app1.example.com", f"[{', '.join(own)}, smoke_url]")
    assert found == [*own.values(), "https://app.example.com"]


def test_the_monitoring_asks_for_the_path_of_the_backends(tmp_path: Path) -> None:
    inventory = tmp_path / "example"
    shutil.copytree(ROOT / "inventories/example", inventory)
    (inventory / "group_vars/backends.yml").write_text("backend_ready_path: /up\n")
    path = "(prometheus_jobs | selectattr('name', 'eq', 'ready') | first).path"
    assert value(inventory, "watch1.example.com", path) == "/up"


def test_an_address_of_ipv6_has_brackets_in_urls(tmp_path: Path, play: Path) -> None:
    inventory = tmp_path / "example"
    shutil.copytree(ROOT / "inventories/example", inventory)
    hosts = inventory / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("192.0.2.", "2001:db8::"))
    main = inventory / "group_vars/all/main.yml"
    main.write_text("".join(line for line in main.read_text().splitlines(True) if not line.startswith("smoke_url")))
    code, output = preflight(play, inventory)
    assert code == 0, output
    assert "http://[2001:db8::10] http://[2001:db8::61]:9090/prometheus" in output

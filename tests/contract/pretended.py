"""Load balancers without nginx, on the controller: a copy of the collection in which four modules pretend."""

from __future__ import annotations

import dataclasses
import json
import sys
import typing as t
from pathlib import Path

import yaml

from tests.contract.test_inventories import ROOT, run

LOAD_BALANCERS = ("lb1", "lb2")
GROUPS = {"load_balancers": LOAD_BALANCERS, "backends": ("app1",), "frontends": ("web1",), "custom": ("api1",)}
# Each load balancer has a Python of its own, which tells a module where it is.
PYTHON = """#!/bin/sh
PRETENDED='{folder}' exec '{python}' "$@"
"""
# A way to a load balancer that is still the controller, and can be lost.
SSH = """#!/bin/sh
test ! -e '{folder}/lost' || exit 255
for command; do :; done
exec sh -c "$command"
"""
HEAD = """import json, os, pathlib
from ansible.module_utils.basic import AnsibleModule
folder = pathlib.Path(os.environ["PRETENDED"])
state = json.loads((folder / "state.json").read_text())
def holds():
    return [{"owner": owner, "reason": reason} for owner, reason in sorted(state["holds"].items())]
"""
TEXTS = ("state", "owner", "reason", "until", "min_enabled", "drain_timeout", "on_timeout", "close_window")
HEALTH = ("targets", "scheme", "path", "host", "status", "timeout", "passes", "interval", "deadline")
LOOKS = ("fail_on_unhealthy", "max_attempts")
MODULES = {
    "nginx_upstream_server": f"""
module = AnsibleModule({{"servers": {{"type": "list"}}, **{{name: {{}} for name in {TEXTS}}}}})
asked = module.params
if asked["state"] == "drained":
    if state["refuses"]:
        module.fail_json(msg=state["refuses"])
    state["holds"][asked["owner"]] = asked["reason"]
else:
    state["holds"].pop(asked["owner"], None)
(folder / "state.json").write_text(json.dumps(state))
module.exit_json(changed=True, servers=[{{"address": asked["servers"][0], "holds": holds()}}])
""",
    "nginx_announcement": """
module = AnsibleModule({"state": {}})
(folder / "announcement").write_text(module.params["state"])
module.exit_json(changed=True)
""",
    "nginx_upstream_info": """
module = AnsibleModule({})
if state["lost"]:
    (folder / "lost").touch()
server = {"address": state["address"], "holds": holds(), "state": "held" if holds() else "enabled"}
module.exit_json(upstreams=[{"name": "app", "servers": [server]}])
""",
    "health_check": f"""
module = AnsibleModule({{name: {{"type": "raw"}} for name in {HEALTH + LOOKS}}})
asked = {{name: value for name, value in module.params.items() if value is not None}}
(folder / "asked.json").write_text(json.dumps(asked))
module.exit_json(targets=[])
""",
}


@dataclasses.dataclass(frozen=True)
class Site:
    """An inventory whose hosts are the controller."""

    folder: Path

    @classmethod
    def at(cls, folder: Path, **variables: t.Any) -> Site:
        """Write the inventory, and the collection that pretends."""
        site = cls(folder)
        real, copy = ROOT / "plugins", folder / "ansible_collections/evenkeel/web"
        _links(ROOT, copy, {"playbooks", "roles", "galaxy.yml", "meta"})
        _links(real, copy / "plugins", {path.name for path in real.iterdir()} - {"modules"})
        names = {path.name for path in (real / "modules").iterdir()}
        _links(real / "modules", copy / "plugins/modules", names - {f"{name}.py" for name in MODULES})
        for name, text in MODULES.items():
            (copy / f"plugins/modules/{name}.py").write_text(HEAD + text)
        hosts: dict[str, t.Any] = {group: {"hosts": {name: {} for name in names}} for group, names in GROUPS.items()}
        for lb in LOAD_BALANCERS:
            (folder / lb).mkdir()
            (folder / lb / "python").write_text(PYTHON.format(folder=folder / lb, python=sys.executable))
            (folder / lb / "python").chmod(0o755)
            (folder / lb / "ssh").write_text(SSH.format(folder=folder / lb))
            (folder / lb / "ssh").chmod(0o755)
            hosts["load_balancers"]["hosts"][lb] = {
                "ansible_python_interpreter": str(folder / lb / "python"),
                "ansible_connection": "ssh",
                "ansible_ssh_executable": str(folder / lb / "ssh"),
                "ansible_ssh_retries": 0,
            }
            site.set(lb)
        everywhere = {"ansible_connection": "local", "ansible_become": False, "ansible_host": "192.0.2.1"}
        hosts["all"] = {"vars": {"ansible_python_interpreter": sys.executable, **everywhere, **variables}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))
        return site

    def lose(self, lb: str) -> None:
        """Let a load balancer be unreachable."""
        (self.folder / lb / "lost").touch()

    def set(self, lb: str, refuses: str = "", lost: bool = False, **holds: str) -> None:
        """Say who holds the host on a load balancer, why it refuses to, and whether it is lost once looked at."""
        state = {"address": "192.0.2.1:80", "refuses": refuses, "lost": lost, "holds": holds}
        (self.folder / lb / "state.json").write_text(json.dumps(state))

    def holds(self, lb: str) -> dict[str, str]:
        """Return who holds the host on a load balancer, with the reason."""
        found: dict[str, str] = json.loads((self.folder / lb / "state.json").read_text())["holds"]
        return found

    def asked(self, lb: str) -> dict[str, t.Any]:
        """Return what a load balancer was told to ask for the host's health."""
        found: dict[str, t.Any] = json.loads((self.folder / lb / "asked.json").read_text())
        return found

    def verb(self, name: str, *options: str) -> tuple[int, str]:
        """Run a verb."""
        return self.play(f"evenkeel.web.{name}", *options)

    def play(self, *words: str) -> tuple[int, str]:
        """Run a playbook."""
        command = ("ansible-playbook", "-i", str(self.folder / "hosts.yml"), *words)
        code, output = run(*command, ANSIBLE_COLLECTIONS_PATH=str(self.folder), USER="ops")
        return code, " ".join(output.split())


def _links(source: Path, target: Path, names: set[str]) -> None:
    target.mkdir(parents=True)
    for name in names:
        (target / name).symlink_to(source / name)

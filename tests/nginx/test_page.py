"""docs/upstreams.md as a new user follows it: every command, in its order, with the built and installed collection."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.nginx.machines import BIN, PRISTINE, Fleet, Machine
from tools.lab.state import ROOT

PAGE = ROOT / "docs/upstreams.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What each command must have said; a command without an entry must only succeed.
SAYS = {
    "nginx_upstream_info": '"method": "round_robin"',
    "reason='disk swap'": '"state": "drained"',
    "state=enabled": '"state": "enabled"',
    "--check --diff": "+upstream pool {",
    "nginx_reload": '"performed": true',
}


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGE.read_text()) if found == language]


def commands() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines() if line]


class User:
    """Somebody with a checkout and an inventory of one host."""

    def __init__(self, folder: Path, machines: Fleet, machine: Machine) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        (folder / "ansible.cfg").unlink()
        ssh = f"-F {machines.lab.folder}/ssh/config"
        host = (
            f'ansible_host={machine.name} ansible_ssh_common_args="{ssh}" ansible_python_interpreter=/usr/bin/python3'
        )
        (folder / "hosts.ini").write_text(f"web1 {host}\n")
        (folder / "pool.yml").write_text("---\n" + blocks("yaml")[0])

    def types(self, command: str) -> str:
        # The settings of a checkout are not the user's.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")} | {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "installed"),
            "ANSIBLE_INVENTORY": str(self.folder / "hosts.ini"),
            "ANSIBLE_NOCOLOR": "true",
        }
        done = subprocess.run(
            ["bash", "-ec", command], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout


@pytest.fixture(name="machine")
def machine_fixture(machines: Fleet) -> Machine:
    """A machine whose nginx is as the distribution made it, with the file that the page begins with."""
    machine = machines.machine("trixie")
    stop = "for verb in 'kill --signal=KILL' reset-failed; do systemctl $verb nginx 2>/dev/null || true; done"
    machine.do(f"{stop}; rm -rf /etc/nginx /run/lock/evenkeel-*; cp -a {PRISTINE} /etc/nginx")
    machine.do("mkdir -p /var/log/nginx; rm -f /etc/nginx/sites-enabled/default")
    machine.put("/etc/nginx/conf.d/app.conf", blocks("nginx")[0])
    machine.do(["systemctl", "restart", "nginx"])
    return machine


def test_every_command_of_the_page_works(tmp_path: Path, machines: Fleet, machine: Machine) -> None:
    user = User(tmp_path, machines, machine)
    said = {}
    for command in commands():
        said[command] = user.types(command)
        for part, expected in SAYS.items():
            if part in command:
                assert expected in said[command], f"{command}\n{said[command]}"
        if "reason=" in command:
            lines = [line.strip() for line in machine.read("/etc/nginx/conf.d/app.conf").splitlines()]
            shown = [re.sub(r"since=\S+", "", line.strip()) for line in blocks("nginx")[1].splitlines()]
            assert [re.sub(r"since=\S+", "", line) for line in lines if " down" in line or "[alone]" in line] == shown
    reloads = [json.loads(text[text.index("{") :]) for command, text in said.items() if "nginx_reload" in command]
    assert [result["reload"]["proof"] for result in reloads] == ["generation"], "the last of both"
    assert machine.read("/etc/nginx/conf.d/app.conf") == blocks("nginx")[0], "put back as it was"
    assert "changed=0" in user.types("ansible-playbook pool.yml")

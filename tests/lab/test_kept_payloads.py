"""What the tests keep of the modules that Ansible builds: never something else than the sources would give."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CALLBACK = Path("tools/lab/callback/kept_payloads.py")
PLAY = """---
- name: Ping
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Ping
      ansible.builtin.ping:
"""


@pytest.fixture(name="checkout")
def checkout_fixture(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A checkout with one plugin."""
    (tmp_path / CALLBACK).parent.mkdir(parents=True)
    shutil.copy(request.config.rootpath / CALLBACK, tmp_path / CALLBACK)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/one.py").write_text("VALUE = 1\n")
    (tmp_path / "play.yml").write_text(PLAY)
    return tmp_path


def ping(checkout: Path) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    environment["ANSIBLE_CALLBACK_PLUGINS"] = str(checkout / CALLBACK.parent)
    environment["ANSIBLE_CALLBACKS_ENABLED"] = "kept_payloads"
    local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    command = ["ansible-playbook", "-i", "localhost,", "-e", local, "play.yml"]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def payloads(checkout: Path) -> list[Path]:
    return [path for path in checkout.glob(".cache/payloads/*/ansible.modules.ping-*") if path.suffix != ".lock"]


def test_a_payload_is_built_once_and_again_when_a_plugin_is_another_one(checkout: Path) -> None:
    code, said = ping(checkout)
    assert code == 0, said
    (first,) = payloads(checkout)
    written = first.stat().st_mtime_ns
    code, said = ping(checkout)
    assert code == 0, said
    assert [path.stat().st_mtime_ns for path in payloads(checkout)] == [written]
    (checkout / "plugins/one.py").write_text("VALUE = 2\n")
    code, said = ping(checkout)
    assert code == 0, said
    assert len(payloads(checkout)) == 2


def test_it_is_the_kept_one_that_is_sent(checkout: Path) -> None:
    code, said = ping(checkout)
    assert code == 0, said
    (kept,) = payloads(checkout)
    kept.write_bytes(b"nothing that can be loaded")
    code, said = ping(checkout)
    assert code != 0, said

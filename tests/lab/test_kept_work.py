"""What the tests keep of the work of Ansible: never something else than the sources would give."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CALLBACK = Path("tools/lab/callback/kept_work.py")
PLUGINS = Path("collections/ansible_collections/one/two/plugins")
FILTER = """from ansible_collections.one.two.plugins.module_utils.number import NUMBER


class FilterModule:
    def filters(self):
        return {"times": lambda value: value * NUMBER}
"""
# The same text, and an option of Jinja that the first line of the one sets.
BODY = "{% if true %}\nyes\n{% endif %}\n"
PLAY = """---
- name: Ping
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Ping
      ansible.builtin.ping:

    - name: Show templates
      ansible.builtin.debug:
        msg: >-
          sum {{ 40 + 2 }} filter {{ 4 | one.two.times }}
          plain {{ lookup('template', 'plain.j2') | replace(newline, '.') }}
          kept {{ lookup('template', 'kept.j2') | replace(newline, '.') }} end
      vars:
        newline: "\\n"
"""


def write_number(checkout: Path, number: int) -> None:
    (checkout / PLUGINS / "module_utils/number.py").write_text(f"NUMBER = {number}\n")


@pytest.fixture(name="checkout")
def checkout_fixture(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A checkout with one plugin, and a collection with a filter."""
    for folder in (CALLBACK.parent, PLUGINS / "filter", PLUGINS / "module_utils"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(request.config.rootpath / CALLBACK, tmp_path / CALLBACK)
    (tmp_path / PLUGINS / "filter/times.py").write_text(FILTER)
    write_number(tmp_path, 3)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/one.py").write_text("VALUE = 1\n")
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "plain.j2").write_text(BODY)
    (tmp_path / "kept.j2").write_text(f"#jinja2: trim_blocks:False\n{BODY}")
    return tmp_path


def play(checkout: Path, **more: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    environment["ANSIBLE_CALLBACK_PLUGINS"] = str(checkout / CALLBACK.parent)
    environment["ANSIBLE_CALLBACKS_ENABLED"] = "kept_work"
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(checkout / "collections")
    environment |= more
    local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    command = ["ansible-playbook", "-i", "localhost,", "-e", local, "play.yml"]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def shown(checkout: Path) -> str:
    code, said = play(checkout)
    found = re.search(r"sum .* end", said)
    assert code == 0 and found, said
    return found[0]


def kept(checkout: Path, kind: str, name: str = "*") -> list[Path]:
    return [path for path in checkout.glob(f".cache/kept/*/{kind}/{name}") if path.suffix != ".lock"]


def payloads(checkout: Path) -> list[Path]:
    return kept(checkout, "payloads", "ansible.modules.ping-*")


def test_a_payload_is_built_once_and_again_when_a_plugin_is_another_one(checkout: Path) -> None:
    shown(checkout)
    (first,) = payloads(checkout)
    written = first.stat().st_mtime_ns
    shown(checkout)
    assert [path.stat().st_mtime_ns for path in payloads(checkout)] == [written]
    (checkout / "plugins/one.py").write_text("VALUE = 2\n")
    shown(checkout)
    assert len(payloads(checkout)) == 2


def test_templates_and_filters_give_the_same_when_their_code_is_kept(checkout: Path) -> None:
    expected = "sum 42 filter 12 plain yes. kept .yes. end"
    assert shown(checkout) == expected
    code = [*kept(checkout, "templates"), *kept(checkout, "collections")]
    written = {path: path.stat().st_mtime_ns for path in code}
    assert shown(checkout) == expected
    assert {path: path.stat().st_mtime_ns for path in code} == written
    write_number(checkout, 5)
    assert shown(checkout) == expected.replace("filter 12", "filter 20")


@pytest.mark.parametrize("kind", ["payloads", "templates", "collections"])
def test_it_is_the_kept_work_that_is_used(checkout: Path, kind: str) -> None:
    shown(checkout)
    for path in kept(checkout, kind):
        path.write_bytes(b"nothing that can be loaded")
    code, said = play(checkout)
    assert code != 0, said


def test_who_puts_other_modules_in_their_place_keeps_no_payload(checkout: Path) -> None:
    code, said = play(checkout, EVENKEEL_KEPT_WORK="templates,collections")
    assert code == 0, said
    assert kept(checkout, "templates") and kept(checkout, "collections") and not payloads(checkout)

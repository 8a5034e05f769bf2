"""The repository keeps its rules, and each rule catches what it forbids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract import repository_rules, role_rules, sample, variable_rules

ROOT = Path(__file__).resolve().parents[2]
Rule = Callable[[Path], list[str]]
RULES: tuple[Rule, ...] = tuple(
    rule
    for module, prefixes in (
        (role_rules, "role_"),
        (variable_rules, "variables_"),
        (repository_rules, ("playbook_", "python_", "collections_", "docs_")),
    )
    for name, rule in vars(module).items()
    if name.startswith(prefixes) and getattr(rule, "__module__", "") == module.__name__
)


class Break(NamedTuple):
    """One change to the sample, and a part of what the rule must say about it."""

    rule: Rule
    path: str
    old: str
    new: str
    says: str


ROLE = "roles/tiny"
TASKS = f"{ROLE}/tasks/configure.yml"
SPECS = f"{ROLE}/meta/argument_specs.yml"
TEMPLATE = f"{ROLE}/templates/tiny.conf.j2"
PLAYBOOK = "playbooks/site.yml"
RESTART = "    - name: Restart\n"
LOST_IN_RESCUE = """    - name: Try
      block: []
      rescue:
        - name: Lost
          ansible.builtin.import_role: {name: evenkeel.web.tiny, tasks_from: lost}
"""
PURE = "plugins/module_utils/_tiny/plan.py"
UTILS = "ansible_collections.evenkeel.web.plugins.module_utils"
NEW = ""  # nothing to replace: the text is put in front, in a new file if there is none
GONE = "\0"  # instead of a text: the file is removed

BREAKS = (
    Break(role_rules.role_shape, f"{ROLE}/README.md", NEW, GONE, "tiny: README.md is missing"),
    Break(role_rules.role_shape, f"{ROLE}/library/x.py", NEW, "x", "tiny: unexpected library"),
    Break(role_rules.role_main, f"{ROLE}/tasks/main.yml", "tiny_configure", "other", "Configure: not just an import"),
    Break(role_rules.role_main, f"{ROLE}/tasks/main.yml", "preflight.yml", "configure.yml", "does not start with"),
    Break(role_rules.role_main, f"{ROLE}/tasks/main.yml", "import_tasks: conf", "include_tasks: conf", "not just an"),
    Break(role_rules.role_preflight, f"{ROLE}/tasks/preflight.yml", "known_var", "other_var", "does not call"),
    Break(role_rules.role_task_files, f"{ROLE}/tasks/lost.yml", NEW, "[]", "nothing uses tasks/lost.yml"),
    Break(role_rules.role_templates, f"{ROLE}/templates/lost.j2", NEW, "", "nothing uses templates/lost.j2"),
    Break(role_rules.role_independence, f"{ROLE}/meta/main.yml", "[]", "[x]", "has dependencies"),
    Break(
        role_rules.role_independence,
        TASKS,
        NEW,
        "- name: Apply\n  ansible.builtin.include_role: {name: evenkeel.web.tiny_more}\n",
        "applies a role",
    ),
    Break(role_rules.role_forbidden, TASKS, "  notify:", "  ignore_errors: true\n  notify:", "ignore_errors"),
    Break(role_rules.role_forbidden, TASKS, "  notify:", "  failed_when: false\n  notify:", "failed_when"),
    Break(
        role_rules.role_forbidden,
        TASKS,
        NEW,
        "- name: Group\n  block:\n    - name: Run\n      ansible.builtin.shell: ls\n",
        "ansible.builtin.shell",
    ),
    Break(role_rules.role_scenario, "molecule/tiny_pair/molecule.yml", NEW, GONE, "tiny_more: no molecule scenario"),
    Break(role_rules.role_bad_input, "molecule/bad_input/rows/tiny.yml", NEW, GONE, "tiny: no row"),
    Break(
        variable_rules.variables_documented, TASKS, "tiny_names", "tiny_nmaes", "tiny_nmaes is not in argument_specs"
    ),
    Break(variable_rules.variables_documented, TEMPLATE, NEW, "{{ tiny_lost }}", "tiny_lost is not in argument_specs"),
    Break(
        variable_rules.variables_documented,
        TASKS,
        "  notify:",
        "  when: tiny_on\n  notify:",
        "tiny_on is not in argument_",
    ),
    Break(variable_rules.variables_documented, TASKS, "{{ tiny_password }}", "", "option tiny_password is not used"),
    Break(
        variable_rules.variables_owned, TEMPLATE, NEW, "{{ tiny_more_port }}", "reads tiny_more_port of another role"
    ),
    Break(variable_rules.variables_owned, TEMPLATE, NEW, "{{ __tiny_more_x }}", "reads __tiny_more_x of another role"),
    Break(variable_rules.variables_owned, TEMPLATE, NEW, "{{ app_name }}", "reads app_name of the site"),
    Break(variable_rules.variables_owned, TEMPLATE, NEW, "{% if %}", "unreadable template"),
    Break(
        variable_rules.variables_private, TASKS, "__tiny_database", "database", "database does not start with __tiny_"
    ),
    Break(variable_rules.variables_private, f"{ROLE}/vars/main.yml", "__tiny", "tiny", "tiny_path does not start with"),
    Break(variable_rules.variables_prefixed, SPECS, "tiny_wait:", "wait:", "wait does not start with tiny_"),
    Break(variable_rules.variables_defaults, SPECS, "default: 80", "default: 81", "80 is documented as 81"),
    Break(variable_rules.variables_defaults, SPECS, "default: 80", "default: '80'", "80 is documented as '80'"),
    Break(variable_rules.variables_defaults, SPECS, ", default: 80", "", "tiny_port needs a default"),
    Break(variable_rules.variables_defaults, SPECS, "required: true, ", "", "tiny_password needs a default"),
    Break(
        variable_rules.variables_defaults,
        f"{ROLE}/defaults/main.yml",
        NEW,
        "tiny_password: x\n",
        "required and has a default",
    ),
    Break(
        variable_rules.variables_defaults, f"{ROLE}/defaults/main.yml", NEW, "tiny_x: 1\n", "tiny_x has a default but"
    ),
    Break(repository_rules.playbook_names, "playbooks/roll-back.yml", NEW, "[]", "roll-back.yml is not"),
    Break(repository_rules.playbook_logic, PLAYBOOK, "  become", "  vars: {a: 1}\n  become", "Apply the role: vars"),
    Break(
        repository_rules.playbook_logic,
        PLAYBOOK,
        "role: evenkeel.web.tiny\n",
        "role: x\n      when: a\n",
        "role with ['when']",
    ),
    Break(repository_rules.playbook_logic, PLAYBOOK, "import_role", "include_role", "task with"),
    Break(
        repository_rules.playbook_strategy, PLAYBOOK, "  become", "  ignore_unreachable: true\n  become", "strategy is"
    ),
    Break(repository_rules.playbook_roles, PLAYBOOK, "from: restart", "from: lost", "has no entry point lost"),
    Break(repository_rules.playbook_logic, PLAYBOOK, RESTART, RESTART + "      block: []\n", "task with"),
    Break(repository_rules.playbook_roles, PLAYBOOK, RESTART, LOST_IN_RESCUE + RESTART, "has no entry point lost"),
    Break(
        repository_rules.playbook_roles,
        PLAYBOOK,
        "role: evenkeel.web.tiny",
        "role: tiny",
        "tiny has no entry point main",
    ),
    Break(repository_rules.playbook_shims, "site.yml", "web.site", "web.other", "site.yml is not just an import"),
    Break(repository_rules.playbook_shims, "galaxy.yml", "[site.yml]", "[]", "build_ignore lacks site.yml"),
    Break(repository_rules.python_pure, PURE, NEW, "import os.path\n", "imports os"),
    Break(repository_rules.python_pure, PURE, NEW, "from time import sleep\n", "imports time"),
    Break(repository_rules.python_pure, PURE, NEW, "def f():\n    import socket\n", "imports socket"),
    Break(repository_rules.python_layers, PURE, NEW, f"import {UTILS}._nginx.x\n", "uses _nginx"),
    Break(
        repository_rules.python_layers,
        "plugins/module_utils/_nginx/x.py",
        NEW,
        f"import {UTILS}._rollout.x",
        "_rollout",
    ),
    Break(repository_rules.collections_declared, "galaxy.yml", "community.mysql", "a.b", "lack community.mysql"),
    Break(
        repository_rules.collections_declared, TASKS, "community.mysql.mysql_db", "x", "nothing uses community.mysql"
    ),
    Break(repository_rules.collections_declared, "requirements.yml", "mysql", "x", "differ in community.mysql"),
    Break(repository_rules.docs_commands, "README.md", "make up", "make down", "make down is not in the Makefile"),
    Break(repository_rules.docs_commands, "README.md", "tools/up", "tools/lost", "tools/lost does not exist"),
    Break(repository_rules.docs_commands, "README.md", "-v site.yml", "-v lost.yml", "lost.yml does not exist"),
    Break(
        repository_rules.docs_changelog,
        SPECS,
        "default: 80",
        "default: 80, version_added: 0.3.0",
        "0.3.0.yml: tiny_port is new and not mentioned",
    ),
    Break(repository_rules.docs_links, "docs/page.md", NEW, GONE, "README.md: no docs/page.md"),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_repository_keeps(rule: Rule) -> None:
    found = rule(ROOT)
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_sample_keeps(rule: Rule, tmp_path: Path) -> None:
    found = rule(sample.write(tmp_path))
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize("change", BREAKS, ids=lambda change: f"{change.rule.__name__}: {change.says}")
def test_a_break_is_caught(change: Break, tmp_path: Path) -> None:
    path = sample.write(tmp_path) / change.path
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    assert change.old in text, "the sample has changed: this row breaks nothing"
    path.parent.mkdir(parents=True, exist_ok=True)
    if change.new == GONE:
        path.unlink()
    else:
        path.write_text(text.replace(change.old, change.new) if change.old else change.new + text, encoding="utf-8")
    assert change.says in "\n".join(change.rule(tmp_path))


def test_every_rule_has_a_break() -> None:
    assert {rule.__name__ for rule in RULES} == {change.rule.__name__ for change in BREAKS}

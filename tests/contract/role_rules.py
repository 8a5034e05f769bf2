"""The shape of a role, and what it may do."""

from __future__ import annotations

import re
from pathlib import Path

from tests.contract.reading import NAMESPACE, entry_points, load, role_tasks, roles, tasks_in, yaml_files

ROLE_ENTRIES = frozenset({"README.md", "defaults", "files", "handlers", "meta", "tasks", "templates", "vars"})
ROLE_FILES = ("README.md", "defaults/main.yml", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml")
MAIN_KEYS = frozenset({"name", "ansible.builtin.import_tasks", "tags"})
PHASES = ("install", "configure", "service")
# They look at a whole site: tests/site and tests/rollouts apply them.
SITE_ROLES = frozenset({"preflight", "smoke", "rollout", "rotation"})
FORBIDDEN_MODULES = frozenset({"shell", "raw", "script"})


def role_shape(root: Path) -> list[str]:
    """A role has the files that each role has, and no folder that none has."""
    found = []
    for role in roles(root):
        found += [f"{role.name}: {name} is missing" for name in ROLE_FILES if not (role / name).is_file()]
        found += [f"{role.name}: unexpected {e.name}" for e in sorted(role.iterdir()) if e.name not in ROLE_ENTRIES]
    return found


def role_main(root: Path) -> list[str]:
    """tasks/main.yml checks the input first, and then only imports, each with the tags of the role."""
    found = []
    for role in roles(root):
        tags = [[role.name, f"{role.name}_{phase}"] for phase in PHASES]
        imports = []
        for task in load(role / "tasks/main.yml") or []:
            imports.append(task.get("ansible.builtin.import_tasks"))
            expected = [["always"]] if imports == ["preflight.yml"] else tags
            if set(task) - {"when"} != MAIN_KEYS or task["tags"] not in expected:
                found.append(f"{role.name}: tasks/main.yml: {task.get('name')}: not just an import with its tags")
        if imports[:1] != ["preflight.yml"]:
            found.append(f"{role.name}: tasks/main.yml does not start with preflight.yml")
    return found


def role_preflight(root: Path) -> list[str]:
    """The first thing a role does is to refuse variables that it does not have."""
    found = []
    for role in roles(root):
        modules = {key for task in tasks_in(load(role / "tasks/preflight.yml")) for key in task}
        if f"{NAMESPACE}.known_variables" not in modules:
            found.append(f"{role.name}: tasks/preflight.yml does not call {NAMESPACE}.known_variables")
    return found


def role_task_files(root: Path) -> list[str]:
    """Every file of tasks is an entry point or is reached from another one."""
    found = []
    for role in roles(root):
        used = entry_points(role) | {"main"}
        patterns = []
        for _path, task in role_tasks(role, "tasks", "handlers"):
            for module in ("ansible.builtin.import_tasks", "ansible.builtin.include_tasks"):
                target = task.get(module)
                target = target.get("file") if isinstance(target, dict) else target
                # A file that the user names is none of the role's own.
                if target and not re.fullmatch(r"\{\{.*\}\}", str(target)):
                    patterns.append(re.sub(r"\\\{\\\{.*?\\\}\\\}", r"[\\w.-]+", re.escape(str(target))))
        for path in yaml_files(role, "tasks"):
            name = str(path.relative_to(role / "tasks"))
            if name.removesuffix(".yml") not in used and not any(re.fullmatch(p, name) for p in patterns):
                found.append(f"{role.name}: nothing uses tasks/{name}")
    return found


def role_templates(root: Path) -> list[str]:
    """Every template and file of a role is named in the role."""
    found = []
    for role in roles(root):
        text = "".join(path.read_text(encoding="utf-8") for path in yaml_files(role, "tasks", "handlers", "vars"))
        text += "".join(path.read_text(encoding="utf-8") for path in (role / "templates").rglob("*.j2"))
        for path in sorted((role / "templates").rglob("*.j2")):
            name = path.relative_to(role / "templates").as_posix()
            # A name may be put together: then the folder or the part before the template is what can be found.
            if name not in text and path.name not in text and not re.search(r"src: .*\{\{", text):
                found.append(f"{role.name}: nothing uses templates/{name}")
    return found


def role_independence(root: Path) -> list[str]:
    """A role depends on no other role and applies none."""
    found = []
    for role in roles(root):
        if (load(role / "meta/main.yml") or {}).get("dependencies"):
            found.append(f"{role.name}: meta/main.yml has dependencies")
        for path, task in role_tasks(role):
            for module in ("ansible.builtin.import_role", "ansible.builtin.include_role"):
                if module in task:
                    found.append(f"{role.name}: {path.name}: {task.get('name')}: applies a role")
    return found


def role_forbidden(root: Path) -> list[str]:
    """No task hides an error, and none uses a shell."""
    found = []
    for role in roles(root):
        for path, task in role_tasks(role):
            where = f"{role.name}: {path.name}: {task.get('name')}"
            if "ignore_errors" in task:
                found.append(f"{where}: ignore_errors")
            if task.get("failed_when") is False:
                found.append(f"{where}: failed_when: false")
            found += [f"{where}: {key}" for key in task if key.rsplit(".", 1)[-1] in FORBIDDEN_MODULES]
    return found


def role_scenario(root: Path) -> list[str]:
    """Every role is applied by a molecule scenario: the one of its name, or one that lists it."""
    scenarios = {path.parent.name for path in (root / "molecule").glob("*/molecule.yml")}
    listed = "\n".join(path.read_text(encoding="utf-8") for path in (root / "molecule").glob("*/molecule.yml"))
    applied = {
        name
        for line in re.findall(r"molecule_roles:\s*\[(.*?)\]", listed)
        for name in re.split(r"[,\s]+", line.replace(f"{NAMESPACE}.", ""))
    }
    tested = scenarios | applied | SITE_ROLES
    return [f"{role.name}: no molecule scenario" for role in roles(root) if role.name not in tested]


def role_bad_input(root: Path) -> list[str]:
    """Every role is in a row of bad input."""
    rows = [row for path in (root / "molecule/bad_input/rows").glob("*.yml") for row in load(path) or []]
    seen = {str(name).removeprefix(f"{NAMESPACE}.") for row in rows for name in row["roles"]}
    return [f"{role.name}: no row in molecule/bad_input/rows" for role in roles(root) if role.name not in seen]

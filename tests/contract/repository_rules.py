"""Playbooks, Python, dependencies and pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.reading import NAMESPACE, entry_points, load, options, role_tasks, roles

ERRORS = frozenset({"any_errors_fatal", "ignore_unreachable", "strategy"})
PLAY_KEYS = frozenset({"name", "hosts", "roles", "tasks", "tags", "serial", "gather_facts", "become", "vars", *ERRORS})
# With variables one playbook is another one's verb.
IMPORT_KEYS = frozenset({"name", "ansible.builtin.import_playbook", "tags", "vars"})
ROLE_KEYS = frozenset({"role", "tags"})
TASK_KEYS = frozenset({"name", "ansible.builtin.import_role", "tags"})
# What a failure leads to is part of what is done.
BLOCK_KEYS = frozenset({"name", "block", "rescue"})
IMPURE = frozenset({"ansible", "os", "subprocess", "socket", "time"})
# Each package of module_utils may use those before it; one that is not named here may use the first.
LAYERS = ("_common", "_nginx", "_rollout")
BUILT_IN = frozenset({"ansible.builtin", NAMESPACE})


def playbook_names(root: Path) -> list[str]:
    """A playbook can be called by its full name."""
    names = [path.name for path in sorted((root / "playbooks").iterdir())]
    return [f"playbooks/{name} is not \\w+.yml" for name in names if not re.fullmatch(r"\w+\.yml", name)]


def applied(tasks: list[dict[str, Any]] | None) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a play, and those in its blocks."""
    for task in tasks or []:
        yield task
        yield from applied([*task.get("block", ()), *task.get("rescue", ())])


def playbook_logic(root: Path) -> list[str]:
    """A playbook says which hosts get which roles; how is said in roles."""
    found = []
    for path in sorted((root / "playbooks").glob("*.yml")):
        for play in load(path) or []:
            where = f"playbooks/{path.name}: {play.get('name')}"
            allowed = IMPORT_KEYS if "ansible.builtin.import_playbook" in play else PLAY_KEYS
            found += [f"{where}: {key}" for key in sorted(set(play) - allowed)]
            # What the command line calls by a short name is handed on; a playbook decides no value itself.
            values = play.get("vars") or {} if allowed is PLAY_KEYS else {}
            found += [f"{where}: vars: {name}" for name, value in values.items() if "{{" not in str(value)]
            found += [
                f"{where}: role with {sorted(set(r) - ROLE_KEYS)}"
                for r in play.get("roles") or []
                if set(r) - ROLE_KEYS
            ]
            found += [
                f"{where}: task with {sorted(set(t) - TASK_KEYS)}"
                for t in applied(play.get("tasks"))
                if set(t) - (BLOCK_KEYS if "block" in t else TASK_KEYS)
            ]
    return found


def playbook_strategy(root: Path) -> list[str]:
    """A play that goes on where a host is lost does not leave to ansible.cfg who waits for whom, and who is rescued."""
    needed = {"strategy": "ansible.builtin.linear", "any_errors_fatal": False}
    return [
        f"playbooks/{path.name}: {play.get('name')}: {key} is not {value}"
        for path in sorted((root / "playbooks").glob("*.yml"))
        for play in load(path) or []
        if play.get("ignore_unreachable")
        for key, value in needed.items()
        if play.get(key) != value
    ]


def alternatives(name: str) -> list[str]:
    """Return the roles that a name means: several where a variable of the command line chooses one."""
    chosen = re.search(r"\{\{ '(\w+)' if .* else '(\w+)' \}\}", name)
    return [f"{NAMESPACE}.{role}" for role in chosen.groups()] if chosen else [name]


def playbook_roles(root: Path) -> list[str]:
    """The roles that playbooks name exist, and the entry points too."""
    known = {f"{NAMESPACE}.{role.name}": entry_points(role) for role in roles(root)}
    found = []
    for path in sorted((root / "playbooks").glob("*.yml")):
        for play in load(path) or []:
            used = [(entry.get("role"), "main") for entry in play.get("roles") or []]
            imports = [t["ansible.builtin.import_role"] for t in applied(play.get("tasks")) if "block" not in t]
            used += [(entry.get("name"), entry.get("tasks_from", "main")) for entry in imports]
            meant = [(role, entry_point) for name, entry_point in used for role in alternatives(str(name))]
            for role, entry_point in meant:
                if entry_point not in known.get(role, ()):
                    found.append(f"playbooks/{path.name}: {role} has no entry point {entry_point}")
    return found


def playbook_shims(root: Path) -> list[str]:
    """A playbook in the root imports the playbook of the same name, and galaxy.yml leaves it out of the artefact."""
    ignored = set((load(root / "galaxy.yml") or {}).get("build_ignore") or [])
    found = []
    for path in sorted(root.glob("*.yml")):
        plays = load(path)
        if path.name.startswith(".") or path.name in ("galaxy.yml", "requirements.yml"):
            continue
        if path.name not in ignored:
            found.append(f"galaxy.yml: build_ignore lacks {path.name}")
        imports = [play.get("ansible.builtin.import_playbook") for play in plays]
        if imports != [f"{NAMESPACE}.{path.stem}"] or not (root / "playbooks" / path.name).is_file():
            found.append(f"{path.name} is not just an import of {NAMESPACE}.{path.stem}")
    return found


def python_pure(root: Path) -> list[str]:
    """In module_utils/_*/ only host.py has effects."""
    found = []
    for path in sorted((root / "plugins/module_utils").glob("_*/**/*.py")):
        if path.name == "host.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            impure = sorted({module.split(".")[0] for module in modules} & IMPURE)
            found += [f"{path.relative_to(root)}: imports {name}" for name in impure]
    return found


def python_layers(root: Path) -> list[str]:
    """A package of module_utils uses itself and those below it."""
    found = []
    for path in sorted((root / "plugins/module_utils").glob("_*/**/*.py")):
        own = path.relative_to(root / "plugins/module_utils").parts[0]
        below = {own, *(LAYERS[: LAYERS.index(own)] if own in LAYERS else LAYERS[:1])}
        used = set(re.findall(r"\.module_utils\.(_\w+)", path.read_text(encoding="utf-8")))
        found += [f"{path.relative_to(root)}: uses {name}" for name in sorted(used - below)]
    return found


def collections_declared(root: Path) -> list[str]:
    """galaxy.yml and requirements.yml name the collections that roles and playbooks use, and no other."""
    used = set()
    for role in roles(root):
        for _path, task in role_tasks(role):
            used |= {key.rsplit(".", 1)[0] for key in task if re.fullmatch(r"\w+\.\w+\.\w+", key)}
    used -= BUILT_IN
    declared = set((load(root / "galaxy.yml") or {}).get("dependencies") or {})
    listed = {str(entry["name"]) for entry in (load(root / "requirements.yml") or {}).get("collections") or []}
    found = [f"galaxy.yml: dependencies lack {name}" for name in sorted(used - declared)]
    found += [f"galaxy.yml: nothing uses {name}" for name in sorted(declared - used)]
    return found + [f"requirements.yml and galaxy.yml differ in {name}" for name in sorted(declared ^ listed)]


def markdown(root: Path) -> list[Path]:
    """Return the pages that people read."""
    folders = ("docs", "roles", "examples", "inventories")
    pages = [path for folder in folders if (root / folder).is_dir() for path in (root / folder).rglob("*.md")]
    return sorted([*root.glob("*.md"), *pages])


def docs_commands(root: Path) -> list[str]:
    """The commands that pages tell people to type exist."""
    makefile = root / "Makefile"
    text = makefile.read_text(encoding="utf-8") if makefile.is_file() else ""
    targets = {name for line in re.findall(r"^([\w -]+):(?!=)", text, re.MULTILINE) for name in line.split()}
    found = []
    for page in markdown(root):
        where, content = page.relative_to(root), page.read_text(encoding="utf-8")
        commands = "\n".join(re.findall(r"^```.*?^```|^ {4}.*?$|`[^`\n]+`", content, re.MULTILINE | re.DOTALL))
        for target in sorted(set(re.findall(r"\bmake ([a-z][\w-]*)", commands)) - targets):
            found.append(f"{where}: make {target} is not in the Makefile")
        for tool in sorted(set(re.findall(r"(?<![\w./])tools/[\w./-]*\w", commands))):
            found += [f"{where}: {tool} does not exist"] if not (root / tool).exists() else []
        for name in sorted(set(re.findall(r"ansible-playbook (?:-\S+ )*(\w+\.yml)", commands))):
            found += [f"{where}: {name} does not exist"] if not (root / name).is_file() else []
    return found


def docs_changelog(root: Path) -> list[str]:
    """A new option of a role is in the changelog of its version."""
    found = []
    for role in roles(root):
        for name, spec in options(role).items():
            page = root / f"changelogs/fragments/{spec.get('version_added')}.yml"
            if "version_added" in spec and name not in (page.read_text(encoding="utf-8") if page.is_file() else ""):
                found.append(f"{page.relative_to(root)}: {name} is new and not mentioned")
    return found


def docs_links(root: Path) -> list[str]:
    """A relative link leads to a file."""
    found = []
    for page in markdown(root):
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                found.append(f"{page.relative_to(root)}: no {target}")
    return found

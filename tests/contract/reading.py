"""What the rules read: roles, tasks, options, and the names that templates use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, TemplateSyntaxError, nodes

NAMESPACE = "evenkeel.web"
CONDITIONS = frozenset({"when", "that", "until", "changed_when", "failed_when", "loop", "var", "break_when"})
MAGIC = frozenset({"inventory_dir", "inventory_file", "inventory_hostname", "inventory_hostname_short"})


class Loader(yaml.CSafeLoader):
    """Reads YAML with tags of Ansible (vault) that have no meaning here."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: f"!{suffix}")


def load(path: Path) -> Any:
    """Return the content of a YAML file, None if there is no such file."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader) if path.is_file() else None  # noqa: S506


def roles(root: Path) -> list[Path]:
    """Return the folders of the roles."""
    return sorted(path for path in (root / "roles").iterdir() if path.is_dir())


def yaml_files(role: Path, *folders: str) -> list[Path]:
    """Return the YAML files in these folders of a role."""
    return sorted(path for folder in folders for path in (role / folder).rglob("*.yml"))


def options(role: Path) -> dict[str, dict[str, Any]]:
    """Return the options of all entry points of a role."""
    specs = (load(role / "meta/argument_specs.yml") or {}).get("argument_specs") or {}
    return {name: spec for entry in specs.values() for name, spec in (entry.get("options") or {}).items()}


def entry_points(role: Path) -> set[str]:
    """Return the names of the entry points of a role: specified, or named in the description of another one."""
    path = role / "meta/argument_specs.yml"
    named = re.findall(r"C\((\w+)\.yml\)", path.read_text(encoding="utf-8")) if path.is_file() else ()
    return {*((load(path) or {}).get("argument_specs") or {}), *named}


def tasks_in(content: Any) -> Iterator[dict[str, Any]]:
    """Yield every task, also those in blocks."""
    for task in content or []:
        yield task
        for section in ("block", "rescue", "always"):
            yield from tasks_in(task.get(section))


def role_tasks(role: Path, *folders: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every task of a role with the file that holds it."""
    for path in yaml_files(role, *(folders or ("tasks", "handlers"))):
        for task in tasks_in(load(path)):
            yield path, task


def names_in(template: str) -> set[str]:
    """Return the names that a template reads."""
    try:
        tree = Environment(extensions=["jinja2.ext.do"]).parse(template)  # noqa: S701
    except TemplateSyntaxError as error:
        return {f"unreadable template: {error}"}
    stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")}
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"} - stored


def names_in_data(data: Any, *, condition: bool = False) -> Iterator[str]:
    """Yield the names that templates and conditions in YAML data read."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from names_in(str(key)) if "{{" in str(key) else ()
            yield from names_in_data(value, condition=key in CONDITIONS)
    elif isinstance(data, list):
        for value in data:
            yield from names_in_data(value, condition=condition)
    elif isinstance(data, str):
        templated = "{{" in data or "{%" in data
        yield from names_in(data if templated or not condition else f"{{{{ {data} }}}}")


def names_of(role: Path) -> dict[str, set[str]]:
    """Return the names that a role reads, each with the files that read it."""
    found: dict[str, set[str]] = {}
    for path in yaml_files(role, "defaults", "vars", "tasks", "handlers"):
        for name in names_in_data(load(path)):
            found.setdefault(name, set()).add(str(path.relative_to(role)))
    for path in sorted((role / "templates").rglob("*.j2")):
        for name in names_in(path.read_text(encoding="utf-8")):
            found.setdefault(name, set()).add(str(path.relative_to(role)))
    return found


def owner(name: str, known: list[str]) -> str | None:
    """Return the role, the one with the longest name, whose prefix a variable carries."""
    plain = name.removeprefix("__")
    owners = [role for role in known if plain.startswith(f"{role}_")]
    return max(owners, key=len) if owners and name not in MAGIC else None

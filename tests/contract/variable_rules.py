"""The variables of a role: what it offers, what it reads, what it keeps for itself."""

from __future__ import annotations

from pathlib import Path

from tests.contract.reading import load, names_of, options, owner, role_tasks, roles, yaml_files

# Facts that the roles of one playbook hand to each other.
HANDED_OVER = "__evenkeel_"


def variables_documented(root: Path) -> list[str]:
    """Every variable that a role reads under its own name is one of its options, and each option is read."""
    known = [role.name for role in roles(root)]
    found = []
    for role in roles(root):
        names, specs = names_of(role), options(role)
        for name, files in sorted(names.items()):
            if not name.startswith("_") and owner(name, known) == role.name and name not in specs:
                found.append(f"{role.name}: {name} is not in argument_specs ({', '.join(sorted(files))})")
        found += [f"{role.name}: option {name} is not used" for name in sorted(specs) if name not in names]
    return found


def variables_owned(root: Path) -> list[str]:
    """A role reads its own variables: not those of another role, of a site, or facts as variables."""
    known = [role.name for role in roles(root)]
    found = []
    for role in roles(root):
        for name, files in sorted(names_of(role).items()):
            where = f"({', '.join(sorted(files))})"
            if name.startswith("unreadable"):
                found.append(f"{role.name}: {name} {where}")
            elif name.startswith("app_"):
                found.append(f"{role.name}: reads {name} of the site {where}")
            elif owner(name, known) not in (None, role.name):
                found.append(f"{role.name}: reads {name} of another role {where}")
    return found


def variables_private(root: Path) -> list[str]:
    """What a role keeps for itself starts with two underscores and its name."""
    found = []
    for role in roles(root):
        names = [(path, key) for path in yaml_files(role, "vars") for key in load(path) or {}]
        for path, task in role_tasks(role):
            names += [(path, key) for key in (task.get("vars") or {})]
            names += [(path, key) for key in (task.get("ansible.builtin.set_fact") or {}) if key != "cacheable"]
            names += [(path, task["register"])] if "register" in task else []
            control = task.get("loop_control") or {}
            names += [(path, control[key]) for key in ("loop_var", "index_var") if key in control]
        for path, name in names:
            if not str(name).startswith((f"__{role.name}_", HANDED_OVER, "ansible_")):
                found.append(f"{role.name}: {path.relative_to(role)}: {name} does not start with __{role.name}_")
    return found


def variables_prefixed(root: Path) -> list[str]:
    """What a role offers starts with its name."""
    found = []
    for role in roles(root):
        names = sorted(set(options(role)) | set(load(role / "defaults/main.yml") or {}))
        found += [
            f"{role.name}: {n} does not start with {role.name}_" for n in names if not n.startswith(f"{role.name}_")
        ]
    return found


def variables_defaults(root: Path) -> list[str]:
    """An option is required, or has the same default in defaults/main.yml and in the argument specification."""
    found = []
    for role in roles(root):
        defaults, specs = load(role / "defaults/main.yml") or {}, options(role)
        found += [f"{role.name}: {name} has a default but is no option" for name in sorted(set(defaults) - set(specs))]
        for name, spec in sorted(specs.items()):
            if spec.get("required"):
                # An empty default is none: preflight then says what is missing.
                found += [f"{role.name}: {name} is required and has a default"] if defaults.get(name) else []
            elif name not in defaults or "default" not in spec:
                found.append(f"{role.name}: {name} needs a default in defaults and argument_specs, or required: true")
            elif defaults[name] != spec["default"] or type(defaults[name]) is not type(spec["default"]):
                found.append(f"{role.name}: {name}: default {defaults[name]!r} is documented as {spec['default']!r}")
    return found

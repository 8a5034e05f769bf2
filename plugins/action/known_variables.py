# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse host variables that look like a role's option and are none."""

from __future__ import annotations

import difflib
import typing as t
from collections.abc import Iterable
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

# Variables of Ansible itself that carry the prefix of a role's name.
MAGIC = frozenset({"inventory_dir", "inventory_file", "inventory_hostname", "inventory_hostname_short"})


def option_names(specs: t.Mapping[str, t.Any]) -> set[str]:
    """Return the names of the options of every entry point of an argument specification."""
    entry_points = (specs.get("argument_specs") or {}).values()
    return {name for entry_point in entry_points for name in (entry_point or {}).get("options") or {}}


def unknown_variables(role: str, names: Iterable[str], known: set[str], roles: Iterable[str]) -> list[str]:
    """Return the names that carry the role's prefix but are neither its options nor those of a longer role name."""
    prefix = f"{role}_"
    longer = tuple(f"{other}_" for other in roles if other.startswith(prefix))
    return sorted(n for n in set(names) - known - MAGIC if n.startswith(prefix) and not n.startswith(longer))


def complaint(host: str, role: str, name: str, known: set[str]) -> str:
    """Describe one unknown variable, without its value: it may be a secret."""
    nearest = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else "no option has a similar name"
    return f"host {host}: {name} is not an option of role {role}; {hint}"


class ActionModule(ActionBase):
    """Compare the variables of the host with the argument specifications of roles."""

    TRANSFERS_FILES = False
    _VALID_ARGS: frozenset[str] = frozenset({"roles"})
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Fail with all unknown variables of this host at once."""
        variables = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, variables)
        role = self._task._role
        if role is None:
            raise AnsibleActionFail("known_variables works only inside a role")
        own = Path(role._role_path)
        arguments = self.validate_argument_spec({"roles": {"type": "list", "elements": "str"}})[1]
        siblings = [entry.name for entry in own.parent.iterdir() if entry.is_dir()]
        unknown, lines = [], []
        for name in arguments["roles"] or [own.name]:
            known = option_names(self._load_specs(own.parent / name))
            full_name = role.get_name().removesuffix(own.name) + name
            found = unknown_variables(name, variables, known, siblings)
            host = str(variables.get("inventory_hostname"))
            unknown += found
            lines += [complaint(host, full_name, variable, known) for variable in found]
            if found:
                lines.append(f"The options are documented: ansible-doc -t role {full_name}")
        result["changed"] = False
        result["unknown"] = unknown
        if unknown:
            result["failed"] = True
            result["msg"] = "\n".join(lines)
        return result

    def _load_specs(self, role_path: Path) -> dict[str, t.Any]:
        """Read the argument specification of the role."""
        for candidate in ("argument_specs.yml", "argument_specs.yaml"):
            path = role_path / "meta" / candidate
            if path.is_file():
                return t.cast("dict[str, t.Any]", self._loader.load_from_file(str(path)) or {})
        raise AnsibleActionFail(f"role {role_path.name} has no meta/argument_specs.yml, known_variables needs it")

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the commands that put a host back into rotation."""

from __future__ import annotations

DOCUMENTATION = r"""
name: undrain_commands
short_description: Return the commands that put a host back into rotation, one for each of its owners
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - They name the inventory and the vault as the command that runs now did, so that they act on the same site.
options:
  _input:
    description: Who holds the host.
    type: list
    elements: str
    required: true
  host:
    description: The host.
    type: str
    required: true
  group:
    description: Its group, where the command has to name it; may be empty.
    type: str
    required: true
  typed:
    description: How the command that runs now was typed, as the lookup C(evenkeel.web.controller) tells it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say how the host is put back
  ansible.builtin.debug:
    msg: "{{ ['ops'] | evenkeel.web.undrain_commands(inventory_hostname, '', typed) | first }}"
"""

RETURN = r"""
_value:
  description: The commands, quoted for a shell.
  type: list
  elements: str
  sample: ["ansible-playbook undrain.yml -l backend2 -e rotation_owner=ops"]
"""

import shlex
import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import words


def undrain_commands(owners: Iterable[str], host: str, group: str, typed: Mapping[str, t.Any]) -> list[str]:
    """Return the commands."""
    # Named even where it is the usual one: the host may be in another group as well.
    named = [shlex.quote(words.extra_var("rollout_group", group))] if group else []
    given = [shlex.quote(words.extra_var("rotation_owner", owner)) for owner in owners]
    return [words.command({"typed": typed}, "undrain", [host], given=[*named, text]) for text in given]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        """Return the filter by its name."""
        return {"undrain_commands": undrain_commands}

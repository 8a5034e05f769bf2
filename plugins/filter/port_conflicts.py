# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: ports that another program holds."""

from __future__ import annotations

DOCUMENTATION = r"""
name: port_conflicts
short_description: Find ports that another program listens on
version_added: 0.1.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Reads the output of C(ss --no-header --listening --tcp --numeric --processes) and returns a sentence for every
    wanted address that a program other than ours holds.
options:
  _input:
    description: Output of C(ss).
    type: str
    required: true
  wanted:
    description: Addresses with ports, such as C(0.0.0.0:80), C([::]:80), C(127.0.0.1:8088).
    type: list
    elements: str
    required: true
  ours:
    description: The name of our own program.
    type: str
    default: nginx
"""

EXAMPLES = r"""
- name: Show who holds port 80
  ansible.builtin.debug:
    msg: "{{ listening.stdout | evenkeel.web.port_conflicts(['0.0.0.0:80']) }}"
"""

RETURN = r"""
_value:
  description: A sentence for each conflict.
  type: list
  elements: str
  sample: ["0.0.0.0:80 is taken: apache2 (process 812) listens on *:80"]
"""

import typing as t
from collections.abc import Callable

from ansible_collections.evenkeel.web.plugins.module_utils._common.listeners import port_conflicts


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"port_conflicts": port_conflicts}

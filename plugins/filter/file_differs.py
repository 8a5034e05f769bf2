# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: does a file on a host differ from what is wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
name: file_differs
short_description: Tell whether a file found on a host differs from what is wanted
version_added: 0.1.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Looks into the C(files) that M(ansible.builtin.find) returned with O(ansible.builtin.find#module:get_checksum=true).
  - One look at many files and then writing only those that differ costs a host one module execution where
    a template for each file costs two.
options:
  _input:
    description: C(files) of the result of M(ansible.builtin.find).
    type: list
    elements: dict
    required: true
  path:
    description: The file.
    type: str
    required: true
  content:
    description: What it must hold.
    type: str
    required: true
  mode:
    description: Which mode it must have. Its owner must be root.
    type: str
    default: '0644'
  group:
    description: Which group it must belong to.
    type: str
    default: root
"""

EXAMPLES = r"""
- name: Look at our files
  ansible.builtin.find:
    paths: [/etc/nginx/upstreams.d]
    get_checksum: true
  register: found

- name: Write the file if it differs
  ansible.builtin.copy:
    content: "hello\n"
    dest: /etc/nginx/upstreams.d/hello.conf
    mode: '0644'
  when: found.files | evenkeel.web.file_differs('/etc/nginx/upstreams.d/hello.conf', 'hello\n')
"""

RETURN = r"""
_value:
  description: Whether the file is missing or differs in content, mode or owner.
  type: bool
"""

import hashlib
import typing as t
from collections.abc import Callable, Mapping, Sequence


def file_differs(
    found: Sequence[Mapping[str, t.Any]], path: str, content: str, mode: str = "0644", group: str = "root"
) -> bool:
    """Return whether the file is missing or differs in content, mode or owner."""
    # SHA-1 is what the find module reports; it guards against change, not against an attacker.
    wanted = (hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest(), mode, 0, group)
    for file in found:
        if file.get("path") == path:
            return (file.get("checksum"), file.get("mode"), file.get("uid"), file.get("gr_name")) != wanted
    return True


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"file_differs": file_differs}

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventory: the addresses of the lab's machines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lab
short_description: Give the hosts of the inventory the addresses of the lab's machines
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Sets C(ansible_host) of each host that is in the inventory already and has a machine in the lab, unless
    the host has an address of its own. Adds no host.
  - A delegated task renders the variables of a connection with the names of the host that it is for, so only an
    address that is no template is the right one.
  - The checkout's lab alone uses it.
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [evenkeel.web.lab]
  addresses:
    description: The file with the addresses, as C(lab/create.yml) writes it. A relative path starts beside this file.
    type: str
    default: ../../.lab/site/addresses.json
"""

EXAMPLES = r"""
plugin: evenkeel.web.lab
"""

import json
import os
import typing as t
from pathlib import Path

from ansible.plugins.inventory import BaseInventoryPlugin


class InventoryModule(BaseInventoryPlugin):
    """Adds addresses to hosts."""

    NAME = "evenkeel.web.lab"

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Set the address of each host that has a machine."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        folder = os.environ.get("EVENKEEL_LAB_DIR")
        option = Path(path).parent / self.get_option("addresses")
        file = Path(folder) / "addresses.json" if folder else option
        if not file.is_file():
            return
        for name, address in json.loads(file.read_text(encoding="utf-8")).items():
            # What somebody wrote for a host itself is meant.
            if name in inventory.hosts and "ansible_host" not in inventory.hosts[name].vars:
                inventory.set_variable(name, "ansible_host", address)

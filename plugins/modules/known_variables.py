# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: known_variables
short_description: Refuse host variables that look like an option of the role and are none
version_added: 0.1.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - A misspelt variable is silently ignored by Ansible; the role then runs with its default.
    This action compares the variables of the host with the argument specification of the role it is called in,
    or of the roles in O(roles), and fails for every variable that starts with the role's name and an underscore
    but is no option of any of its entry points.
  - The error lists all such variables, each with its host and the nearest option names.
    It never shows values, because they may be secrets.
  - Variables that start with an underscore are private to the role and not looked at,
    and neither are variables that carry the prefix of a sibling role with a longer name.
notes:
  - Runs on the controller; nothing is executed on the host.
  - The task must be in a role that has C(meta/argument_specs.yml).
  - Variables registered by a playbook count as variables of the host; do not give them a role's prefix.
options:
  roles:
    description:
      - Roles of the same collection to look at, instead of the one that this task is in.
    type: list
    elements: str
attributes:
  check_mode:
    description: Works in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Refuse variables that no option of this role has
  evenkeel.web.known_variables:

- name: Refuse variables that no option of the roles to come has
  evenkeel.web.known_variables:
    roles: [nginx, load_balancer]
"""

RETURN = r"""
unknown:
  description: Names of the variables that are not options of their role.
  returned: always
  type: list
  elements: str
  sample: [nginx_worker_conections]
"""

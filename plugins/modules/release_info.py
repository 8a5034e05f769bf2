#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: Show which release a host has, and which one its process runs in
version_added: 0.3.0
description:
  - Reads the directories of the role P(evenkeel.web.release#role) and asks systemd, and changes nothing.
  - What the link C(current) names and what the process runs in may differ until the process is restarted.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.attributes
options:
  path:
    description: The directory of O(folder), C(current) and C(previous).
    type: path
    required: true
  folder:
    description: Name of the directory in O(path) that holds one directory for each version.
    type: str
    default: releases
  marker:
    description:
      - Name of the file that a version has in its directory once it is complete.
      - Empty where a directory that is there is complete. One whose name starts with a dot never is.
    type: str
    default: .complete
  unit:
    description: The systemd unit that runs the release. Empty if there is none.
    type: str
    default: ''
  listen:
    description:
      - Address and port that the unit's main process listens on, as in V(192.0.2.11:5000), V([2001:db8::11]:5000) or
        V(0.0.0.0:5000). Whether somebody else does is asked of C(ss).
      - Empty if nobody needs to know.
    type: str
    default: ''
    version_added: 0.3.0
  mark:
    description: The file that marks that a restart is due. Empty if there is none.
    type: path
    default: ''
  marks_after:
    description: Configuration files. A restart is due when one of them is newer than O(started_file).
    type: list
    elements: path
    default: []
  started_file:
    description:
      - The file that the unit touches when it starts, and that goes when it stops. What does not run needs no restart.
      - Empty if there is none. Only O(mark) counts then.
    type: path
    default: ''
seealso:
  - module: evenkeel.web.health_check
"""

EXAMPLES = r"""
- name: Look at the release of this instance
  evenkeel.web.release_info:
    path: /srv/notes-backend1
    unit: notes-backend1.service
    listen: 192.0.2.11:5000
    mark: /var/lib/evenkeel/restart/notes-backend1
    marks_after:
      - /etc/systemd/system/notes-backend1.service
      - /etc/notes-backend1/environment
    started_file: /run/notes-backend1/started
  register: seen

- name: Refuse an old process
  ansible.builtin.assert:
    that: seen.release.running == seen.release.current
"""

RETURN = r"""
release:
  description: What was seen.
  returned: always
  type: dict
  contains:
    path:
      description: The directory.
      type: str
    current:
      description: The version that C(current) leads to. Empty if there is none.
      type: str
    previous:
      description: The version that C(previous) leads to. Empty if there is none.
      type: str
    staged:
      description: Every version that has a directory, complete or not, by name.
      type: list
      elements: str
    complete:
      description: Versions that can be switched to, oldest first.
      type: list
      elements: str
    unit:
      description: The systemd unit.
      type: str
    active:
      description: Its C(ActiveState). Empty without a unit.
      type: str
    sub:
      description: Its C(SubState).
      type: str
    main_pid:
      description: Its main process. V(0) if there is none.
      type: int
    running:
      description: The version that the main process works in, also if it was removed since. Empty if there is none.
      type: str
    restarts:
      description: How often systemd restarted it on its own.
      type: int
    since:
      description: For how many seconds it has been active.
      type: float
    rivals:
      description: A sentence for each program other than the main process that listens where O(listen) says.
      type: list
      elements: str
    restart_due:
      description: Whether the process is older than its configuration.
      type: bool
  sample:
    path: /srv/notes-backend1
    current: 1.4.2
    previous: 1.0.0
    staged: [1.0.0, 1.4.2]
    complete: [1.0.0, 1.4.2]
    unit: notes-backend1.service
    active: active
    sub: running
    main_pid: 812
    running: 1.4.2
    restarts: 0
    since: 3605.2
    rivals: []
    restart_due: false
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.module import serve
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.release import run


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the options."""
    return {
        "path": {"type": "path", "required": True},
        "folder": {"type": "str", "default": "releases"},
        "marker": {"type": "str", "default": ".complete"},
        "unit": {"type": "str", "default": ""},
        "listen": {"type": "str", "default": ""},
        "mark": {"type": "path", "default": ""},
        "marks_after": {"type": "list", "elements": "path", "default": []},
        "started_file": {"type": "path", "default": ""},
    }


def main() -> None:
    """Look."""
    serve(AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True), run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_announcement
short_description: Announce to clients that nginx is going to reload, while something else is waited for
version_added: 0.3.0
description:
  - nginx before 1.27.4 breaks clients' idle connections when it reloads, so each module of this collection that
    reloads it announces that for O(close_window) seconds, and waits. This one announces and does not wait; the reload
    that comes then waits for what is left of its own O(close_window).
  - Meanwhile each answer tells its client to connect anew, which costs clients a connection for each request.
  - The next reload by this collection ends the announcement, whoever asks for it. One that no reload has followed for
    15 minutes does not count any more, and is cleared away by the next task that changes this nginx.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.nginx
  - evenkeel.web.attributes
options:
  state:
    description:
      - V(present) announces, where a client is connected that the reload would harm.
      - V(absent) takes it back, as no reload comes.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: evenkeel.web.nginx_reload
  - module: evenkeel.web.nginx_upstream_server
"""

EXAMPLES = r"""
- name: Announce the reload that puts the backend back, while it starts
  evenkeel.web.nginx_announcement:
  become: true
  delegate_to: lb1

- name: Take it back, as the backend does not start
  evenkeel.web.nginx_announcement:
    state: absent
  become: true
  delegate_to: lb1
"""

RETURN = r"""
announced:
  description:
    - Whether a reload is announced now, or would be (check mode).
    - V(false) with O(state=present) means that none has to be - this nginx spares idle connections by itself or cannot
      announce anything, it does not run, or no client is connected.
  returned: success
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.announcement_task import run
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.module import TARGET_OPTIONS, serve


def main() -> None:
    """Announce, or take it back."""
    options = {**TARGET_OPTIONS, "state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
    serve(AnsibleModule(argument_spec=options, supports_check_mode=True), run)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_reload
short_description: Reload nginx and prove that it serves its new configuration
version_added: 0.2.0
description:
  - Tests the configuration, tells nginx to reload, and returns when every worker that served the old configuration is
    retired, new ones run, and one of them has answered for the new configuration.
  - Neither C(nginx -t) nor C(nginx -s reload) can tell that. Both return 0 when a port is taken by another program, or
    when the key of a C(limit_req_zone) has changed, and nginx goes on with its old configuration. This module fails
    then, and quotes nginx' error log.
  - It announces the reload first where the version of nginx would otherwise break clients' idle connections.
  - A certificate that was renewed under the same name is a new configuration too.
  - Where M(evenkeel.web.nginx_upstream) removed servers without a reload of its own, this one waits for their requests.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.nginx
  - evenkeel.web.attributes
  - evenkeel.web.nginx.drain
options:
  when:
    description:
      - V(always) reloads whenever the task runs, as a handler should.
      - V(needed) reloads only where nginx does not serve what is on disk, so it can stand in a play as it is.
      - V(needed) relies on the answer of nginx itself, for which its C(http) block must hold
        C(include evenkeel-generation.con[f];). Without that line it reloads only after a reload of this collection that
        was not proven.
    type: str
    choices: [always, needed]
    default: always
notes:
  - An nginx that does not run is not started. Its configuration is tested, and the task is not changed.
  - nginx 1.27.4 and newer take a certificate or key that they have loaded before for unchanged when its file has the
    same inode and the same second of modification. Renew it by a new file in the place of the old one, as
    M(ansible.builtin.copy) does. One that is overwritten in the second in which nginx loaded it stays the old one.
  - The line C(include evenkeel-generation.con[f];) names a file that this module writes beside C(nginx.conf). The
    brackets let nginx start while there is no such file.
  - A closing flag is tested in each location that clients use, such as C(if (-f /run/evenkeel/closing) { return 418; })
    with an C(error_page 418) that leads to a location with C(keepalive_timeout 0). C(open_file_cache) must be
    off there.
seealso:
  - module: evenkeel.web.nginx_announcement
  - module: evenkeel.web.nginx_upstream
  - module: evenkeel.web.nginx_upstream_server
  - module: evenkeel.web.nginx_upstream_info
"""

EXAMPLES = r"""
- name: Reload nginx after its configuration has changed (a handler)
  evenkeel.web.nginx_reload:
  become: true

- name: Serve what is on disk, whoever changed it
  evenkeel.web.nginx_reload:
    when: needed
  become: true

- name: Load a renewed certificate, announced long enough for clients that stay idle for 30 seconds
  evenkeel.web.nginx_reload:
    when: needed
    close_window: 30
  become: true

- name: Reload an nginx with a prefix of its own
  evenkeel.web.nginx_reload:
    nginx_binary: /opt/nginx/sbin/nginx
    config_dir: /opt/nginx/conf
    runtime_dir: /opt/nginx/run
  become: true

- name: Reload through the service manager, and show what proved it
  evenkeel.web.nginx_reload:
    reload_command: [systemctl, reload, nginx]
  become: true
  register: reloaded

- name: Show the proof
  ansible.builtin.debug:
    msg: "{{ reloaded.reload.proof }} after {{ reloaded.reload.seconds }} s"
"""

RETURN = r"""
reload:
  description: What the reload did.
  returned: success
  type: dict
  contains:
    performed:
      description: Whether nginx was reloaded.
      type: bool
    needed:
      description: Whether nginx was reloaded, or would be (check mode).
      type: bool
    proof:
      description:
        - V(generation) means that a new worker answered for this very configuration.
        - V(workers) means that all old workers were retired and new ones run. nginx has nothing that could be asked.
        - V(none) means that nothing was reloaded.
      type: str
    seconds:
      description: Time from the signal to the proof.
      type: float
    window:
      description: For how many seconds, at least, the reload was announced.
      type: float
    waited:
      description: How many of them this task waited; M(evenkeel.web.nginx_announcement) had announced it before.
      type: float
      version_added: 0.3.0
    old_workers:
      description: Processes that served the old configuration. They end when their last request has.
      type: list
      elements: int
    new_workers:
      description: Processes that serve the new one.
      type: list
      elements: int
    idle_clients:
      description:
        - How many connections clients had open at the signal.
        - No more than these can have been broken. With an announcement, or with C(keepalive_min_timeout), none
          should be.
      type: int
  sample:
    performed: true
    proof: generation
    seconds: 0.2
    window: 0.0
    waited: 0.0
    old_workers: [812, 813]
    new_workers: [1240, 1241]
    idle_clients: 0
    needed: true
reloads:
  description: How many reloads this task made, 0 or 1.
  returned: success
  type: int
  sample: 1
drain:
  description: How long the task waited for the requests of removed servers.
  returned: success
  type: dict
  sample:
    seconds: 0.2
    drained: []
    waiting: {}
    unproxied: 0
leftovers:
  description: What killed tasks had left, and this one cleared away.
  returned: success
  type: list
  elements: str
  sample: []
error_log:
  description: What nginx wrote into its error log during the reload, both the log of the old configuration and the new.
  returned: when the reload was not proven
  type: list
  elements: str
  sample: ["2026/11/28 01:30:02 [emerg] 811#811: still could not bind()"]
nginx:
  description: What C(nginx -t) said.
  returned: when nginx refuses its configuration
  type: str
  sample: 'nginx: [emerg] unknown directive "proxy_pas" in /etc/nginx/conf.d/app.conf:12'
holder:
  description: Who has the lock.
  returned: when lock_timeout has passed
  type: dict
  sample: {pid: 1189, what: nginx_upstream app, since: '2026-11-28T01:30:00Z'}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.module import DRAIN_OPTIONS, TARGET_OPTIONS, serve
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.reload_task import run


def main() -> None:
    """Reload, and leave with the proof or with nginx' reason."""
    options: dict[str, dict[str, object]] = {
        **DRAIN_OPTIONS,
        **TARGET_OPTIONS,
        "when": {"type": "str", "choices": ["always", "needed"], "default": "always"},
    }
    serve(AnsibleModule(argument_spec=options, supports_check_mode=True), run)


if __name__ == "__main__":
    main()

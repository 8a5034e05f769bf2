#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_upstream
short_description: Manage an upstream of nginx, its servers and how they are balanced
version_added: 0.2.0
description:
  - Keeps one file for each upstream, C(<upstreams_dir>/<name>.conf), and makes nginx serve it. The configuration is
    tested before the write and after it, the reload is proven, and if anything fails the old file is back as it was.
  - What the inventory owns comes from the options - which servers there are, and their parameters. What the file owns
    stays as it is - which servers are held out of rotation by M(evenkeel.web.nginx_upstream_server), by whom and why.
    So the task reports no change while a server is held, and warns who holds it.
  - A file that somebody edited is read first. Directives that this module does not know are kept, parameters that
    differ from the options are set back, and the diff shows both.
  - A server that is no longer named leaves the file, and the task waits until no request of it is left, so that its
    host may go afterwards.
  - When one server alone is left in rotation its C(max_fails) becomes 0, as one failure would otherwise make nginx
    answer 502 to everybody for C(fail_timeout). The former value stands behind the line and comes back with the
    second server.
  - Only what changes the configuration reloads nginx, and a run that was killed half-way is finished by the next.
author:
  - evenkeel contributors (@evenkeel)
extends_documentation_fragment:
  - evenkeel.web.nginx
  - evenkeel.web.attributes.diff
  - evenkeel.web.nginx.drain
options:
  state:
    description: Whether the upstream is there.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Name of the upstream, and of its file.
    type: str
    required: true
  method:
    description:
      - How a request finds its server.
      - V(ip_hash), V(hash) and V(random) cannot have backup servers.
      - V(least_time) needs nginx 1.31.0 or NGINX Plus.
    type: str
    choices: [round_robin, least_conn, ip_hash, hash, random, least_time]
    default: round_robin
  key:
    description: What the method V(hash) goes by, such as V($cookie_sessionid).
    type: str
  consistent:
    description: Whether the method V(hash) moves as few keys as possible when servers come and go (ketama).
    type: bool
    default: false
  two:
    description: Whether the method V(random) chooses two servers, and of these the better one.
    type: bool
    default: false
  two_method:
    description: Which of the two is the better one, such as V(least_conn). Without it nginx takes V(least_conn).
    type: str
  measure:
    description: What the method V(least_time) measures.
    type: str
    choices: [header, last_byte]
  inflight:
    description: Whether the method V(least_time) counts requests that are under way.
    type: bool
    default: false
  zone:
    description: Name of the memory for what all workers know of the servers. The name of the upstream if unset.
    type: str
  zone_size:
    description: Its size, such as V(64k). Computed from the number of servers if unset.
    type: str
  keepalive:
    description:
      - Idle connections to the servers that each worker keeps. V(0) for none. Unset means nginx's default, which is
        none before nginx 1.29.7 and 32 since.
      - Before nginx 1.29.7 the location also needs C(proxy_http_version 1.1) and an empty C(Connection) header.
    type: int
  keepalive_local:
    description: Whether a connection is used again only by the location that opened it (nginx 1.29.7).
    type: bool
    default: false
  keepalive_timeout:
    description:
      - How long an idle connection is kept, such as V(60s), which is nginx's default.
      - The servers must keep it for longer.
    type: str
  keepalive_requests:
    description: Requests after which a connection is closed; nginx's default is 1000.
    type: int
  keepalive_time:
    description: Time after which a connection is closed, such as V(1h), which is nginx's default (nginx 1.19.10).
    type: str
  sticky:
    description: What keeps a client at its server, such as V(cookie srv_id expires=1h) (nginx 1.29.6 or NGINX Plus).
    type: str
  resolver:
    description: Name servers for servers with O(servers[].resolve), such as V(127.0.0.53 valid=10s) (nginx 1.27.3).
    type: str
  resolver_timeout:
    description: How long a name may take to be resolved; nginx's default is V(30s).
    type: str
  servers:
    description:
      - The servers, in the order in which nginx gets them. With a hash method their order decides which key goes where.
      - The filter P(evenkeel.web.upstream_servers#filter) makes this list from a group of the inventory.
    type: list
    elements: dict
    suboptions:
      address:
        description:
          - IP address, name, or C(unix:/path). A name without O(servers[].resolve) is resolved once, at a reload.
        type: str
        required: true
      port:
        description: TCP port. Unset means the one in O(servers[].address), else 80.
        type: int
      weight:
        description: Share of the requests; nginx's default is 1.
        type: int
      max_conns:
        description: Most connections to it at once; nginx's default is 0, which is no limit.
        type: int
      max_fails:
        description:
          - Failures within O(servers[].fail_timeout) after which it is left out; nginx's default is 1, V(0) is never.
        type: int
      fail_timeout:
        description: See O(servers[].max_fails). Also how long it is left out; nginx's default is V(10s).
        type: str
      backup:
        description: Whether it only gets requests when all others have failed.
        type: bool
        default: false
      resolve:
        description: Whether its name is resolved again and again (nginx 1.27.3).
        type: bool
        default: false
      service:
        description: The service of a DNS SRV record to look up (nginx 1.27.3).
        type: str
      route:
        description: Its name for O(sticky) (nginx 1.29.6).
        type: str
      comment:
        description:
          - Stands behind the line. M(evenkeel.web.nginx_upstream_server) finds the server by it, so give the name of
            the host.
        type: str
  adopt:
    description:
      - Whether a file of that name may be taken over although this module did not write it. What the model does not
        know is kept.
      - It must hold this upstream and nothing else.
    type: bool
    default: false
  label:
    description: What the upstream is for. It stands in the first line of the file, by which a role can find its own.
    type: str
    default: ''
  reload:
    description:
      - Whether nginx is made to serve the change at once. V(false) leaves it to the next task of this collection that
        reloads, such as a handler with M(evenkeel.web.nginx_reload), so that several upstreams share one reload. That
        task waits for removed servers too.
      - A change that is not served yet is reported as changed again, so that the handler is notified again.
    type: bool
    default: true
  wait:
    description: Whether to wait until removed servers have no request left.
    type: bool
    default: true
seealso:
  - module: evenkeel.web.nginx_upstream_server
  - module: evenkeel.web.nginx_upstream_info
  - module: evenkeel.web.nginx_reload
"""

EXAMPLES = r"""
- name: Balance over the hosts of a group
  evenkeel.web.nginx_upstream:
    name: backends
    method: least_conn
    keepalive: 32
    servers: "{{ groups['backends'] | evenkeel.web.upstream_servers(hostvars, port=5000) }}"

- name: Keep a session at its server, and move as few as possible when servers come and go
  evenkeel.web.nginx_upstream:
    name: app
    method: hash
    key: $cookie_sessionid
    consistent: true
    servers:
      - {address: 192.0.2.11, port: 5000, weight: 2}
      - {address: 192.0.2.12, port: 5000}
      - {address: "2001:db8::13", port: 5000, max_fails: 3, fail_timeout: 10s}

- name: Remove an upstream that nothing uses any more
  evenkeel.web.nginx_upstream:
    name: old
    state: absent
"""

RETURN = r"""
file:
  description: The file of the upstream.
  returned: always
  type: str
  sample: /etc/nginx/upstreams.d/app.conf
added:
  description: Servers that were not there before.
  returned: always
  type: list
  elements: str
  sample: []
removed:
  description: Servers that were there before.
  returned: always
  type: list
  elements: str
  sample: ['192.0.2.14:5000']
held:
  description: Servers that are out of rotation, and every hold on them.
  returned: always
  type: list
  elements: dict
  sample:
    - address: 192.0.2.11:5000
      holds:
      - {owner: ops, reason: disk swap, since: '2026-11-28T01:30:00Z', until: '2026-11-28T18:00:00Z'}
drain:
  description: How long the task waited for the requests of removed servers, and who still holds which of them.
  returned: always
  type: dict
  sample:
    seconds: 0.2
    drained: ['192.0.2.14:5000']
    waiting: {}
    unproxied: 0
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.module import DRAIN_OPTIONS, TARGET_OPTIONS, serve
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.upstream_task import run

SERVER_OPTIONS = {
    "address": {"type": "str", "required": True},
    "port": {"type": "int"},
    "weight": {"type": "int"},
    "max_conns": {"type": "int"},
    "max_fails": {"type": "int"},
    "fail_timeout": {"type": "str"},
    "backup": {"type": "bool", "default": False},
    "resolve": {"type": "bool", "default": False},
    "service": {"type": "str"},
    "route": {"type": "str"},
    "comment": {"type": "str"},
}


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the options."""
    methods = ["round_robin", "least_conn", "ip_hash", "hash", "random", "least_time"]
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str", "required": True},
        "method": {"type": "str", "choices": methods, "default": "round_robin"},
        "key": {"type": "str", "no_log": False},
        "consistent": {"type": "bool", "default": False},
        "two": {"type": "bool", "default": False},
        "two_method": {"type": "str"},
        "measure": {"type": "str", "choices": ["header", "last_byte"]},
        "inflight": {"type": "bool", "default": False},
        "zone": {"type": "str"},
        "zone_size": {"type": "str"},
        "keepalive": {"type": "int"},
        "keepalive_local": {"type": "bool", "default": False},
        "keepalive_timeout": {"type": "str"},
        "keepalive_requests": {"type": "int"},
        "keepalive_time": {"type": "str"},
        "sticky": {"type": "str"},
        "resolver": {"type": "str"},
        "resolver_timeout": {"type": "str"},
        "servers": {"type": "list", "elements": "dict", "options": SERVER_OPTIONS},
        "adopt": {"type": "bool", "default": False},
        "label": {"type": "str", "default": ""},
        "reload": {"type": "bool", "default": True},
        "wait": {"type": "bool", "default": True},
        **DRAIN_OPTIONS,
        **TARGET_OPTIONS,
    }


def main() -> None:
    """Make the upstream what the options say."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "present", ("servers",)), ("method", "hash", ("key",))],
        supports_check_mode=True,
    )
    serve(module, run)


if __name__ == "__main__":
    main()

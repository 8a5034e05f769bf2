#!/usr/bin/python
# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smoke
short_description: Use a site through its load balancer as a user would
version_added: 0.1.0
description:
  - Asks one load balancer for a page, for the API until every backend has answered, writes a record and reads it
    back through another backend, echoes over a WebSocket, reads nginx's status page and asks Prometheus for its
    targets.
  - Every check runs, also after one has failed. The task fails when one of them failed.
  - An empty path turns a check off, and its line says so.
  - Runs where the user is, so delegate it to the controller.
author:
  - evenkeel contributors (@evenkeel)
requirements:
  - websocket-client (Python library) where O(websocket_path) is set
attributes:
  check_mode:
    support: none
    description: Can run in check_mode and return changed status prediction without modifying target.
  diff_mode:
    support: none
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
options:
  url:
    description: Scheme, host and port of the load balancer, for example V(http://192.0.2.10).
    type: str
    required: true
  host:
    description: The C(Host) header, for a load balancer that is asked by address. Empty means the host of O(url).
    type: str
    default: ''
  validate_certs:
    description: Whether the certificate of an C(https) O(url) must be valid.
    type: bool
    default: true
  ca_path:
    description: File with the certificates of the authorities to trust. Unset means those of the controller.
    type: path
  timeout:
    description: Seconds that one request may take.
    type: float
    default: 10
  page_path:
    description: Path of an HTML page of the frontends.
    type: str
    default: /
  api_path:
    description: Path that a backend answers with status 200 and its name in the header C(X-Served-By).
    type: str
    default: /api/whoami
  instances:
    description: Names, as in C(X-Served-By), of the backends that must all answer.
    type: list
    elements: str
    required: true
  spread:
    description:
      - What makes the load balancer choose another backend.
      - V(requests) is every request, V(none) is nothing (C(ip_hash)), anything else is the name of a cookie.
    type: str
    default: requests
  max_requests:
    description: Number of requests within which every backend must have answered.
    type: int
    default: 30
  write_path:
    description: Path that takes a JSON object with a C(text) by POST, answers with its C(id), and serves it below.
    type: str
    default: /api/notes
  websocket_path:
    description: Path of a WebSocket that echoes.
    type: str
    default: /ws/echo
  status_path:
    description: Path of nginx's status page.
    type: str
    default: /nginx_status
  targets_path:
    description: Path of Prometheus' list of targets.
    type: str
    default: /prometheus/api/v1/targets
  targets_timeout:
    description: Seconds within which every target must be up.
    type: float
    default: 90
  instance_command:
    description: Command that shows why a backend misbehaves; C({instance}) stands for its name.
    type: str
    default: ''
  load_balancer_command:
    description: Command that shows why the load balancer misbehaves.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Use the site through this load balancer
  evenkeel.web.smoke:
    url: http://192.0.2.10
    instances: [backend1, backend2, backend3]
  delegate_to: localhost
"""

RETURN = r"""
lines:
  description: One line per check.
  returned: always
  type: list
  elements: str
  sample: ["ok     page      / is an HTML page of 1604 characters from frontend1"]
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.evenkeel.web.plugins.module_utils._smoke.checks import Site, run_all
from ansible_collections.evenkeel.web.plugins.module_utils._smoke.host import WEBSOCKET_IMPORT_ERROR, UrlClient

DEFAULT_PATHS = {
    "page_path": "/",
    "api_path": "/api/whoami",
    "write_path": "/api/notes",
    "websocket_path": "/ws/echo",
    "status_path": "/nginx_status",
    "targets_path": "/prometheus/api/v1/targets",
}


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the options; one path per check."""
    return {
        "url": {"type": "str", "required": True},
        "host": {"type": "str", "default": ""},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 10},
        "instances": {"type": "list", "elements": "str", "required": True},
        "spread": {"type": "str", "default": "requests"},
        "max_requests": {"type": "int", "default": 30},
        "targets_timeout": {"type": "float", "default": 90},
        "instance_command": {"type": "str", "default": ""},
        "load_balancer_command": {"type": "str", "default": ""},
        **{name: {"type": "str", "default": path} for name, path in DEFAULT_PATHS.items()},
    }


def main() -> None:
    """Run the checks and fail with all their lines when one failed."""
    module = AnsibleModule(argument_spec=argument_spec())
    params = module.params
    if params["websocket_path"] and WEBSOCKET_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("websocket-client"), exception=WEBSOCKET_IMPORT_ERROR)
    connection = {name: params[name] for name in ("url", "host", "timeout", "validate_certs", "ca_path")}
    wanted = {name: value for name, value in params.items() if name not in connection}
    wanted["instances"] = tuple(wanted["instances"])
    outcomes = run_all(Site(**wanted), UrlClient(**connection))
    lines = [outcome.line() for outcome in outcomes]
    if any(outcome.state == "FAILED" for outcome in outcomes):
        module.fail_json(msg="\n".join([f"{params['url']} does not serve as it should:", *lines]), lines=lines)
    module.exit_json(changed=False, lines=lines)


if __name__ == "__main__":
    main()

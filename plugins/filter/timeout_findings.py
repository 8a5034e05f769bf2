# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: timeouts that do not fit together."""

from __future__ import annotations

DOCUMENTATION = r"""
name: timeout_findings
short_description: Tell which timeouts do not fit together
version_added: 0.3.0
author: Contributors to the evenkeel.web collection (@evenkeel)
description:
  - Checks the chain from the client through nginx and the application server to systemd. What is missing is not
    checked, and a name that is not in the chain is told.
  - Clients that idle longer than a reload spares them are told unless C(keepalive_min_timeout) (nginx 1.27.4) or
    C(close_window) is long enough.
    With V(0) for both nobody is to be spared.
  - Each finding names both timeouts, their values, and the value to set.
options:
  _input:
    description: >-
      Timeouts by name, in seconds or as nginx writes them; a list where they are not the same everywhere, of which the
      worst value counts. The names are C(longest_request), C(drain_timeout), C(proxy_read_timeout),
      C(proxy_keepalive_timeout), C(client_keepalive_timeout), C(keepalive_min_timeout), C(close_window),
      C(client_body_timeout), C(worker_shutdown_timeout), C(backend_timeout), C(backend_graceful_timeout),
      C(backend_stop_timeout) and C(backend_keepalive).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what does not fit
  ansible.builtin.debug:
    msg: "{{ {'backend_graceful_timeout': 30, 'backend_stop_timeout': 5} | evenkeel.web.timeout_findings }}"
"""

RETURN = r"""
_value:
  description: A sentence for each pair.
  type: list
  elements: str
  sample:
    - >-
      backend_graceful_timeout is 30 s and backend_stop_timeout 5 s: systemd kills what the server still finishes; set
      backend_stop_timeout to more than 30
"""

import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._rollout import timeouts


def timeout_findings(values: Mapping[str, t.Any]) -> list[str]:
    """Return the findings."""
    return timeouts.findings(values)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"timeout_findings": timeout_findings}

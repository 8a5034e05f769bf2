# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What the modules share: options, and how a result or an error leaves them."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common import module as common
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.host import LocalHost, Target
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Host

# Documented in the fragment `nginx`.
TARGET_OPTIONS: dict[str, dict[str, object]] = {
    "nginx_binary": {"type": "str", "default": "nginx"},
    "config_dir": {"type": "path"},
    "upstreams_dir": {"type": "path"},
    "reload_command": {"type": "list", "elements": "str"},
    "runtime_dir": {"type": "path", "default": "/run/evenkeel"},
    "close_window": {"type": "float", "default": 10.0},
    "lock_timeout": {"type": "float", "default": 120.0},
    "reload_timeout": {"type": "float", "default": 30.0},
}
DRAIN_OPTIONS: dict[str, dict[str, object]] = {"drain_timeout": {"type": "float", "default": 60.0}}

Run = Callable[[Mapping[str, t.Any], Host, bool], dict[str, t.Any]]


def serve(module: t.Any, run: Run) -> None:
    """Run what a module does and leave as Ansible expects it.

    :param module: an AnsibleModule
    """
    host = LocalHost(Target(**{name: module.params[name] for name in TARGET_OPTIONS}), module.run_command)
    common.serve(module, lambda: run(module.params, host, module.check_mode))

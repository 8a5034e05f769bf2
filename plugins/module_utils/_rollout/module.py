# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What the modules of rolling deploys share: how a result or an error leaves them."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common import module as common
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.host import LocalHost
from ansible_collections.evenkeel.web.plugins.module_utils._rollout.ports import Host

Run = Callable[[Mapping[str, t.Any], Host, bool], dict[str, t.Any]]


def serve(module: t.Any, run: Run) -> None:
    """Run what a module does and leave as Ansible expects it.

    :param module: an AnsibleModule
    """
    host = LocalHost(module.run_command)
    common.serve(module, lambda: run(module.params, host, module.check_mode))

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What nginx_reload does: make nginx serve what is on disk."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._common.errors import TaskError
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import transaction, upstream_task
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.configuration import Configuration
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.drainer import Drained, wait_until_drained
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Host

WHAT = "nginx_reload"


def run(params: Mapping[str, t.Any], host: Host, check_mode: bool) -> dict[str, t.Any]:
    """Do what the options say and return the result.

    :raises TaskError: nginx refuses its configuration, nothing proves that it serves it, or a server that was removed
        still has requests
    """

    def plan(_configuration: Configuration) -> transaction.Change:
        return transaction.Change(force_reload=params["when"] == "always")

    applied = transaction.apply(host, WHAT, plan, check_mode)
    removed = transaction.pending(host.record(), upstream_task.WHAT, applied.configuration)
    drained = Drained()
    if removed and not check_mode:
        drained = wait_until_drained(host, applied.configuration, removed, params["drain_timeout"])
    if drained.waiting:
        raise TaskError(
            f"drain_timeout: {params['drain_timeout']:g} s were not enough: {', '.join(sorted(drained.waiting))} was "
            f"removed, but still has requests. {drained.sentence()} Keep its host; the same task waits again.",
            drain=drained.as_data(),
            changed=applied.changed,
        )
    result = transaction.as_result(applied)
    # There is no file of the user's in it.
    del result["diff"]
    return {**result, "drain": drained.as_data(), "warnings": list(applied.warnings)}

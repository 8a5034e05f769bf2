# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""What nginx_announcement does: tell clients ahead that nginx is going to reload, or take that back."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Mapping

from ansible_collections.evenkeel.web.plugins.module_utils._nginx import reload as reloading
from ansible_collections.evenkeel.web.plugins.module_utils._nginx import sight
from ansible_collections.evenkeel.web.plugins.module_utils._nginx.ports import Host

WHAT = "nginx_announcement"


def run(params: Mapping[str, t.Any], host: Host, check_mode: bool) -> dict[str, t.Any]:
    """Do what the options say and return the result.

    :raises TaskError: the flag cannot be written, or somebody else has this nginx for longer than lock_timeout
    """
    with contextlib.nullcontext() if check_mode else host.lock(WHAT):
        return _present(host, check_mode) if params["state"] == "present" else _absent(host, check_mode)


def _present(host: Host, check_mode: bool) -> dict[str, t.Any]:
    if not check_mode:
        host.prepare()
    seen = sight.see(host, host.build())
    loading = reloading.Loading(seen.build, seen.configuration, seen.fingerprint)
    changed = reloading.announce(host, loading, check_mode)
    return {"changed": changed, "announced": changed or host.announced() is not None}


def _absent(host: Host, check_mode: bool) -> dict[str, t.Any]:
    changed = host.announced() is not None or host.target.closing_flag in host.leftovers(())
    if changed and not check_mode:
        host.announce(False)
    return {"changed": changed, "announced": False}

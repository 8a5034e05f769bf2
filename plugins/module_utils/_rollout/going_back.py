# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""Whether a batch that is to go back does, or is better left as it is."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping


def against(
    plan: Mapping[str, t.Any],
    state: Mapping[str, t.Any],
    batch: Collection[str],
    stuck: Collection[str],
    foreign: Collection[str],
) -> str:
    """Return why going back stops before this batch; empty: it goes back.

    What does badly itself is taken out whatever is left.

    :param state: C(revert) names the hosts that go back, C(watching) those of them that do badly
    :param stuck: the hosts that no release has made healthy
    :param foreign: the hosts that somebody else holds
    """
    worse = [host for host in stuck if host in state["revert"]]
    if worse:
        return f"{', '.join(worse)} is not healthy with the release before either"
    out = {*plan["backups"], *plan["skipped"], *stuck, *foreign, *batch}
    serving = [name for name in plan["names"] if name not in out]
    if len(serving) < int(plan["min_healthy"]) and not set(batch) <= set(state["watching"]):
        return f"fewer than {plan['min_healthy']} would serve (rollout_min_healthy)"
    return ""

# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""How many hosts are taken at once, and how many must stay."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Sequence


def share(value: t.Any, total: int, up: bool = False) -> int:
    """Return a number of hosts from a number or from a share such as C(30%).

    :param up: whether a share is rounded up, as what must stay is; what is taken is rounded down
    :raises ValueError: it is neither, it is below 0, or the share is above 100%
    """
    text = str(value).strip()
    if isinstance(value, bool) or not text.removesuffix("%").isdigit():
        raise ValueError(f"{value!r} is neither a whole number nor a share such as 30%")
    number = int(text.removesuffix("%"))
    if not text.endswith("%"):
        return number
    if number > 100:
        raise ValueError(f"{value!r} is more than 100%")
    return math.ceil(total * number / 100) if up else total * number // 100


def sizes(serial: t.Any, total: int) -> list[int]:
    """Return the size of each batch as Ansible's C(serial) means it: the last one of a list is repeated.

    :raises ValueError: a value is no number and no share
    """
    wanted = [max(share(one, total), 1) for one in (serial if isinstance(serial, (list, tuple)) else [serial])]
    found: list[int] = []
    while sum(found) < total:
        found.append(min(wanted[min(len(found), len(wanted) - 1)], total - sum(found)))
    return found


def split(order: Sequence[str], serial: t.Any, serving: Sequence[str], min_healthy: int) -> list[list[str]]:
    """Return the batches: as many hosts as C(serial) says, and never so many that fewer than C(min_healthy) serve.

    :param serving: who is healthy and in rotation now; a host that has been rolled serves as well
    :return: no batch for hosts that cannot be taken without serving fewer
    """
    wanted = list(sizes(serial, len(order)))
    healthy, left = set(serving), list(order)
    batches: list[list[str]] = []
    while left:
        size = wanted[min(len(batches), len(wanted) - 1)] if wanted else 1
        batch: list[str] = []
        for host in left[:size]:
            if batch_leaves(healthy, [*batch, host]) >= min_healthy:
                batch.append(host)
        if not batch:
            return batches
        batches.append(batch)
        left = [host for host in left if host not in batch]
        healthy.update(batch)
    return batches


def batch_leaves(healthy: set[str], batch: Sequence[str]) -> int:
    """Return how many serve while a batch is out."""
    return len(healthy.difference(batch))

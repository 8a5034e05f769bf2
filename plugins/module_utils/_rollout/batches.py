# Copyright: Contributors to the evenkeel.web collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE: only for the plugins of this collection; it may change without notice.

"""How many hosts are taken at once, and how many must stay."""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Collection, Iterable, Sequence


def share(value: t.Any, total: int, up: bool = False) -> int:
    """Return a number of hosts from a number or from a share such as C(30%).

    :param up: whether a share is rounded up, as what must stay is; what is taken is rounded down
    :raises ValueError: it is neither, it is below 0, or the share is above 100%
    """
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]+%?", text):
        raise ValueError(f"{value!r} is neither a whole number nor a share such as 30%")
    number = int(text.removesuffix("%"))
    if not text.endswith("%"):
        return number
    if number > 100:
        raise ValueError(f"{value!r} is more than 100%")
    return math.ceil(total * number / 100) if up else total * number // 100


def sizes(serial: t.Any, total: int) -> list[int]:
    """Return the sizes that are asked for as Ansible's C(serial) means them: the last one is repeated.

    :raises ValueError: a value is no number and no share
    """
    wanted = serial if isinstance(serial, (list, tuple)) else [serial]
    return [max(share(one, total), 1) for one in wanted]


def split(
    order: Sequence[str], wanted: Sequence[int], serving: Iterable[str], counted: Collection[str], min_healthy: int
) -> list[list[str]]:
    """Return the batches, each the next hosts of the order: as many as wanted, and never so many that too few serve.

    :param wanted: the size of each batch; the last one is repeated
    :param serving: who is healthy and in rotation now
    :param counted: who serves once it has been rolled; a backup does not
    :return: no batch for the first host that cannot be taken without too few serving, and for those after it
    """
    healthy, found, left = set(serving), list[list[str]](), list(order)
    while left:
        size = wanted[min(len(found), len(wanted) - 1)]
        while size and len(healthy.difference(left[:size])) < min_healthy:
            size -= 1
        if not size:
            break
        found.append(left[:size])
        left = left[size:]
        healthy.update(name for name in found[-1] if name in counted)
    return found


def cut_down(found: Sequence[Sequence[str]], wanted: Sequence[int], total: int) -> dict[int, int]:
    """Return each size that was asked for and not reached, with the smallest batch that came of it.

    :param total: the number of hosts that are rolled
    """
    left, smaller = total, dict[int, int]()
    for number, batch in enumerate(found):
        asked = min(wanted[min(number, len(wanted) - 1)], total)
        if len(batch) < min(asked, left):
            smaller[asked] = min(len(batch), smaller.get(asked, len(batch)))
        left -= len(batch)
    return smaller

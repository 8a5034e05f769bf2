"""The table: every row, in the order in which the documentation tells them."""

from __future__ import annotations

import os

from tests.rollouts.faults.row import Row
from tests.rollouts.faults.rows import controller, drains, hosts, load_balancers, releases, site, staging

SECTIONS: dict[str, list[Row]] = {
    "The release": releases.ROWS,
    "Staging and migration": staging.ROWS,
    "Hosts": hosts.ROWS,
    "Requests that do not end": drains.ROWS,
    "Load balancers": load_balancers.ROWS,
    "The controller": controller.ROWS,
    "The site and its inventory": site.ROWS,
}
ROWS = [row for rows in SECTIONS.values() for row in rows]
# FAULTS=1/2 tries every second row, from the first one on; each part has a lab of its own.
PART = os.environ.get("FAULTS", "1/1")


def chosen(part: str) -> list[Row]:
    """Return the rows of a part, such as 1/2.

    :raises ValueError: it is none
    """
    number, parts = map(int, part.split("/"))
    if not 1 <= number <= parts:
        raise ValueError(f"FAULTS: {part!r} is no part; allowed are 1/1, or 1/N to N/N")
    return ROWS[number - 1 :: parts]

"""The table: every row, in the order in which the documentation tells them."""

from __future__ import annotations

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

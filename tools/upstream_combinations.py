"""Writes docs/upstream-combinations.md from what each nginx says: python -m tools.upstream_combinations."""

from __future__ import annotations

from tests.nginx import differential
from tests.nginx.machines import fleet


def main() -> None:
    """Ask every nginx, and write the page."""
    with fleet() as machines:
        differential.PAGE.write_text(differential.page(differential.measure(machines)))


if __name__ == "__main__":
    main()

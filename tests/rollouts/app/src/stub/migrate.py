"""The migration: `python -m stub.migrate`. It counts how often it ran."""

from __future__ import annotations

import sys

from stub import database
from stub.faults import faults
from stub.settings import VERSION


def main() -> int:
    """Run the migration."""
    failed = "migration-fails" in faults()
    database.prepare()
    print(f"migration of {VERSION}, run {database.add_migration(failed)}: {'failed' if failed else 'done'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

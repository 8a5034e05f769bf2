"""Bring the schema up to date: `python -m notes.migrate [--status]`.

A migration is one file `NNNN_what.sql` with ONE statement, because MySQL commits each change of the
schema by itself. Run on several hosts at once it is harmless: one works, the others wait for its lock.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pymysql
from pymysql.constants import ER
from pymysql.cursors import DictCursor

from notes.config import ConfigError, Settings
from notes.db import connect

DIRECTORY = Path(__file__).resolve().parent / "migrations"
LOCK_SECONDS = 60
# A change of a big table takes longer than a page may; so does waiting for another host.
STATEMENT_SECONDS = 3600
# The run before this one died between the change and the note that it was made.
ALREADY_DONE = {ER.TABLE_EXISTS_ERROR, ER.DUP_FIELDNAME, ER.DUP_KEYNAME}
HISTORY = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version INT UNSIGNED NOT NULL PRIMARY KEY,
        name VARCHAR(190) NOT NULL,
        sha256 CHAR(64) NOT NULL,
        applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
    )
"""


class MigrationError(Exception):
    """The migrations cannot be applied."""


@dataclass(frozen=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Return what tells whether an applied migration was edited later."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load(directory: Path = DIRECTORY) -> list[Migration]:
    """Read the migrations in order."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_[a-z0-9_]+", path.stem)
        if not match:
            raise MigrationError(f"{path.name}: the name of a migration is NNNN_what.sql")
        found.append(Migration(int(match[1]), path.stem, path.read_text(encoding="utf-8").strip()))
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError("the migrations are not numbered 0001, 0002, ... without a gap")
    return found


def newest() -> int:
    """Return the version of the schema that this code needs."""
    return load()[-1].version


def applied_version(cursor: DictCursor) -> int:
    """Return the version that the database has."""
    cursor.execute("SELECT COALESCE(MAX(version), 0) AS version FROM schema_migrations")
    row = cursor.fetchone()
    return int(row["version"]) if row else 0


def apply(cursor: DictCursor, migrations: list[Migration]) -> list[Migration]:
    """Apply what is missing; return it. The caller holds the lock."""
    cursor.execute(HISTORY)
    cursor.execute("SELECT version, sha256 FROM schema_migrations")
    done = {int(row["version"]): str(row["sha256"]) for row in cursor.fetchall()}
    for migration in migrations:
        if done.get(migration.version, migration.sha256) != migration.sha256:
            raise MigrationError(f"{migration.name} was changed after it was applied: write a new migration instead")
    missing = [migration for migration in migrations if migration.version not in done]
    for migration in missing:
        try:
            cursor.execute(migration.sql)
        except pymysql.err.MySQLError as error:
            if error.args[0] not in ALREADY_DONE:
                raise MigrationError(f"{migration.name}: {error.args[-1]}") from error
        cursor.execute(
            "INSERT INTO schema_migrations (version, name, sha256) VALUES (%s, %s, %s)",
            (migration.version, migration.name, migration.sha256),
        )
        cursor.connection.commit()
    return missing


def migrate(settings: Settings) -> list[Migration]:
    """Apply what is missing under a lock; return what was applied."""
    migrations = load()
    # A lock's name has 64 characters at most, so has a database's.
    lock = f"migrate:{settings.database_name}"[:64]
    with connect(settings, STATEMENT_SECONDS) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, %s) AS held", (lock, LOCK_SECONDS))
        row = cursor.fetchone()
        if not row or row["held"] != 1:
            raise MigrationError(f"another migration of {settings.database_name} holds the lock for {LOCK_SECONDS} s")
        return apply(cursor, migrations)


def status(settings: Settings) -> str:
    """Say which version the database has and which one the code needs."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) AS tables_found FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_name = 'schema_migrations'"
        )
        row = cursor.fetchone()
        version = applied_version(cursor) if row and row["tables_found"] else 0
    return f"schema {version} of {newest()}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m notes.migrate", description="Bring the schema up to date.")
    parser.add_argument("--status", action="store_true", help="only say which version the database has")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
        if options.status:
            print(status(settings))
            return 0
        applied = migrate(settings)
    except (ConfigError, MigrationError, pymysql.err.MySQLError) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 1
    for migration in applied:
        print(f"migrate: applied {migration.name}")
    print(f"migrate: schema {newest()} of {newest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What was executed, in SQLite: every POST, also one that came twice, and every run of the migration."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from stub.settings import INSTANCE, STATE, VERSION

PATH = STATE / "stub.sqlite"
LOCK_SECONDS = 10
kept: list[sqlite3.Connection] = []
SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (id TEXT NOT NULL, at REAL NOT NULL, instance TEXT NOT NULL, version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS migrations (at REAL NOT NULL, version TEXT NOT NULL, failed INTEGER NOT NULL);
"""


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """Give a connection, and commit at the end."""
    with closing(sqlite3.connect(PATH, timeout=LOCK_SECONDS)) as connection:
        # What a killed process has written stays; what a crash of the machine takes does not matter here.
        connection.execute("PRAGMA synchronous = OFF")
        with connection:
            yield connection


def prepare() -> None:
    """Make the tables."""
    if not STATE.is_dir():
        return
    with transaction() as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
    # Stays open: the last one that closes removes the log of the database, and who opens it at that moment gets an
    # I/O error where the file system is an overlay in user space.
    connection = sqlite3.connect(PATH, timeout=LOCK_SECONDS)
    connection.execute("SELECT COUNT(*) FROM posts").fetchall()
    kept.append(connection)


def add_post(identity: str) -> None:
    """Execute a POST: nothing keeps an id from being there twice, so that it can be counted."""
    with transaction() as connection:
        connection.execute("INSERT INTO posts VALUES (?, ?, ?, ?)", (identity, time.time(), INSTANCE, VERSION))


def posts() -> dict[str, int]:
    """Return how often each id was executed."""
    with transaction() as connection:
        return dict(connection.execute("SELECT id, COUNT(*) FROM posts GROUP BY id"))


def add_migration(failed: bool) -> int:
    """Note a run of the migration, and return how many there were."""
    with transaction() as connection:
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (time.time(), VERSION, failed))
        return int(connection.execute("SELECT COUNT(*) FROM migrations").fetchone()[0])

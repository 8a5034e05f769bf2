"""The notes: SQL lives here and nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

from notes.cache import Store
from notes.db import Database
from notes.errors import NotFound

SELECT_ONE = "SELECT id, text, created_at, created_by FROM notes WHERE id = %s"
SELECT_PAGE = """
    SELECT id, text, created_at, created_by FROM notes
    WHERE %s IS NULL OR id < %s ORDER BY id DESC LIMIT %s
"""


class Note(TypedDict):
    """A note as the API shows it."""

    id: int
    text: str
    created_at: str
    created_by: str


class Notes:
    """Reads and writes notes; the first page of the list is cached."""

    def __init__(self, database: Database, cache: Store) -> None:
        self._database = database
        self._cache = cache

    def page(self, limit: int, before: int | None) -> tuple[list[Note], str]:
        """Return up to `limit` notes, the newest first, and how the cache answered."""
        if before is not None:
            return self._select(limit, before), "none"
        return self._cache.cached(str(limit), lambda: self._select(limit, None))

    def one(self, number: int) -> Note:
        """Return one note."""
        with self._database.transaction() as cursor:
            cursor.execute(SELECT_ONE, (number,))
            row = cursor.fetchone()
        if row is None:
            raise NotFound(f"there is no note {number}")
        return _note(row)

    def add(self, text: str, instance: str) -> Note:
        """Write a note."""
        with self._database.transaction() as cursor:
            cursor.execute("INSERT INTO notes (text, created_by) VALUES (%s, %s)", (text, instance))
            cursor.execute(SELECT_ONE, (cursor.lastrowid,))
            row = cursor.fetchone()
        self._cache.invalidate()
        if row is None:
            raise NotFound("the note is gone already")
        return _note(row)

    def delete(self, number: int) -> None:
        """Delete a note."""
        with self._database.transaction() as cursor:
            gone = cursor.execute("DELETE FROM notes WHERE id = %s", (number,))
        if not gone:
            raise NotFound(f"there is no note {number}")
        self._cache.invalidate()

    def _select(self, limit: int, before: int | None) -> list[Note]:
        with self._database.transaction() as cursor:
            cursor.execute(SELECT_PAGE, (before, before, limit))
            return [_note(row) for row in cursor.fetchall()]


def _note(row: dict[str, Any]) -> Note:
    created: datetime = row["created_at"]
    return {
        "id": row["id"],
        "text": row["text"],
        "created_at": f"{created.isoformat()}Z",
        "created_by": row["created_by"],
    }

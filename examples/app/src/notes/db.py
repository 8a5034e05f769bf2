"""MySQL or MariaDB: a small pool of connections, all with timeouts."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CR, ER
from pymysql.cursors import DictCursor

from notes.config import Settings
from notes.errors import Breaker, Unavailable

CONNECT_TIMEOUT = 2
ANSWER_TIMEOUT = 3
IDLE_CONNECTIONS = 8
# A deadlock or a lock that took too long says nothing about the health of the server.
BUSY = {ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT}


def connect(settings: Settings, answer_timeout: int = ANSWER_TIMEOUT) -> Connection[DictCursor]:
    """Open one connection; TLS is used if the server offers it."""
    return pymysql.connect(
        host=settings.database_host,
        port=settings.database_port,
        user=settings.database_user,
        password=settings.database_password,
        database=settings.database_name,
        charset="utf8mb4",
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=answer_timeout,
        write_timeout=ANSWER_TIMEOUT,
        init_command="SET time_zone = '+00:00'",
        cursorclass=DictCursor,
    )


class Database:
    """Hands out connections; those in the pool are tried before use, so a restarted server is no error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._breaker = Breaker("database")
        self._idle: queue.LifoQueue[Connection[DictCursor]] = queue.LifoQueue(IDLE_CONNECTIONS)

    @contextmanager
    def transaction(self) -> Iterator[DictCursor]:
        """Give a cursor; commit at the end, roll back on an error."""
        self._breaker.check()
        connection: Connection[DictCursor] | None = None
        try:
            connection = self._take()
            with connection.cursor() as cursor:
                yield cursor
            connection.commit()
        except (pymysql.err.OperationalError, pymysql.err.InterfaceError) as error:
            _close(connection)
            if error.args and error.args[0] in BUSY:
                self._breaker.success()
                raise Unavailable("database", str(error.args[-1])) from error
            raise self._breaker.failure(error) from error
        except pymysql.err.ProgrammingError as error:
            _close(connection)
            self._breaker.success()
            if error.args and error.args[0] == ER.NO_SUCH_TABLE:
                raise Unavailable("database", f"{error.args[-1]}: run python -m notes.migrate") from error
            raise
        except BaseException:
            _close(connection)
            raise
        self._breaker.success()
        self._give_back(connection)

    def _take(self) -> Connection[DictCursor]:
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return connect(self._settings)
            try:
                connection.ping(reconnect=False)
                return connection
            except pymysql.err.MySQLError as error:
                _close(connection)
                if error.args and error.args[0] == CR.CR_SERVER_LOST and "timed out" in str(error):
                    raise

    def _give_back(self, connection: Connection[DictCursor]) -> None:
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            _close(connection)


def _close(connection: Connection[DictCursor] | None) -> None:
    """Close for good; the server rolls back what was not committed."""
    if connection is not None and connection.open:
        connection.close()

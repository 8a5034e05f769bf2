"""Redis: the shared counter, and a cache that may fail without anybody noticing more than the time it takes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from notes.config import Settings
from notes.errors import Breaker, Unavailable

# Every key starts with it: the ACL of the Redis user allows no other.
PREFIX = "notes:"
COUNTER = PREFIX + "counter"
GENERATION = PREFIX + "generation"
TIMEOUT = 2.0
# How long a list may be out of date if Redis was away at the moment of a write.
CACHE_SECONDS = 10

T = TypeVar("T")
log = logging.getLogger(__name__)


class Store:
    """The commands that this application uses."""

    def __init__(self, settings: Settings) -> None:
        self._breaker = Breaker("redis")
        self._redis = redis.Redis(
            host=settings.redis_host,
            port=settings.redis_port,
            username=settings.redis_user if settings.redis_password else None,
            password=settings.redis_password or None,
            socket_connect_timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
            # The library's default is 10 retries, timeouts among them. One, for a connection that was closed meanwhile.
            retry=Retry(NoBackoff(), 1, (redis.ConnectionError,)),
            decode_responses=True,
        )

    def check(self) -> None:
        """Raise Unavailable unless Redis answers about a key of ours: PING would not notice a missing permission."""
        self._run(lambda: self._redis.get(COUNTER))

    def counter(self) -> int:
        """Return the shared counter."""
        return int(self._run(lambda: self._redis.get(COUNTER)) or 0)

    def count(self) -> int:
        """Add one to the shared counter and return it."""
        return int(self._run(lambda: self._redis.incr(COUNTER)))

    def cached(self, name: str, load: Callable[[], T]) -> tuple[T, str]:
        """Return the value and where it came from: hit, miss, or bypass if Redis does not answer.

        The key holds the generation read BEFORE the database: a list loaded while somebody writes
        ends up under the old generation, which nobody reads again.
        """
        try:
            generation = self._run(lambda: self._redis.get(GENERATION)) or "0"
            key = f"{PREFIX}list:{generation}:{name}"
            text: str | None = self._run(lambda: self._redis.get(key))
        except Unavailable as error:
            log.warning("cache: %s", error)
            return load(), "bypass"
        if text is not None:
            return cast(T, json.loads(text)), "hit"
        value = load()
        try:
            self._run(lambda: self._redis.set(key, json.dumps(value), ex=CACHE_SECONDS))
        except Unavailable as error:
            log.warning("cache: %s", error)
        return value, "miss"

    def invalidate(self) -> None:
        """Make every cached list old; to be called after the commit."""
        try:
            self._run(lambda: self._redis.incr(GENERATION))
        except Unavailable as error:
            log.warning("cache: a list may be old for %d s: %s", CACHE_SECONDS, error)

    def _run(self, command: Callable[[], Any]) -> Any:
        self._breaker.check()
        try:
            value = command()
        except redis.ResponseError as error:
            self._breaker.success()
            raise Unavailable("redis", str(error)) from error
        except redis.RedisError as error:
            raise self._breaker.failure(error) from error
        self._breaker.success()
        return value

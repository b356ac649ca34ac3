"""A cache that outlives its Redis: while that is away, each process remembers by itself.

What is cached here is rate limits, marks and pages: better to count per process for a while than to
answer 500, or not to count at all.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis import RedisError

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0


def _forgiving(name: str) -> Callable[..., Any]:
    def call(self: "ForgivingRedisCache", *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= self.away_until:
            try:
                return getattr(RedisCache, name)(self, *args, **kwargs)
            except RedisError as error:
                self.away_until = time.monotonic() + PAUSE_SECONDS
                logger.warning("The cache is out of reach, this process remembers by itself: %s", error)
        return getattr(self.meanwhile, name)(*args, **kwargs)

    return call


class ForgivingRedisCache(RedisCache):
    """Redis, or this process's memory for PAUSE_SECONDS after Redis failed."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        # Named after the Redis: one memory for all threads of a process, another for another cache.
        self.meanwhile = LocMemCache(f"meanwhile {server}", {**params, "OPTIONS": {}})
        self.away_until = 0.0

    add = _forgiving("add")
    get = _forgiving("get")
    set = _forgiving("set")
    touch = _forgiving("touch")
    delete = _forgiving("delete")
    get_many = _forgiving("get_many")
    has_key = _forgiving("has_key")
    incr = _forgiving("incr")
    set_many = _forgiving("set_many")
    delete_many = _forgiving("delete_many")
    clear = _forgiving("clear")

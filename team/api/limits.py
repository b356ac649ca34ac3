"""How many requests a caller may send in a minute, counted in Redis; without Redis nobody is stopped."""

import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from team.api.problems import Problem

WINDOW_SECONDS = 60
# How long a process stops asking a Redis that did not answer, so that an outage costs no time-outs.
PAUSE_SECONDS = 5.0

_asks_again_at = 0.0


@dataclass(frozen=True)
class Allowance:
    """What is left of the window; `reset_seconds` until the next one."""

    quota: int
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        """The fields of draft-ietf-httpapi-ratelimit-headers."""
        return {
            "RateLimit-Policy": f'"default";q={self.quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_seconds}',
        }


def spend(caller: str) -> Allowance | None:
    """Count one request. Returns what is left, None when nothing is counted. Raises Problem 429."""
    quota: int = settings.API_REQUESTS_PER_MINUTE
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    used = _count(f"api:{caller}:{window}") if quota else None
    if used is None:
        return None
    reset_seconds = math.ceil((window + 1) * WINDOW_SECONDS - now)
    allowance = Allowance(quota, max(quota - used, 0), reset_seconds)
    if used > quota:
        raise Problem(
            429,
            "too_many_requests",
            f"More than {quota} requests in a minute. Go on in {reset_seconds} seconds; batches need fewer requests.",
            headers={"Retry-After": str(reset_seconds), **allowance.headers()},
        )
    return allowance


def _count(key: str) -> int | None:
    global _asks_again_at  # noqa: PLW0603 -- one circuit breaker per process
    if time.monotonic() < _asks_again_at:
        return None
    try:
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        return cache.incr(key)
    except (RedisError, ValueError):  # ValueError: the counter vanished between the two
        _asks_again_at = time.monotonic() + PAUSE_SECONDS
        return None

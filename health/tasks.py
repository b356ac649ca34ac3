"""Celery entry points of health."""

import logging
import time

from celery import shared_task
from django.core.cache import cache

logger = logging.getLogger(__name__)

WAKE_EVERY_SECONDS = 0.2
WAKE_KEY = "health.usage.woken"
WAKE_KEY_SECONDS = 2
PAUSE_SECONDS = 10.0
_next_wake = 0.0


@shared_task(name="health.process_usage", ignore_result=True)
def process_usage() -> None:
    from health.usage.processor import process_backlog

    cache.delete(WAKE_KEY)
    if process_backlog():
        process_usage.apply_async(retry=False, expires=60)


def wake_processor() -> None:
    """Tell a worker that events wait; at most one message is under way, and few are asked for.

    Whoever processes goes on looking for longer than WAKE_EVERY_SECONDS, so that what arrives while
    this keeps quiet is found too. Without Redis the events wait for the scheduler.
    """
    global _next_wake  # noqa: PLW0603 -- one clock per process
    now = time.monotonic()
    if now < _next_wake:
        return
    _next_wake = now + WAKE_EVERY_SECONDS
    try:
        if cache.add(WAKE_KEY, 1, WAKE_KEY_SECONDS):
            process_usage.apply_async(retry=False, expires=60)
    except Exception:  # noqa: BLE001 -- whatever the broker's client raises, the events are safe
        _next_wake = now + PAUSE_SECONDS
        logger.warning("Redis cannot be reached; events wait for the scheduler.")

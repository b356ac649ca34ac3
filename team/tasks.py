"""What Celery runs: a wake-up, nothing else. The work itself lies in PostgreSQL."""

import logging
import time

from celery import shared_task

logger = logging.getLogger(__name__)

# After a failure Redis is left alone this long, so that its absence does not slow every write.
PAUSE_SECONDS = 10.0
_quiet_until = 0.0


@shared_task(name="team.run_due_work", ignore_result=True)
def run_due_work() -> None:
    from team import work

    work.run_due_work()


def wake_workers() -> bool:
    """Tell a worker that something is due. False when Redis cannot be reached: the scheduler will."""
    global _quiet_until  # noqa: PLW0603 -- one circuit breaker per process
    if time.monotonic() < _quiet_until:
        return False
    try:
        run_due_work.apply_async(retry=False, expires=60)
    except Exception:  # noqa: BLE001 -- whatever the broker's client raises, the row is safe
        _quiet_until = time.monotonic() + PAUSE_SECONDS
        logger.warning("Redis cannot be reached; work waits for the scheduler.")
        return False
    return True

"""The scheduler: makes scheduled work due, wakes workers for what is due, frees expired leases.

Any number may run at once. It outlives restarts of PostgreSQL and Redis.
"""

import logging
import threading
import time
from datetime import datetime
from pathlib import Path

from django.db import Error, connection

from accounts.events import stamp_events
from cs_platform import env
from cs_platform.timetable import TIMETABLE
from health.tasks import wake_processor
from health.usage.processor import has_backlog
from team import schedules, work

logger = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
SWEEP_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 30.0


def run_forever(stop: threading.Event) -> None:
    """Beat until told to stop; after a database error wait, twice as long each time."""
    pause = BEAT_SECONDS
    swept_at = 0.0
    declared = False
    pulse = env.text("PULSE_FILE")  # touched at each beat, for a container's health check
    while not stop.wait(pause):
        try:
            if not declared:
                schedules.declare(TIMETABLE, now=database_now())
                declared = True
            sweep = time.monotonic() - swept_at >= SWEEP_SECONDS
            beat(sweep=sweep)
            swept_at = time.monotonic() if sweep else swept_at
            pause = BEAT_SECONDS
            if pulse:
                Path(pulse).touch()
        except Error:
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            logger.warning("PostgreSQL cannot be reached; trying again in %.0f s.", pause)
            connection.close()


def beat(*, sweep: bool) -> None:
    """Do one round."""
    schedules.tick(TIMETABLE, now=database_now())
    stamp_events()
    if sweep:
        work.sweep()
    if work.has_due_work():
        work.wake_workers()
    if has_backlog():
        wake_processor()


def database_now() -> datetime:
    """Return the database's time: the only clock that decides what is due."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment

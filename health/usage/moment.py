"""Which usage a reader saw, so that it can be read again exactly.

Whoever writes usage takes USAGE_WRITE_LOCK exclusively in its transaction, then reads the clock as
recorded_at and holds the lock until it commits: commits come in the order of recorded_at. Whoever
computes scores holds the lock shared just while it takes its snapshot: everything with recorded_at
up to its recorded_by is visible to it, and nothing else is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction

USAGE_WRITE_LOCK = 0x5EED_0011


def take_write_moment() -> datetime:
    """Take the lock until the caller's transaction ends; return recorded_at for what it writes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [USAGE_WRITE_LOCK])
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


@contextmanager
def reading_moment() -> Iterator[datetime]:
    """Read the database as of one moment; yields recorded_by. Write nothing inside.

    Inside another transaction later statements see later commits, as transactions do: what was
    recorded after recorded_by must then be left out by the reader, and usage of the same day cannot.
    """
    is_nested = connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [USAGE_WRITE_LOCK])
        is_locked = True
        try:
            with transaction.atomic():
                if not is_nested:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                # The first query takes the snapshot that all of them see.
                cursor.execute("SELECT clock_timestamp()")
                recorded_by: datetime = cursor.fetchone()[0]
                cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [USAGE_WRITE_LOCK])
                is_locked = False
                yield recorded_by
        finally:
            if is_locked:
                cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [USAGE_WRITE_LOCK])

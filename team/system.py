"""The state of this installation: figures that every room registers, for the System page and /metrics.

A figure is read from the database when somebody looks, so all processes agree and none keeps counts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class Figure:
    """One number. `value` None: not known. `limit`: above it somebody should look."""

    name: str
    label: str
    value: float | None
    unit: str = ""
    limit: float | None = None
    help: str = ""

    @property
    def is_alarming(self) -> bool:
        return self.limit is not None and self.value is not None and self.value > self.limit


Read = Callable[[], Iterable[Figure]]

_readers: list[Read] = []

OLDEST_DUE_LIMIT_SECONDS = 60
CANARY_LIMIT_SECONDS = 60


def figures(read: Read) -> Read:
    """Register a function that reads figures; upper rooms do so in AppConfig.ready()."""
    if read not in _readers:
        _readers.append(read)
    return read


def all_figures() -> list[Figure]:
    return [figure for read in _readers for figure in read()]


@figures
def work_figures() -> Iterable[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT extract(epoch FROM clock_timestamp() - min(due_at) FILTER (
                    WHERE state = 'due' AND due_at <= clock_timestamp())),
                count(*) FILTER (WHERE state = 'due' AND due_at <= clock_timestamp()),
                count(*) FILTER (WHERE state = 'dead'),
                extract(epoch FROM clock_timestamp() - max(finished_at) FILTER (
                    WHERE kind = 'team.canary' AND state = 'done'))
            FROM team_work
            """
        )
        oldest, due, dead, canary = cursor.fetchone()
    yield Figure("work_oldest_due_seconds", "Oldest due work", float(oldest or 0), "s", OLDEST_DUE_LIMIT_SECONDS)
    yield Figure("work_due", "Work due now", due)
    yield Figure("work_dead", "Work given up", dead, limit=0, help="Look below, mend the cause, try again.")
    yield Figure(
        "worker_canary_age_seconds",
        "Since a worker last answered",
        None if canary is None else float(canary),
        "s",
        CANARY_LIMIT_SECONDS,
        help="A worker answers every 15 s while all is well.",
    )


@figures
def database_figures() -> Iterable[Figure]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        size = cursor.fetchone()[0]
    yield Figure("database_bytes", "Size of the database", size, "B")

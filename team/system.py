"""The state of this installation: figures that every room registers, for the System page and /metrics.

A figure is read from the database when somebody looks, so all processes agree and none keeps counts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from redis import Redis, RedisError

from team import canary
from team.models import SecurityEvent, Work

OLDEST_DUE_LIMIT_SECONDS = 60
SCHEDULER_LIMIT_SECONDS = 60
REDIS_TIMEOUT_SECONDS = 2
BACKUP_MADE = "backup.made"

UNITS = {
    "s": ((86400, "days"), (3600, "h"), (60, "min")),
    "B": ((1024**4, "TB"), (1024**3, "GB"), (1024**2, "MB"), (1024, "kB")),
}


@dataclass(frozen=True)
class Figure:
    """One number. `value` None: not known. `limit`: above it somebody should look. Units: s, B or a word."""

    name: str
    label: str
    value: float | None
    unit: str = ""
    limit: float | None = None
    help: str = ""

    @property
    def is_alarming(self) -> bool:
        return self.limit is not None and self.value is not None and self.value > self.limit

    @property
    def words(self) -> str:
        return "not known" if self.value is None else in_words(self.value, self.unit)


def in_words(value: float, unit: str) -> str:
    """Return a number as people read it: 125 s as "2.1 min", 5,242,880 B as "5 MB"."""
    for size, name in UNITS.get(unit, ()):
        if value >= size:
            return f"{value / size:,.1f}".removesuffix(".0") + f" {name}"
    return f"{value:,.1f}".removesuffix(".0") + (f" {unit}" if unit else "")


Read = Callable[[], Iterable[Figure]]

_readers: list[Read] = []


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
            SELECT coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0)::float8, count(*)
            FROM team_work WHERE state = 'due' AND due_at <= clock_timestamp()
            """
        )
        oldest, due = cursor.fetchone()
        cursor.execute(
            "SELECT extract(epoch FROM clock_timestamp() - min(next_run_at))::float8 FROM team_schedule"
            " WHERE is_enabled"
        )
        overdue = cursor.fetchone()[0]
    song = canary.last_song()
    yield Figure(
        "worker_canary_age_seconds",
        "Since a worker last answered",
        song.age_seconds,
        "s",
        canary.LATE_SECONDS,
        "A worker answers every 15 s while all is well. None may be running, or Redis may be away.",
    )
    yield Figure(
        "scheduler_late_seconds",
        "Scheduler behind its timetable",
        None if overdue is None else max(overdue, 0),
        "s",
        SCHEDULER_LIMIT_SECONDS,
        "No scheduler may be running: manage.py scheduler.",
    )
    yield Figure("work_oldest_due_seconds", "Oldest due work", oldest, "s", OLDEST_DUE_LIMIT_SECONDS)
    yield Figure("work_due", "Work due now", due)
    yield Figure(
        "work_dead",
        "Work given up",
        Work.objects.filter(state="dead").count(),
        limit=0,
        help="Look below, mend the cause, try again.",
    )


@figures
def database_figures() -> Iterable[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_database_size(current_database()), (SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database()), current_setting('max_connections')::int"
        )
        size, used, most = cursor.fetchone()
    yield Figure("database_bytes", "Size of the database", size, "B")
    yield Figure(
        "database_connections",
        "Connections to the database",
        used,
        limit=most * 0.9,
        help=f"PostgreSQL allows {most}.",
    )
    made_at = SecurityEvent.objects.filter(kind=BACKUP_MADE).order_by("-id").values_list("occurred_at").first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp() - %s::timestamptz)::float8", made_at or [None])
        age = cursor.fetchone()[0]
    yield Figure(
        "backup_age_seconds", "Since the last backup", age, "s", help="Made by manage.py backup; others are not seen."
    )


@figures
def redis_figures() -> Iterable[Figure]:
    client = Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT_SECONDS, socket_connect_timeout=REDIS_TIMEOUT_SECONDS
    )
    try:
        memory: float | None = client.info("memory")["used_memory"]
    except RedisError:
        memory = None
    finally:
        client.close()
    yield Figure(
        "redis_down",
        "Redis out of reach",
        1 if memory is None else 0,
        limit=0,
        help="Work waits until it is back; nothing is lost.",
    )
    yield Figure("redis_bytes", "Memory used by Redis", memory, "B")

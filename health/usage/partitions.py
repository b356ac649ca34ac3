"""Time partitions: made ahead by schedule, made on demand inside a write, dropped whole when old.

A partition is made as a table of its own and then attached: unlike CREATE … PARTITION OF, that
lets readers and writers of the others go on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db import OperationalError, connection, transaction

PARTITION_LOCK = 0x5EED_0010
AHEAD_PERIODS = 2
DROP_LOCK_TIMEOUT = "2s"


@dataclass(frozen=True)
class PartitionedTable:
    """`keep_days` names a setting, None keeps for ever; rows where `unfinished` holds keep their partition."""

    name: str
    period: Literal["day", "week", "month"]
    options: str = ""
    keep_days: str | None = None
    unfinished: str | None = None


USAGE_EVENT = PartitionedTable("health_usageevent", "week", keep_days="USAGE_EVENT_DAYS")
# Counts are updated in place where a page has room for the new version.
USAGE_DAY = PartitionedTable("health_usageday", "month", options="WITH (fillfactor = 80)")
SEEN_MESSAGE = PartitionedTable("health_seenmessage", "week", keep_days="SEEN_MESSAGE_DAYS")
INGEST_BATCH = PartitionedTable(
    "health_ingestbatch", "day", keep_days="INGEST_BATCH_DAYS", unfinished="processed_at IS NULL"
)
TABLES = [USAGE_EVENT, USAGE_DAY, SEEN_MESSAGE, INGEST_BATCH]


def period_of(table: PartitionedTable, day: date) -> tuple[date, date]:
    """Return the first day of the partition that holds `day`, and the first day after it."""
    if table.period == "day":
        return day, day + timedelta(days=1)
    if table.period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def partition_name(table: PartitionedTable, day: date) -> str:
    return f"{table.name}_{period_of(table, day)[0]:%Y%m%d}"


def ensure_partitions(table: PartitionedTable, days: Iterable[date]) -> int:
    """Make the missing partitions that hold `days`, in the caller's transaction. Returns how many."""
    wanted = {partition_name(table, day): period_of(table, day) for day in days}
    missing = wanted.keys() - _existing(table, wanted.keys())
    if not missing:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PARTITION_LOCK])
        missing -= _existing(table, missing)
        for name in sorted(missing):
            first, end = wanted[name]
            cursor.execute(
                f"CREATE TABLE {name} (LIKE {table.name} INCLUDING DEFAULTS INCLUDING INDEXES INCLUDING STORAGE)"
                f" {table.options};"
                f" ALTER TABLE {table.name} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
                [_bound(first), _bound(end)],
            )
    return len(missing)


def ensure_coming_partitions(now: datetime) -> int:
    """Make this period's partitions and the next ones of every table. Returns how many were missing."""
    made = 0
    for table in TABLES:
        day, days = now.date(), []
        for _ in range(1 + AHEAD_PERIODS):
            days.append(day)
            day = period_of(table, day)[1]
        made += ensure_partitions(table, days)
    return made


def drop_old_partitions(now: datetime) -> list[str]:
    """Drop partitions whose last day is past their table's retention; return their names.

    One that still holds unfinished rows stays, and so does one that somebody is reading: the next
    run takes it.
    """
    dropped = []
    for table in TABLES:
        keep_days = getattr(settings, table.keep_days) if table.keep_days else 0
        if not keep_days:
            continue
        limit = now.date() - timedelta(days=keep_days)
        for name in _existing(table):
            first = datetime.strptime(name.rsplit("_", 1)[1], "%Y%m%d").replace(tzinfo=UTC).date()
            if period_of(table, first)[1] <= limit and _drop(table, name):
                dropped.append(name)
    return sorted(dropped)


def _drop(table: PartitionedTable, name: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [DROP_LOCK_TIMEOUT])
            if table.unfinished:
                cursor.execute(f"SELECT EXISTS (SELECT FROM {name} WHERE {table.unfinished})")  # noqa: S608 -- names of ours
                if cursor.fetchone()[0]:
                    return False
            cursor.execute(f"DROP TABLE {name}")
    except OperationalError:
        return False
    return True


def _existing(table: PartitionedTable, names: Iterable[str] | None = None) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid"
            " WHERE inhparent = %s::regclass AND (%s IS NULL OR child.relname = ANY(%s))",
            [table.name, None if names is None else 1, list(names or [])],
        )
        return {row[0] for row in cursor.fetchall()}


def _bound(day: date) -> str:
    """Return a bound that means midnight UTC for dates and instants alike."""
    return f"{day.isoformat()} 00:00:00+00"

"""Rows of usage into their tables: COPY where rows are new, one sorted upsert per month of roll-ups.

Everything here runs in the caller's transaction, under the lock that take_write_moment() took.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from health.packed import TYPES, pack_rows
from health.usage.arrivals import note_senders
from health.usage.copying import (
    EVENT_COLUMNS,
    MESSAGE_COLUMNS,
    UsageRow,
    as_array,
    copy_binary,
    event_rows,
    message_rows,
)
from health.usage.partitions import SEEN_MESSAGE, USAGE_DAY, USAGE_EVENT, ensure_partitions, partition_name, period_of

# Imports are remembered for ever, so that a file can be loaded again after a year and add nothing.
FOR_EVER = date(9999, 1, 4)
_EPOCH_DAY = date(2000, 1, 1)

_KEY = ("account_id", "day", "event_type_id", "contact_id", "is_backfill")
_DAY_COLUMNS = dict.fromkeys(_KEY, "int4") | {"day": "date", "is_backfill": "bool", "count": "int4", "value": "float8"}
_FRESH_DAYS = """
    CREATE TEMPORARY TABLE IF NOT EXISTS fresh_usageday (LIKE health_usageday);
    TRUNCATE fresh_usageday
"""
# Nobody else writes meanwhile, so that looking and then inserting is safe; ON CONFLICT costs half as much again.
_ADD_DAYS = """
    MERGE INTO {table} AS old
    USING (SELECT * FROM fresh_usageday WHERE day >= %s AND day < %s) AS new
    ON (old.account_id, old.day, old.event_type_id, old.contact_id, old.recorded_on, old.is_backfill)
        = (new.account_id, new.day, new.event_type_id, new.contact_id, new.recorded_on, new.is_backfill)
    WHEN MATCHED THEN UPDATE SET count = old.count + new.count, value = old.value + new.value
    WHEN NOT MATCHED THEN
        INSERT (account_id, day, event_type_id, contact_id, recorded_on, is_backfill, count, value)
        VALUES (new.account_id, new.day, new.event_type_id, new.contact_id, new.recorded_on, new.is_backfill,
            new.count, new.value)
"""


def write_usage(rows: Sequence[UsageRow], *, recorded_at: datetime) -> None:
    """Add events and their roll-ups, note who sent them, and mark their accounts for a new score."""
    if not rows:
        return
    copy_events(rows, recorded_at=recorded_at)
    add_to_days(rows, recorded_on=recorded_at.date())
    note_senders(rows, day=recorded_at.date())
    mark_dirty({row.account_id for row in rows}, now=recorded_at)


def copy_events(rows: Sequence[UsageRow], *, recorded_at: datetime) -> None:
    day = recorded_at.date()
    ensure_partitions(USAGE_EVENT, [day])
    copy_binary(partition_name(USAGE_EVENT, day), EVENT_COLUMNS, event_rows(rows, recorded_at))


def add_to_days(rows: Sequence[UsageRow], *, recorded_on: date) -> None:
    """Add up the rows here, then touch each roll-up once, in the order of its key.

    The order lets neighbours share pages.
    """
    totals = _totals(rows)
    days = {_EPOCH_DAY + timedelta(days=int(day)) for day in np.unique(totals["day"])}
    ensure_partitions(USAGE_DAY, days)
    columns: dict[str, tuple[str, Any]] = {name: (kind, totals[name]) for name, kind in _DAY_COLUMNS.items()}
    columns["recorded_on"] = ("date", (recorded_on - _EPOCH_DAY).days)
    with connection.cursor() as cursor:
        cursor.execute(_FRESH_DAYS)
        copy_binary("fresh_usageday", ", ".join(columns), [pack_rows(columns)])
        # Each row finds its own by the index: a partition has millions.
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        for first, end in sorted({period_of(USAGE_DAY, day) for day in days}):
            cursor.execute(_ADD_DAYS.format(table=partition_name(USAGE_DAY, first)), [first, end])
        cursor.execute("SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT")


def find_seen(hashes: Iterable[bytes]) -> set[bytes]:
    """Return which messages were taken before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uuid_send(message_hash) FROM health_seenmessage WHERE message_hash = ANY(%s::uuid[])",
            [as_array(message_hash.hex() for message_hash in hashes)],
        )
        return {bytes(row[0]) for row in cursor.fetchall()}


def remember_messages(hashes: Sequence[bytes], *, day: date) -> None:
    """Remember messages that are being taken."""
    if hashes:
        ensure_partitions(SEEN_MESSAGE, [day])
        copy_binary(partition_name(SEEN_MESSAGE, day), MESSAGE_COLUMNS, message_rows(hashes, day))


def mark_dirty(account_ids: Iterable[int], *, now: datetime) -> None:
    """Note that the scores of accounts may be out of date, in the caller's transaction."""
    if not (keys := sorted(account_ids)):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO health_dirtyaccount (account_id, since, marked_at) SELECT unnest(%s::int[]), %s, %s"
            " ON CONFLICT (account_id) DO UPDATE SET marked_at = excluded.marked_at",
            [as_array(keys), now, now],
        )


def _totals(rows: Sequence[UsageRow]) -> npt.NDArray[Any]:
    """Return one row of _DAY_COLUMNS for each key, sorted by it."""
    every = np.zeros(
        len(rows), [(name, np.dtype(TYPES[kind]).newbyteorder("=")) for name, kind in _DAY_COLUMNS.items()]
    )
    every["account_id"], every["event_type_id"] = [row.account_id for row in rows], [row.event_type_id for row in rows]
    every["contact_id"] = [row.contact_id for row in rows]
    told = [row.told for row in rows]
    every["day"], every["value"] = [each.day for each in told], [each.value for each in told]
    every["is_backfill"] = [each.is_backfill for each in told]
    every = every[np.lexsort([every[name] for name in reversed(_KEY)])]
    is_first = np.ones(len(every), bool)
    is_first[1:] = np.any([every[name][1:] != every[name][:-1] for name in _KEY], axis=0)
    starts = np.flatnonzero(is_first)
    totals = every[starts]
    totals["count"] = np.diff(starts, append=len(every))
    totals["value"] = np.add.reduceat(every["value"], starts)
    return totals

"""Rows of usage into their tables: COPY where rows are new, one sorted upsert per month of roll-ups.

Everything here runs in the caller's transaction, under the lock that take_write_moment() took.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import connection

from health.usage.arrivals import note_senders
from health.usage.copying import (
    EVENT_COLUMNS,
    MESSAGE_COLUMNS,
    UsageRow,
    as_array,
    copy_binary,
    event_row,
    message_rows,
    microseconds,
)
from health.usage.partitions import SEEN_MESSAGE, USAGE_DAY, USAGE_EVENT, ensure_partitions, partition_name

# Imports are remembered for ever, so that a file can be loaded again after a year and add nothing.
FOR_EVER = date(9999, 1, 4)


def write_usage(rows: Sequence[UsageRow], *, recorded_at: datetime) -> None:
    """Add events and their roll-ups, note who sent them, and mark their accounts for a new score."""
    if not rows:
        return
    copy_events(rows, recorded_at=recorded_at)
    add_to_days(rows, recorded_on=recorded_at.date())
    note_senders(rows, day=recorded_at.date())
    mark_dirty({row.account_id for row in rows}, now=recorded_at)


def copy_events(rows: Iterable[UsageRow], *, recorded_at: datetime) -> None:
    day = recorded_at.date()
    ensure_partitions(USAGE_EVENT, [day])
    recorded = microseconds(recorded_at)
    copy_binary(
        partition_name(USAGE_EVENT, day),
        EVENT_COLUMNS,
        [event_row(row, recorded) for row in rows],
    )


def add_to_days(rows: Iterable[UsageRow], *, recorded_on: date) -> None:
    """Add up the rows here, then touch each roll-up once, in the order of its key.

    The order lets neighbours share pages and keeps two writers from waiting for each other.
    """
    totals: dict[tuple[int, date, int, int, bool], list[float]] = {}
    for row in rows:
        key = (row.account_id, row.occurred_at.date(), row.event_type_id, row.contact_id, row.is_backfill)
        total = totals.get(key)
        if total is None:
            totals[key] = [1, row.value or 0.0]
        else:
            total[0] += 1
            total[1] += row.value or 0.0
    days = {key[1] for key in totals}
    ensure_partitions(USAGE_DAY, days)
    names = {day: partition_name(USAGE_DAY, day) for day in days}
    by_partition = defaultdict(list)
    for key in sorted(totals):
        by_partition[names[key[1]]].append((*key, *totals[key]))
    for table, added in by_partition.items():
        _upsert_days(table, added, recorded_on)


def find_seen(hashes: Iterable[bytes]) -> set[bytes]:
    """Return which messages were taken before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uuid_send(message_hash) FROM health_seenmessage WHERE message_hash = ANY(%s::uuid[])",
            [as_array(message_hash.hex() for message_hash in hashes)],
        )
        return {bytes(row[0]) for row in cursor.fetchall()}


def remember_messages(hashes: Iterable[bytes], *, day: date) -> None:
    """Remember messages that are being taken; sorted, so that neighbours in the index come together."""
    rows = message_rows(sorted(hashes), day)
    if rows:
        ensure_partitions(SEEN_MESSAGE, [day])
        copy_binary(partition_name(SEEN_MESSAGE, day), MESSAGE_COLUMNS, rows)


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


def _upsert_days(table: str, days: list[tuple[object, ...]], recorded_on: date) -> None:
    accounts, dates, types, contacts, backfills, counts, values = zip(*days, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} AS old"  # noqa: S608 -- a name of ours
            " (account_id, day, event_type_id, contact_id, is_backfill, count, value, recorded_on)"
            " SELECT *, %s::date FROM unnest(%s::int[], %s::date[], %s::int[], %s::int[], %s::bool[], %s::int[],"
            " %s::float8[])"
            " ON CONFLICT (account_id, day, event_type_id, contact_id, recorded_on, is_backfill)"
            " DO UPDATE SET count = old.count + excluded.count, value = old.value + excluded.value",
            [recorded_on, *map(as_array, (accounts, dates, types, contacts, backfills, counts, values))],
        )

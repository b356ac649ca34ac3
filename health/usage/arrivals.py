"""What arrives from which source: how much in each hour, and for which accounts.

Written with the usage itself, in its transaction. Imports of history say nothing about how a source
runs, and do not count.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection

from health.enums import FeedKind
from health.usage.copying import UsageRow, as_array
from health.usage.incoming import Incoming

IMPORT = 0  # the source_id of events out of files


def count_arrivals(taken: Sequence[Incoming]) -> None:
    """Add to the hours of the sources whose calls were taken, in the order of the key."""
    batches = {incoming.batch.key: incoming.batch for incoming in taken}
    hours: Counter[tuple[str, datetime]] = Counter()
    for key, count in Counter(incoming.batch.key for incoming in taken).items():
        if not batches[key].is_backfill:
            hours[str(batches[key].source.id), _hour(batches[key].received_at)] += count
    if not hours:
        return
    keys, moments, counts = zip(*((*hour, count) for hour, count in sorted(hours.items())), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO health_feedhour AS old (kind, key, hour, count)"
            " SELECT %s, * FROM unnest(%s::text[], %s::timestamptz[], %s::int[])"
            " ON CONFLICT (kind, key, hour) DO UPDATE SET count = old.count + excluded.count",
            [FeedKind.USAGE, list(keys), list(moments), list(counts)],
        )


def note_senders(rows: Sequence[UsageRow], *, day: date) -> None:
    """Note for which accounts sources sent events on a day; what is noted already costs a look only."""
    pairs = sorted(
        {
            (row.told.source_id, row.account_id)
            for row in rows
            if row.told.source_id != IMPORT and not row.told.is_backfill
        }
    )
    if not pairs:
        return
    sources, accounts = zip(*pairs, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO health_accountsource AS old (source_id, account_id, last_on)"
            " SELECT new.source_id, new.account_id, %(day)s::date"
            " FROM unnest(%(sources)s::int[], %(accounts)s::int[]) AS new (source_id, account_id)"
            " WHERE NOT EXISTS (SELECT FROM health_accountsource AS known WHERE known.source_id = new.source_id"
            " AND known.account_id = new.account_id AND known.last_on >= %(day)s::date)"
            " ON CONFLICT (source_id, account_id) DO UPDATE SET last_on = greatest(old.last_on, excluded.last_on)",
            {"day": day, "sources": as_array(sources), "accounts": as_array(accounts)},
        )


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)

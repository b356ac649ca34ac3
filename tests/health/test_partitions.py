from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from health.models import IngestBatch, UsageDay
from health.usage import partitions
from health.usage.partitions import INGEST_BATCH, SEEN_MESSAGE, TABLES, USAGE_DAY, USAGE_EVENT

NOW = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)


def bounds(table):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits"
            " JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = %s::regclass ORDER BY 1",
            [table.name],
        )
        return cursor.fetchall()


@pytest.mark.parametrize(
    ("table", "day", "expected"),
    [
        (USAGE_DAY, date(2026, 12, 31), (date(2026, 12, 1), date(2027, 1, 1))),
        (USAGE_DAY, date(2024, 2, 29), (date(2024, 2, 1), date(2024, 3, 1))),
        (USAGE_EVENT, date(2026, 11, 29), (date(2026, 11, 23), date(2026, 11, 30))),
        (USAGE_EVENT, date(2026, 11, 30), (date(2026, 11, 30), date(2026, 12, 7))),
        (INGEST_BATCH, date(2026, 11, 24), (date(2026, 11, 24), date(2026, 11, 25))),
    ],
)
def test_period_of(table, day, expected):
    assert partitions.period_of(table, day) == expected


@pytest.mark.django_db
def test_ensure_partitions_makes_each_once():
    days = [date(1990, 1, 31), date(1990, 1, 1), date(2026, 11, 24)]
    assert partitions.ensure_partitions(USAGE_DAY, days) == 2
    assert partitions.ensure_partitions(USAGE_DAY, days) == 0
    assert bounds(USAGE_DAY) == [
        ("health_usageday_19900101", "FOR VALUES FROM ('1990-01-01') TO ('1990-02-01')"),
        ("health_usageday_20261101", "FOR VALUES FROM ('2026-11-01') TO ('2026-12-01')"),
    ]
    UsageDay.objects.create(
        account_id=1, contact_id=0, event_type_id=1, day=days[0], recorded_on=days[2], is_backfill=True, count=2
    )
    assert UsageDay.objects.get().count == 2


@pytest.mark.django_db
def test_ensure_coming_partitions_covers_every_table():
    assert partitions.ensure_coming_partitions(NOW) == 3 * len(TABLES)
    assert [name for name, _ in bounds(SEEN_MESSAGE)] == [
        "health_seenmessage_20261123",
        "health_seenmessage_20261130",
        "health_seenmessage_20261207",
    ]
    assert partitions.ensure_coming_partitions(NOW) == 0


@pytest.mark.django_db
def test_drop_old_partitions_keeps_what_is_young_or_unprocessed(settings):
    settings.INGEST_BATCH_DAYS, settings.SEEN_MESSAGE_DAYS, settings.USAGE_EVENT_DAYS = 7, 35, 0
    ago = [NOW.date() - timedelta(days=n) for n in range(60)]
    partitions.ensure_partitions(INGEST_BATCH, [ago[0], ago[6], ago[7], ago[8], ago[9]])
    partitions.ensure_partitions(SEEN_MESSAGE, [ago[0], ago[35], ago[36], ago[45]])
    partitions.ensure_partitions(USAGE_EVENT, [ago[59]])
    partitions.ensure_partitions(USAGE_DAY, [date(1990, 1, 1)])
    for days, processed_at in ((8, None), (9, NOW)):
        IngestBatch.objects.create(
            id=days,
            received_at=NOW - timedelta(days=days),
            source_id=1,
            dialect="segment",
            body=b"",
            event_count=1,
            processed_at=processed_at,
        )
    dropped = partitions.drop_old_partitions(NOW)
    assert dropped == ["health_ingestbatch_20261115", "health_seenmessage_20261005"]
    assert [name for name, _ in bounds(INGEST_BATCH)] == [
        "health_ingestbatch_20261116",
        "health_ingestbatch_20261117",
        "health_ingestbatch_20261118",
        "health_ingestbatch_20261124",
    ]
    assert len(bounds(USAGE_EVENT)) == len(bounds(USAGE_DAY)) == 1

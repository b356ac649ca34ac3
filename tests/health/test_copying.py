"""Rows as PostgreSQL's binary COPY reads them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from health.models import SeenMessage, UsageDay, UsageEvent
from health.usage.copying import UsageRow, microseconds, told
from health.usage.writing import remember_messages, write_usage

pytestmark = pytest.mark.django_db
RECORDED = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def row(account, moment, *, kind=1, contact=0, value=None, backfill=False, number=0):
    said = told(7, moment, microseconds(RECORDED), number.to_bytes(16), value, -1500, 1, backfill, b'{"a":"\\u00e4"}')
    return UsageRow(account, contact, kind, said)


def roll_ups():
    columns = ("account_id", "day", "event_type_id", "contact_id", "is_backfill", "count", "value")
    return list(UsageDay.objects.order_by(*columns).values_list(*columns))


def test_write_usage_adds_up_what_is_there_over_months_and_years():
    old, february, march = (
        datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(2026, 2, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    write_usage([row(2, march, value=1.5), row(1, march), row(1, old, backfill=True)], recorded_at=RECORDED)
    write_usage(
        [row(1, march, value=2), row(2, march, value=-4), row(2, march, contact=9), row(2, february), row(2, march)],
        recorded_at=RECORDED + timedelta(hours=1),
    )
    assert roll_ups() == [
        (1, old.date(), 1, 0, True, 1, 0),
        (1, march.date(), 1, 0, False, 2, 2),
        (2, february.date(), 1, 0, False, 1, 0),
        (2, march.date(), 1, 0, False, 3, -2.5),
        (2, march.date(), 1, 9, False, 1, 0),
    ]
    event = UsageEvent.objects.get(is_backfill=True)
    assert (event.occurred_at, event.received_at, event.recorded_at) == (old, RECORDED, RECORDED)
    assert (event.source_id, event.shift_ms, event.clock_note, event.value) == (7, -1500, 1, None)
    assert event.properties == {"a": "ä"}


def test_what_became_known_on_another_day_is_a_row_of_its_own():
    write_usage([row(1, RECORDED)], recorded_at=RECORDED)
    write_usage([row(1, RECORDED)], recorded_at=RECORDED + timedelta(days=1))
    assert [(*row[:2], row[5]) for row in roll_ups()] == [(1, RECORDED.date(), 1), (1, RECORDED.date(), 1)]


def test_messages_are_remembered_to_the_last_byte():
    hashes = [bytes(16), b"\x01" + bytes(15), b"\xff" * 16]
    remember_messages(hashes[::-1], day=date(2026, 3, 1))
    assert sorted(seen.message_hash.bytes for seen in SeenMessage.objects.all()) == hashes


def test_writing_leaves_the_planner_as_it_was():
    with connection.cursor() as cursor:
        write_usage([row(1, RECORDED)], recorded_at=RECORDED)
        cursor.execute("SELECT current_setting('enable_hashjoin'), current_setting('enable_mergejoin')")
        assert cursor.fetchone() == ("on", "on")

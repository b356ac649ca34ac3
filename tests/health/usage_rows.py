"""Usage for tests: roll-ups, and the raw events behind them, as ingest writes them."""

import uuid
from datetime import UTC, date, datetime, time

from health.models import EventType, UsageDay, UsageEvent
from health.usage.partitions import USAGE_DAY, USAGE_EVENT, ensure_partitions


def event_type(name="opened", product=None):
    return EventType.objects.get_or_create(name=name, kind="track", product=product)[0]


def use(account, day, count=1, *, contact=None, name="opened", product=None, recorded_at=None, backfill=False, value=0):
    """Write `count` uses on a day, recorded at the end of it unless said otherwise."""
    recorded_at = recorded_at or datetime.combine(day, time(23, 59), UTC)
    kind = event_type(name, product)
    ensure_partitions(USAGE_DAY, [day])
    ensure_partitions(USAGE_EVENT, [recorded_at.date()])
    contact_id = contact.pk if contact else 0
    row, is_new = UsageDay.objects.get_or_create(
        account_id=account.pk, day=day, event_type_id=kind.pk, contact_id=contact_id,
        recorded_on=recorded_at.date(), is_backfill=backfill, defaults={"count": count, "value": value},
    )  # fmt: skip
    if not is_new:
        UsageDay.objects.filter(pk=row.pk).update(count=row.count + count, value=row.value + value)
    UsageEvent.objects.bulk_create(
        UsageEvent(
            account_id=account.pk, contact_id=contact_id, event_type_id=kind.pk, source_id=0,
            occurred_at=datetime.combine(day, time(12), UTC), received_at=recorded_at, recorded_at=recorded_at,
            is_backfill=backfill, message_hash=uuid.uuid4(), value=value / count,
        )
        for _ in range(count)
    )  # fmt: skip


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

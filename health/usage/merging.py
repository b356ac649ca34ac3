"""What two accounts, or two contacts, that became one have used."""

from datetime import datetime

from django.db import connection

from health.models import GroupCall, HeldEvent
from health.usage.writing import mark_dirty

_COPY_DAYS = """
    INSERT INTO health_usageday AS old
        (account_id, contact_id, event_type_id, day, recorded_on, is_backfill, count, value)
    SELECT %(kept)s, contact_id, event_type_id, day, %(on)s, false, sum(count), sum(value)
    FROM health_usageday WHERE account_id = %(gone)s GROUP BY contact_id, event_type_id, day
    ON CONFLICT (account_id, day, event_type_id, contact_id, recorded_on, is_backfill)
    DO UPDATE SET count = old.count + excluded.count, value = old.value + excluded.value
"""


def copy_usage(*, kept_id: int, gone_id: int, recorded_at: datetime) -> None:
    """Let an account have used what another has, as something that became known at `recorded_at`.

    In the transaction that merges them, under the lock that take_write_moment() took. The other keeps
    its rows, so that its past scores are computed again as they were.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COPY_DAYS, {"kept": kept_id, "gone": gone_id, "on": recorded_at.date()})
    GroupCall.objects.filter(account_id=gone_id).update(account_id=kept_id)
    mark_dirty({kept_id, gone_id}, now=recorded_at)


def pass_on_contact(*, kept_id: int, gone_id: int) -> None:
    """Let a contact have what waits for another, and where that one last said they worked.

    What has been recorded stays as it was recorded.
    """
    HeldEvent.objects.filter(contact_id=gone_id).update(contact_id=kept_id)
    GroupCall.objects.filter(contact_id=gone_id).update(contact_id=kept_id)

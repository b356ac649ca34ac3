"""Writing and reading the log of what happened to customers.

Rows get their position from `stamp_events`, one at a time and only when committed: positions have
no gaps, and a reader that remembers the last one misses nothing. Readers may see an event twice
(they stop before `advance`), so they are idempotent.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.enums import Origin
from accounts.models import Account, AccountEvent, EventConsumer
from team.models import User

STAMP_LOCK = 0x5EED_0001


def write_event(
    *,
    account: Account,
    kind: str,
    occurred_at: datetime,
    now: datetime,
    actor: User | None = None,
    origin: str = Origin.LIVE,
    payload: dict[str, object] | None = None,
) -> AccountEvent:
    """Write one event in the caller's transaction. `payload` refers to facts; no personal data."""
    return AccountEvent.objects.create(
        account=account,
        kind=kind,
        occurred_at=occurred_at,
        recorded_at=now,
        actor=actor,
        origin=origin,
        payload=payload or {},
    )


def write_events(events: Iterable[AccountEvent]) -> int:
    """Write many unsaved events at once, in the caller's transaction. Returns how many."""
    return len(AccountEvent.objects.bulk_create(list(events), batch_size=2000))


def write_selected_events(select: str, params: dict[str, Any]) -> int:
    """Write an event for each row of a query, in the caller's transaction. Returns how many.

    The query yields kind, account_id, occurred_at, recorded_at, origin and payload.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO accounts_accountevent (kind, account_id, occurred_at, recorded_at, origin, payload) {select}",
            params,
        )
        return int(cursor.rowcount)


@transaction.atomic
def stamp_events(limit: int = 10_000) -> int:
    """Give the next positions to committed events. Returns how many; 0 also when another stamper runs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [STAMP_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            """
            WITH fresh AS (
                SELECT id, row_number() OVER (ORDER BY id) AS n
                FROM (
                    SELECT id FROM accounts_accountevent WHERE position IS NULL ORDER BY id LIMIT %s
                ) AS unstamped
            ), last AS (
                SELECT coalesce(max(position), 0) AS position FROM accounts_accountevent
            )
            UPDATE accounts_accountevent AS event SET position = last.position + fresh.n
            FROM fresh, last WHERE event.id = fresh.id
            """,
            [limit],
        )
        return int(cursor.rowcount)


def read_events(consumer: str, limit: int = 500) -> list[AccountEvent]:
    """Return the next events a consumer has not acknowledged, in order of position."""
    row, _ = EventConsumer.objects.get_or_create(name=consumer)
    return list(AccountEvent.objects.filter(position__gt=row.position).order_by("position")[:limit])


def advance(consumer: str, position: int, *, now: datetime) -> None:
    """Remember that a consumer has dealt with everything up to a position; never moves back."""
    EventConsumer.objects.filter(name=consumer, position__lt=position).update(position=position, updated_at=now)

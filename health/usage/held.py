"""Events of people whose account nobody knows yet; recorded on the day it becomes known."""

import random
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import connection, transaction

from health.models import HeldEvent
from health.usage.attribution import account_at
from health.usage.copying import NULL, UsageRow, as_array, copy_text, escape_json, microseconds, told
from health.usage.identities import Identities
from health.usage.incoming import Incoming, hash_message
from health.usage.moment import take_write_moment
from health.usage.writing import write_usage

COLUMNS = (
    "contact_id, anonymous_hash, event_type_id, source_id, occurred_at, received_at, shift_ms, clock_note, is_backfill,"
    " message_hash, value, properties"
)
CONTACTS_AT_ONCE = 1000


def hold(waiting: Iterable[tuple[Incoming, int, int, bytes]]) -> None:
    """Keep (event, contact or 0, event type, hash of the anonymous id or b"") until their account is known."""
    lines = []
    for incoming, contact_id, event_type_id, anonymous_hash in waiting:
        call, batch = incoming.call, incoming.batch
        value = NULL if call.value is None else call.value
        lines.append(
            f"{contact_id}\t{anonymous_hash.hex() or NULL}\t{event_type_id}\t{batch.source.id}\t{call.occurred_at}"
            f"\t{batch.received_at}\t{call.shift_ms}\t{call.clock_note}\t{int(batch.is_backfill)}"
            f"\t{incoming.message_hash.hex()}\t{value}\t{escape_json(call.properties.decode())}\n"
        )
    if lines:
        copy_text("health_heldevent", COLUMNS, lines)


def give_held(names: Mapping[tuple[str, str], int]) -> set[int]:
    """Give contacts what was held for the anonymous ids that are theirs; return those who got something."""
    hashes = {hash_message(*name).hex(): contact_id for name, contact_id in names.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE health_heldevent AS held SET contact_id = named.contact_id, anonymous_hash = NULL"
            " FROM unnest(%s::uuid[], %s::int[]) AS named (hash, contact_id)"
            " WHERE held.anonymous_hash = named.hash RETURNING held.contact_id",
            [as_array(hashes), as_array(hashes.values())],
        )
        return {row[0] for row in cursor.fetchall()}


def release(contact_ids: Collection[int], identities: Identities) -> list[UsageRow]:
    """Take out of waiting what has an account now; the caller writes the rows in the same transaction."""
    rows, done = [], []
    for held in HeldEvent.objects.filter(contact_id__in=contact_ids, contact_id__gt=0).order_by("id"):
        account_id = account_at(held.occurred_at, identities.stays[held.contact_id], identities.visits[held.contact_id])
        if account_id is not None:
            done.append(held.pk)
            rows.append(_row(held, account_id))
    HeldEvent.objects.filter(pk__in=done).delete()
    return rows


def release_joined() -> int:
    """Record what is held for contacts who have joined an account by another way. Returns how many events."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT held.contact_id FROM health_heldevent AS held"
            " JOIN accounts_membership AS member ON member.contact_id = held.contact_id"
            " WHERE held.contact_id > 0",
        )
        contact_ids = [row[0] for row in cursor.fetchall()]
    if not contact_ids:
        return 0
    # Some of them worked for several accounts and must wait on; a sample lets nobody wait behind them.
    contact_ids = random.sample(contact_ids, min(CONTACTS_AT_ONCE, len(contact_ids)))
    with transaction.atomic():
        recorded_at = take_write_moment()
        identities = Identities("", [])
        identities.load_whereabouts(contact_ids)
        rows = release(contact_ids, identities)
        write_usage(rows, recorded_at=recorded_at)
    return len(rows)


def forget_held(now: datetime) -> int:
    """Delete what has waited longer than HELD_EVENT_DAYS. Returns how many."""
    if not settings.HELD_EVENT_DAYS:
        return 0
    limit = now - timedelta(days=settings.HELD_EVENT_DAYS)
    return HeldEvent.objects.filter(received_at__lt=limit).delete()[0]


def _row(held: HeldEvent, account_id: int) -> UsageRow:
    return UsageRow(
        account_id,
        held.contact_id,
        held.event_type_id,
        told(
            held.source_id,
            held.occurred_at,
            microseconds(held.received_at),
            held.message_hash.bytes,
            held.value,
            held.shift_ms,
            held.clock_note,
            held.is_backfill,
            msgspec.json.encode(held.properties),
        ),
    )

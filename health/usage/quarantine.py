"""Events that could not be taken: kept with the reason, replayed or discarded by an editor."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from health.enums import Dialect, RejectionState
from health.ingest.accept import Route
from health.ingest.body import Body, Envelope
from health.models import RejectedEvent
from health.usage.incoming import Batch, Decoded, Quarantined, SourceRow, decode_body, hash_message
from health.usage.moment import take_write_moment
from health.usage.recording import count_events, record
from team.models import User
from team.permissions import check_can_configure

REPLAYED_AT_ONCE = 1000


def store(quarantined: Iterable[Quarantined]) -> None:
    """Keep events in quarantine; the same message again only counts, in the caller's transaction."""
    by_key: dict[tuple[int, str], list[Quarantined]] = {}
    for event in quarantined:
        source_id = event.batch.source.id
        raw_hash = hash_message(source_id, event.message_id or event.raw.decode("latin-1")).hex()
        by_key.setdefault((source_id, raw_hash), []).append(event)
    with connection.cursor() as cursor:
        for (source_id, raw_hash), events in by_key.items():
            first = events[0]
            cursor.execute(
                "INSERT INTO health_rejectedevent AS old (source_id, code, message, message_id, dialect, call,"
                " is_backfill, envelope, raw, raw_hash, received_at, occurrence_count, state)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'open')"
                " ON CONFLICT (source_id, raw_hash) WHERE state = 'open'"
                " DO UPDATE SET occurrence_count = old.occurrence_count + excluded.occurrence_count",
                [
                    source_id,
                    first.code,
                    first.message,
                    first.message_id,
                    first.batch.route.dialect,
                    first.batch.route.call,
                    first.batch.is_backfill,
                    first.batch.envelope,
                    first.raw,
                    raw_hash,
                    first.batch.received_at,
                    len(events),
                ],
            )


def replay(*, events: QuerySet[RejectedEvent], user: User, now: datetime) -> tuple[int, int]:
    """Try open events again, as if they had just come; return (taken, still rejected).

    Those still rejected stay, with the reason of today. Raises PermissionDenied.
    """
    check_can_configure(user)
    taken = failed = 0
    keys = list(events.filter(state=RejectionState.OPEN).order_by("id").values_list("pk", flat=True))
    for start in range(0, len(keys), REPLAYED_AT_ONCE):
        replayed, rejected = _replay_some(keys[start : start + REPLAYED_AT_ONCE], user=user, now=now)
        taken += replayed
        failed += rejected
    return taken, failed


@transaction.atomic
def discard(*, events: QuerySet[RejectedEvent], user: User, now: datetime) -> int:
    """Give open events up; they are kept for reading until their time is over. Raises PermissionDenied."""
    check_can_configure(user)
    return events.filter(state=RejectionState.OPEN).update(
        state=RejectionState.DISCARDED, settled_at=now, settled_by=user
    )


def forget_rejected(now: datetime) -> int:
    """Delete what was rejected longer than QUARANTINE_DAYS ago. Returns how many."""
    if not settings.QUARANTINE_DAYS:
        return 0
    limit = now - timedelta(days=settings.QUARANTINE_DAYS)
    return RejectedEvent.objects.filter(received_at__lt=limit).delete()[0]


@transaction.atomic
def _replay_some(keys: Sequence[int], *, user: User, now: datetime) -> tuple[int, int]:
    recorded_at = take_write_moment()  # first of all locks, as the processor takes it
    rows = RejectedEvent.objects.select_related("source").select_for_update(of=("self",))
    open_rows = {row.pk: row for row in rows.filter(pk__in=keys, state=RejectionState.OPEN).order_by("pk")}
    decoded = Decoded()
    for row in open_rows.values():
        batch = _batch(row)
        envelope = json.loads(bytes(row.envelope))
        body = Body(Envelope(segment_sent_at=envelope.get("sentAt"), context=envelope.get("context")), [bytes(row.raw)])
        decode_body(body, batch, decoded)
    outcome = record(decoded, recorded_at=recorded_at)
    count_events(outcome, with_rejected=False)
    failed = {int(event.batch.key.removeprefix("rejected ")): event for event in outcome.quarantined}
    for pk, event in failed.items():
        row = open_rows[pk]
        row.code, row.message = event.code, event.message
        row.save(update_fields=["code", "message"])
    taken = open_rows.keys() - failed.keys()
    RejectedEvent.objects.filter(pk__in=taken).update(state=RejectionState.REPLAYED, settled_at=now, settled_by=user)
    return len(taken), len(failed)


def _batch(row: RejectedEvent) -> Batch:
    source = SourceRow(row.source.pk, row.source.system, row.source.product_id)
    return Batch(
        key=f"rejected {row.pk}",
        source=source,
        route=Route(Dialect(row.dialect), row.call, row.is_backfill),
        received_at=row.received_at,
        is_backfill=row.is_backfill,
        envelope=bytes(row.envelope),
    )

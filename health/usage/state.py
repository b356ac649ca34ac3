"""How ingest is doing: what waits, what is stuck, what each source sent."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from health.models import HeldEvent, Source
from health.usage.processor import MAX_ATTEMPTS


@dataclass(frozen=True)
class SourceState:
    """A source with what is not in its row. `waiting_since` None: nothing waits."""

    source: Source
    quarantined: int
    waiting_events: int
    waiting_since: datetime | None


@dataclass(frozen=True)
class Backlog:
    """Events that are accepted and not processed; bodies that were given up."""

    waiting_events: int
    oldest_at: datetime | None
    oldest_seconds: float
    failed_bodies: int


def source_states() -> list[SourceState]:
    """Return every source, by name, in three queries."""
    waiting = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_id, sum(event_count), min(received_at) FROM health_ingestbatch"
            " WHERE processed_at IS NULL GROUP BY source_id"
        )
        for source_id, events, since in cursor.fetchall():
            waiting[source_id] = (int(events), since)
        cursor.execute("SELECT source_id, count(*) FROM health_rejectedevent WHERE state = 'open' GROUP BY source_id")
        quarantined = dict(cursor.fetchall())
    return [
        SourceState(source, quarantined.get(source.pk, 0), *waiting.get(source.pk, (0, None)))
        for source in Source.objects.select_related("product")
    ]


def backlog() -> Backlog:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(event_count) FILTER (WHERE attempts < %(max)s), 0),"
            " min(received_at) FILTER (WHERE attempts < %(max)s),"
            " extract(epoch FROM clock_timestamp() - min(received_at) FILTER (WHERE attempts < %(max)s)),"
            " count(*) FILTER (WHERE attempts >= %(max)s)"
            " FROM health_ingestbatch WHERE processed_at IS NULL",
            {"max": MAX_ATTEMPTS},
        )
        events, oldest_at, seconds, failed = cursor.fetchone()
    return Backlog(int(events), oldest_at, float(seconds or 0), failed)


def held_count() -> int:
    """Return how many events wait for somebody's account to become known."""
    return HeldEvent.objects.count()

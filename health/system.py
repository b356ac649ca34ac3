"""Figures about ingest and scores, for the System page and /metrics."""

from collections.abc import Iterable

from django.db import connection

from health.models import Incident, RejectedEvent
from health.usage.processor import MAX_ATTEMPTS
from team.system import Figure, figures

BACKLOG_LIMIT_SECONDS = 60
SCORE_LAG_LIMIT_SECONDS = 60


@figures
def ingest_figures() -> Iterable[Figure]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM health_ingestbatch_id_seq")
        accepted = cursor.fetchone()[0]
        cursor.execute(
            """
            SELECT count(*) FILTER (WHERE attempts < %(most)s),
                coalesce(sum(event_count) FILTER (WHERE attempts < %(most)s), 0),
                coalesce(extract(epoch FROM clock_timestamp() - min(received_at) FILTER (
                    WHERE attempts < %(most)s)), 0)::float8,
                count(*) FILTER (WHERE attempts >= %(most)s)
            FROM health_ingestbatch WHERE processed_at IS NULL
            """,
            {"most": MAX_ATTEMPTS},
        )
        bodies, events, age, failed = cursor.fetchone()
    yield Figure("ingest_accepted_bodies", "Bodies accepted since the beginning", accepted)
    yield Figure("ingest_backlog_bodies", "Bodies that wait for a worker", bodies)
    yield Figure("ingest_backlog_events", "Events in them", events)
    yield Figure("ingest_backlog_age_seconds", "Oldest body that waits", age, "s", BACKLOG_LIMIT_SECONDS)
    yield Figure("ingest_failed_bodies", "Bodies given up", failed, limit=0, help="Their errors are with the sources.")
    yield Figure("ingest_rejected_events", "Events in quarantine", RejectedEvent.objects.filter(state="open").count())


@figures
def score_figures() -> Iterable[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::float8"
            " FROM health_dirtyaccount"
        )
        waiting, lag = cursor.fetchone()
    yield Figure("score_waiting_accounts", "Accounts whose score waits", waiting)
    yield Figure("score_lag_seconds", "Longest wait for a score", lag, "s", SCORE_LAG_LIMIT_SECONDS)


@figures
def feed_figures() -> Iterable[Figure]:
    broken = Incident.objects.filter(closed_at=None).count()
    yield Figure(
        "incidents_open", "Feeds of data that stopped", broken, limit=0,
        help="Measures made from them are frozen. Data sources → Incidents says which.",
    )  # fmt: skip

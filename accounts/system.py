"""Figures about the log of events, for the System page and /metrics."""

from collections.abc import Iterable

from django.db import connection

from team.system import Figure, figures

LAG_LIMIT_SECONDS = 60


@figures
def event_figures() -> Iterable[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)::float8
                    FROM accounts_accountevent WHERE position IS NULL),
                (SELECT coalesce((SELECT max(position) FROM accounts_accountevent) - min(position), 0)
                    FROM accounts_eventconsumer)
            """
        )
        unstamped, behind = cursor.fetchone()
    yield Figure("event_lag_seconds", "Oldest account event without a position", unstamped, "s", LAG_LIMIT_SECONDS)
    yield Figure("event_consumer_behind", "Events that the slowest reader has to read", behind)

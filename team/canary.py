"""The canary: work due every few seconds through the whole path, from scheduler to worker.

When it falls silent something on the path is stuck, whatever the processes say about themselves.
"""

from dataclasses import dataclass

from django.db import connection

KIND = "team.canary"
LATE_SECONDS = 60


@dataclass(frozen=True)
class Song:
    """How long ago the canary was last heard, and how long it took from due to done; None: never."""

    age_seconds: float | None
    delay_seconds: float | None

    @property
    def is_late(self) -> bool:
        return self.age_seconds is None or self.age_seconds > LATE_SECONDS


def last_song() -> Song:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM statement_timestamp() - finished_at)::float8,"
            " extract(epoch FROM finished_at - due_at)::float8 FROM team_work"
            " WHERE kind = %s AND state = 'done' ORDER BY finished_at DESC LIMIT 1",
            [KIND],
        )
        row = cursor.fetchone()
    return Song(*row) if row else Song(None, None)

"""The worker's part of ingest: many accepted bodies at a time become committed roll-ups.

A chunk is one transaction. Its bodies are claimed twice: first in a short transaction that counts
the attempt, so that a body that kills workers is found out, then under row locks that end with the
work. A worker that dies leaves nothing behind but the counted attempt.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from health.enums import Dialect
from health.ingest.accept import Route
from health.models import Source
from health.usage import quarantine
from health.usage.incoming import Batch, Decoded, SourceRow, decode_body, envelope_json, unpack
from health.usage.moment import take_write_moment
from health.usage.recording import count_events, record

logger = logging.getLogger(__name__)

RUN_SECONDS = 5.0
LINGER_SECONDS = 0.4  # longer than health.tasks keeps quiet
LOOK_SECONDS = 0.05
# Attempts a body gets together with others, and altogether.
SHARED_ATTEMPTS = 2
MAX_ATTEMPTS = 6
# A chunk holds the lock that scoring waits for, so it should take no longer than this. Small ones
# cost more: every chunk asks some 25 questions.
CHUNK_SECONDS = 2.0
MIN_CHUNK_EVENTS = 2000
MAX_CHUNK_EVENTS = 50_000
MAX_CHUNK_BATCHES = 2000

# Connection, transaction rollback, resources, object in use, intervention, system error.
TEMPORARY_SQLSTATES = {"08", "40", "53", "55", "57", "58"}

_Key = tuple[int, datetime]


@dataclass(slots=True)
class Pace:
    """How many events a chunk may have: twice as many after a quick full one, half after a slow one."""

    events: int = 10_000

    def adjust(self, seconds: float, *, was_full: bool) -> None:
        if seconds > CHUNK_SECONDS:
            self.events = max(MIN_CHUNK_EVENTS, self.events // 2)
        elif was_full and seconds < CHUNK_SECONDS / 2:
            self.events = min(MAX_CHUNK_EVENTS, self.events * 2)


_pace = Pace()


def process_backlog(*, seconds: float = RUN_SECONDS, linger: float = LINGER_SECONDS) -> bool:
    """Process what waits and what arrives meanwhile; return whether something waits still.

    Ends `linger` seconds after the last body, or after `seconds` so that other work gets its turn.
    """
    until = time.monotonic() + seconds
    idle_until = time.monotonic() + linger
    while time.monotonic() < until:
        if process_chunk(_pace) + process_suspect():
            idle_until = time.monotonic() + linger
        elif time.monotonic() >= idle_until:
            return False
        else:
            time.sleep(LOOK_SECONDS)
    return has_backlog()


def process_chunk(pace: Pace) -> int:
    """Process bodies that have not failed before; return how many bodies were claimed."""
    started = time.monotonic()
    keys = _claim(limit=pace.events, suspect=False)
    if keys:
        events = _process(keys)
        pace.adjust(time.monotonic() - started, was_full=events >= pace.events // 2)
    return len(keys)


def process_suspect() -> int:
    """Process one body that failed together with others, by itself; return how many were claimed."""
    keys = _claim(limit=1, suspect=True)
    if keys:
        _process(keys)
    return len(keys)


def has_backlog() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM health_ingestbatch WHERE processed_at IS NULL AND attempts < %s)",
            [MAX_ATTEMPTS],
        )
        return bool(cursor.fetchone()[0])


def retry_failed() -> int:
    """Give bodies that were given up all their attempts again. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE health_ingestbatch SET attempts = 0 WHERE processed_at IS NULL AND attempts >= %s", [MAX_ATTEMPTS]
        )
        return int(cursor.rowcount)


def _process(keys: Sequence[_Key]) -> int:
    """Process claimed bodies in one transaction; return how many events they held.

    When they cannot be, nothing has happened. A fault of the database is nobody's attempt.
    """
    try:
        with transaction.atomic():
            return _process_locked(keys)
    except Exception as error:
        if is_temporary(error):
            _pace.events = MIN_CHUNK_EVENTS
            _give_back(keys)
            raise
        logger.exception("%s bodies of events could not be processed.", len(keys))
        _note_failure(keys, f"{type(error).__name__}: {error}")
        return 0


def is_temporary(error: Exception) -> bool:
    """Return whether trying again later may help: lost connections, deadlocks, full disks."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code = getattr(error.__cause__, "pgcode", None)
    return code is None or code[:2] in TEMPORARY_SQLSTATES


def _process_locked(keys: Sequence[_Key]) -> int:
    rows = _lock(keys)
    if not rows:
        return 0
    sources = {pk: SourceRow(pk, system, product) for pk, system, product in _sources(rows)}
    decoded = Decoded()
    for key, received_at, source_id, dialect, call, is_backfill, body in rows:
        route = Route(Dialect(dialect), call, is_backfill)
        unpacked = unpack(body, route)
        batch = Batch(
            key=str(key),
            source=sources[source_id],
            route=route,
            received_at=received_at,
            is_backfill=is_backfill or unpacked.envelope.historical_migration is True,
            envelope=envelope_json(unpacked),
        )
        decode_body(unpacked, batch, decoded)
    recorded_at = take_write_moment()
    outcome = record(decoded, recorded_at=recorded_at)
    quarantine.store(outcome.quarantined)
    count_events(outcome)
    _finish([(row[0], row[1]) for row in rows])
    return len(decoded.calls) + len(decoded.quarantined)


def _claim(*, limit: int, suspect: bool) -> list[_Key]:
    """Count an attempt for the oldest bodies that wait, up to `limit` events, and return their keys."""
    attempts = (SHARED_ATTEMPTS, MAX_ATTEMPTS) if suspect else (0, SHARED_ATTEMPTS)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH waiting AS (
                SELECT id, received_at, event_count FROM health_ingestbatch
                WHERE processed_at IS NULL AND attempts >= %s AND attempts < %s
                ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
            ), chosen AS (
                SELECT id, received_at, sum(event_count) OVER (ORDER BY id) - event_count AS before FROM waiting
            )
            UPDATE health_ingestbatch AS batch SET attempts = attempts + 1 FROM chosen
            WHERE batch.id = chosen.id AND batch.received_at = chosen.received_at AND chosen.before < %s
            RETURNING batch.id, batch.received_at
            """,
            [*attempts, 1 if suspect else MAX_CHUNK_BATCHES, limit],
        )
        return sorted(cursor.fetchall())


def _lock(keys: Sequence[_Key]) -> list[tuple[Any, ...]]:
    """Return the bodies of claimed rows that nobody else is processing, locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, received_at, source_id, dialect, call, is_backfill, body FROM health_ingestbatch"
            " WHERE id = ANY(%s) AND received_at BETWEEN %s AND %s AND processed_at IS NULL"
            " ORDER BY id FOR UPDATE SKIP LOCKED",
            _range(keys),
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _finish(keys: Sequence[_Key]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE health_ingestbatch SET processed_at = clock_timestamp(), error = ''"
            " WHERE id = ANY(%s) AND received_at BETWEEN %s AND %s",
            _range(keys),
        )


def _give_back(keys: Sequence[_Key]) -> None:
    """Take the attempt back, as far as the database lets us."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE health_ingestbatch SET attempts = attempts - 1"
                " WHERE id = ANY(%s) AND received_at BETWEEN %s AND %s AND attempts > 0",
                _range(keys),
            )
    except (OperationalError, InterfaceError):
        logger.warning("PostgreSQL cannot be reached; %s bodies of events wait.", len(keys))


def _note_failure(keys: Sequence[_Key], error: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE health_ingestbatch SET error = %s"
            " WHERE id = ANY(%s) AND received_at BETWEEN %s AND %s AND processed_at IS NULL",
            [error[:2000], *_range(keys)],
        )


def _range(keys: Sequence[_Key]) -> list[Any]:
    """Return the ids, and the times between which they came, which name the partitions to look into."""
    times = [received_at for _, received_at in keys]
    return [[pk for pk, _ in keys], min(times), max(times)]


def _sources(rows: list[tuple[Any, ...]]) -> list[tuple[int, str, int | None]]:
    return list(Source.objects.filter(pk__in={row[2] for row in rows}).values_list("pk", "system", "product_id"))

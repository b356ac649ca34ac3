"""Work that is due: rows in PostgreSQL, claimed under a lease, done once.

A handler runs in one transaction with the completion of its row, so its effects in the database
happen exactly once however often workers die. Handlers that need transactions of their own are
registered with `atomic=False` and must bear to run twice. Attempts are counted when work is claimed,
so that work which kills its worker runs out of them too. Only the database's clock decides what is
due and whose lease has run out. Celery and Redis only wake workers (team/wake.py).
docs/decisions/0004-work-rows.md says why.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, transaction

from team.errors import GiveUp, LeaseLost, RetryLater
from team.wake import Waker

logger = logging.getLogger(__name__)

Payload = dict[str, Any]
Run = Callable[[Payload], None]

BACKOFF_SECONDS = [5, 30, 120, 600, 1800]
DEFAULT_MAX_ATTEMPTS = 5
# Claiming stops after this, and Celery ends a task after 300 s: a lease must fit in between.
DRAIN_SECONDS = 30.0
MAX_LEASE_SECONDS = 240
KEEP_DONE_DAYS = 7
# Some of the timetable comes round every few seconds; its rows say little and would be many.
SCHEDULE_KEY = "schedule"
KEEP_DONE_SCHEDULE_HOURS = 1
PURGE_ROWS = 10_000
ERROR_LENGTH = 2000

wake_workers = Waker("team.run_due_work")


@dataclass(frozen=True)
class Handler:
    kind: str
    run: Run
    lease_seconds: int
    max_attempts: int
    atomic: bool


@dataclass(frozen=True)
class Claim:
    """A row of work that is ours until the lease ends; the fence proves it."""

    id: int
    kind: str
    key: str
    payload: Payload
    attempts: int
    fence: int


_handlers: dict[str, Handler] = {}
_current: ContextVar[Claim | None] = ContextVar("claim", default=None)


def handler(
    kind: str, *, lease_seconds: int = 60, max_attempts: int = DEFAULT_MAX_ATTEMPTS, atomic: bool = True
) -> Callable[[Run], Run]:
    """Register the function that does work of a kind; it takes the payload.

    An atomic one is ended by the server when it outlives its lease. The others call `renew_lease`.
    """
    if not 1 <= lease_seconds <= MAX_LEASE_SECONDS:
        raise ValueError(f"The lease of {kind} must last 1 to {MAX_LEASE_SECONDS} seconds: split longer work.")

    def register(run: Run) -> Run:
        _handlers[kind] = Handler(kind, run, lease_seconds, max_attempts, atomic)
        return run

    return register


def enqueue(
    *, kind: str, key: str = "", payload: Payload | None = None, due_at: datetime | None = None, priority: int = 0
) -> None:
    """Make work due in the caller's transaction, and wake a worker once that has committed.

    While work of the same kind and key is due, this one joins it: the earlier time, the newer payload.
    It never joins what runs already, which may have read the old state; one key runs one at a time.
    Lower priorities go first; `due_at` None is now.
    """
    enqueue_many(kind=kind, items=[(key, payload or {})], due_at=due_at, priority=priority)


def enqueue_many(
    *, kind: str, items: Iterable[tuple[str, Payload]], due_at: datetime | None = None, priority: int = 0
) -> int:
    """Enqueue one row per (key, payload) in one statement. Keys must differ, or be "". Returns how many."""
    # Sorted, so that transactions which share keys wait for each other and do not deadlock.
    rows = sorted(items, key=lambda item: item[0])
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO team_work (kind, key, payload, state, priority, due_at, attempts, fence, error, created_at)
            SELECT %s, key, payload, 'due', %s, coalesce(%s, now()), 0, 0, '', now()
            FROM unnest(%s::text[], %s::jsonb[]) AS item (key, payload)
            ON CONFLICT (kind, key) WHERE state = 'due' AND key <> ''
            DO UPDATE SET due_at = least(team_work.due_at, excluded.due_at), payload = excluded.payload,
                priority = least(team_work.priority, excluded.priority)
            """,
            [kind, priority, due_at, [key for key, _ in rows], [json.dumps(payload) for _, payload in rows]],
        )
    if due_at is None:
        transaction.on_commit(wake_workers, robust=True)
    return len(rows)


def run_due_work(*, limit: int = 1000, seconds: float = DRAIN_SECONDS) -> int:
    """Claim and do what is due until nothing is, `limit` rows are done or the time is over.

    Returns how many rows were dealt with, failures included.
    """
    until = time.monotonic() + seconds
    count = 0
    while count < limit and time.monotonic() < until:
        claim = claim_next()
        if claim is None:
            return count
        if count == 0:
            _share_the_rest()
        run_claim(claim)
        count += 1
    _share_the_rest()
    return count


def _share_the_rest() -> None:
    """Wake one more worker when there is more to do, so that all of them get going one by one."""
    if has_due_work():
        wake_workers()


def claim_next() -> Claim | None:
    """Take the next due row under a lease; its attempt is counted now, before it can kill anybody.

    Kinds without a handler here stay due: during an upgrade they wait for the new workers.
    """
    if not _handlers:
        return None
    kinds = list(_handlers)
    leases = [_handlers[kind].lease_seconds for kind in kinds]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE team_work AS work SET state = 'running', attempts = work.attempts + 1, fence = work.fence + 1,
                lease_until = clock_timestamp() + known.lease * interval '1 second'
            FROM unnest(%s::text[], %s::int[]) AS known (kind, lease)
            WHERE known.kind = work.kind AND work.id = (
                SELECT id FROM team_work AS due
                WHERE state = 'due' AND due_at <= statement_timestamp() AND kind = ANY(%s) AND NOT EXISTS (
                    SELECT FROM team_work AS same
                    WHERE same.state = 'running' AND same.kind = due.kind AND same.key = due.key AND due.key <> ''
                )
                ORDER BY priority, due_at LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING work.id, work.kind, work.key, work.payload, work.attempts, work.fence
            """,
            [kinds, leases, kinds],
        )
        row = cursor.fetchone()
    return None if row is None else Claim(row[0], row[1], row[2], _parsed(row[3]), row[4], row[5])


def run_claim(claim: Claim) -> None:
    """Do one claimed row; a failure puts it back with a delay, or gives it up after too many attempts."""
    token = _current.set(claim)
    try:
        _do(claim)
    except LeaseLost:
        logger.warning("Work %s %s took longer than its lease; another worker has it.", claim.kind, claim.id)
    except Exception as error:
        logger.exception("Work %s %s failed (attempt %s).", claim.kind, claim.id, claim.attempts)
        if isinstance(error, DatabaseError) and not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        fail(claim, error)
    finally:
        _current.reset(token)


def _do(claim: Claim) -> None:
    work = _handlers[claim.kind]
    if not work.atomic:
        work.run(claim.payload)
        complete(claim)
        return
    with transaction.atomic():
        # The server ends what outlives its lease, so that a frozen worker keeps no locks.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true),"
                " set_config('idle_in_transaction_session_timeout', %s, true)",
                [f"{work.lease_seconds}s"] * 2,
            )
        work.run(claim.payload)
        complete(claim)


def renew_lease(seconds: int = 60) -> None:
    """Let the handler that calls this (not an atomic one) keep its lease for `seconds` from now.

    Raises LeaseLost when somebody else has the row: stop and keep nothing.
    """
    claim = _current.get()
    if claim is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE team_work SET lease_until = clock_timestamp() + %s * interval '1 second'"
            " WHERE id = %s AND fence = %s AND state = 'running'",
            [seconds, claim.id, claim.fence],
        )
        if cursor.rowcount != 1:
            raise LeaseLost(claim.kind)


def complete(claim: Claim) -> None:
    """Mark a row as done. Raises LeaseLost when it is not ours any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE team_work SET state = 'done', finished_at = clock_timestamp(), lease_until = NULL, error = ''"
            " WHERE id = %s AND fence = %s AND state = 'running'",
            [claim.id, claim.fence],
        )
        if cursor.rowcount != 1:
            raise LeaseLost(claim.kind)


def fail(claim: Claim, error: Exception) -> None:
    """Put a row back after a failure; nothing happens when it is not ours any more."""
    _put_back(
        claim,
        error=f"{type(error).__name__}: {error}",
        max_attempts=0 if isinstance(error, GiveUp) else _handlers[claim.kind].max_attempts,
        delay_seconds=error.seconds if isinstance(error, RetryLater) else None,
    )


def sweep() -> int:
    """Offer rows again whose lease has run out: their worker died. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, kind, key, attempts, fence FROM team_work"
            " WHERE state = 'running' AND lease_until < clock_timestamp() ORDER BY id LIMIT 1000"
        )
        rows = cursor.fetchall()
    for pk, kind, key, attempts, fence in rows:
        claim = Claim(pk, kind, key, {}, attempts, fence)
        limit = _handlers[kind].max_attempts if kind in _handlers else DEFAULT_MAX_ATTEMPTS
        _put_back(claim, error="The worker died or froze while it had this.", max_attempts=limit, delay_seconds=0)
    return len(rows)


def retry(pk: int) -> bool:
    """Make a row that was given up due again, with all its attempts.

    False when it is not given up, or newer work of its key is due already.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE team_work SET state = 'due', attempts = 0, due_at = now(), finished_at = NULL"
                " WHERE id = %s AND state = 'dead'",
                [pk],
            )
            return bool(cursor.rowcount == 1)
    except IntegrityError:
        return False


def discard(pk: int) -> bool:
    """Delete a row that was given up. False when it is not given up."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM team_work WHERE id = %s AND state = 'dead'", [pk])
        return bool(cursor.rowcount == 1)


def forget_done() -> int:
    """Delete rows done KEEP_DONE_DAYS ago or earlier, the timetable's sooner; PURGE_ROWS at most. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM team_work WHERE id IN (SELECT id FROM team_work WHERE state = 'done'"
            " AND finished_at < now() - CASE WHEN key = %s THEN %s * interval '1 hour' ELSE %s * interval '1 day' END"
            " LIMIT %s)",
            [SCHEDULE_KEY, KEEP_DONE_SCHEDULE_HOURS, KEEP_DONE_DAYS, PURGE_ROWS],
        )
        return int(cursor.rowcount)


def has_due_work() -> bool:
    """Return whether a row is due that somebody here could take."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM team_work WHERE state = 'due' AND due_at <= statement_timestamp()"
            " AND kind = ANY(%s))",
            [list(_handlers)],
        )
        return bool(cursor.fetchone()[0])


def oldest_due_seconds() -> float:
    """Return how long the oldest work that somebody here could take has been due; 0 when none is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM statement_timestamp() - min(due_at)), 0)::float8 FROM team_work"
            " WHERE state = 'due' AND due_at <= statement_timestamp() AND kind = ANY(%s)",
            [list(_handlers)],
        )
        return float(cursor.fetchone()[0])


def _put_back(claim: Claim, *, error: str, max_attempts: int, delay_seconds: float | None = None) -> None:
    """Due again, given up, or handed over to newer work of the same key that waits already."""
    if delay_seconds is None:
        delay_seconds = BACKOFF_SECONDS[min(claim.attempts, len(BACKOFF_SECONDS)) - 1]
    values = {
        "id": claim.id,
        "kind": claim.kind,
        "key": claim.key,
        "fence": claim.fence,
        "attempts": claim.attempts,
        "max_attempts": max_attempts,
        "delay": delay_seconds,
        "error": error[:ERROR_LENGTH],
    }
    try:
        _write_put_back(values)
    except IntegrityError:  # newer work of the key came in just now: hand over to that
        _write_put_back(values)


@transaction.atomic
def _write_put_back(values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        # Newer work inherits the attempts and the pause, else poison asked for again and again never ends.
        cursor.execute(
            """
            WITH newer AS (
                UPDATE team_work AS newer SET attempts = greatest(newer.attempts, %(attempts)s),
                    due_at = greatest(newer.due_at, clock_timestamp() + %(delay)s * interval '1 second')
                FROM team_work AS work
                WHERE work.id = %(id)s AND work.fence = %(fence)s AND work.state = 'running'
                    AND %(attempts)s < %(max_attempts)s
                    AND newer.kind = %(kind)s AND newer.key = %(key)s AND newer.key <> '' AND newer.state = 'due'
                RETURNING newer.id
            )
            UPDATE team_work SET
                state = CASE
                    WHEN %(attempts)s >= %(max_attempts)s THEN 'dead'
                    WHEN EXISTS (SELECT FROM newer) THEN 'done'
                    ELSE 'due' END,
                due_at = clock_timestamp() + %(delay)s * interval '1 second',
                finished_at = CASE
                    WHEN %(attempts)s >= %(max_attempts)s OR EXISTS (SELECT FROM newer) THEN clock_timestamp() END,
                fence = fence + 1, lease_until = NULL, error = %(error)s
            WHERE id = %(id)s AND fence = %(fence)s AND state = 'running'
            """,
            values,
        )


def _parsed(value: Any) -> Payload:
    """Return the payload; the driver hands it over as text or parsed."""
    payload: Payload = json.loads(value) if isinstance(value, str) else value
    return payload

"""Work that is due: rows in PostgreSQL, claimed under a lease, done once.

A handler runs in one transaction with the completion of its row, so its effects in the database
happen exactly once however often workers die. Handlers that need transactions of their own are
registered with `atomic=False` and must bear to run twice. Only the database's clock decides what
is due and whose lease has run out. Celery and Redis only wake workers (team/tasks.py).
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

logger = logging.getLogger(__name__)

Payload = dict[str, Any]
Run = Callable[[Payload], None]

BACKOFF_SECONDS = [5, 30, 120, 600, 1800]
KEEP_DONE_DAYS = 7


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


class LeaseLost(RuntimeError):
    """Somebody else has the row now: nothing of ours may be written."""


_handlers: dict[str, Handler] = {}


def handler(kind: str, *, lease_seconds: int = 60, max_attempts: int = 5, atomic: bool = True) -> Callable[[Run], Run]:
    """Register the function that does work of a kind."""

    def register(run: Run) -> Run:
        _handlers[kind] = Handler(kind, run, lease_seconds, max_attempts, atomic)
        return run

    return register


def enqueue(
    *, kind: str, key: str = "", payload: Payload | None = None, due_at: datetime | None = None, priority: int = 0
) -> None:
    """Make work due in the caller's transaction, and wake a worker once that has committed.

    While work of the same kind and key is due, this one joins it: the earlier time, the newer payload.
    Lower priorities go first; `due_at` None is now.
    """
    from team.tasks import wake_workers

    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO team_work (kind, key, payload, state, priority, due_at, attempts, fence, error, created_at)
            VALUES (%s, %s, %s::jsonb, 'due', %s, coalesce(%s, now()), 0, 0, '', now())
            ON CONFLICT (kind, key) WHERE state = 'due' AND key <> ''
            DO UPDATE SET due_at = least(team_work.due_at, excluded.due_at), payload = excluded.payload,
                priority = least(team_work.priority, excluded.priority)
            """,
            [kind, key, _json(payload), priority, due_at],
        )
    if due_at is None:
        transaction.on_commit(wake_workers, robust=True)


def run_due_work(*, limit: int = 1000, seconds: float = 50) -> int:
    """Claim and do what is due until nothing is, `limit` rows are done or the time is over.

    Returns how many rows were dealt with, failures included.
    """
    until = time.monotonic() + seconds
    count = 0
    while count < limit and time.monotonic() < until:
        claim = claim_next()
        if claim is None:
            break
        run_claim(claim)
        count += 1
    return count


def claim_next() -> Claim | None:
    """Take the next due row under a lease; its attempt is counted now, before it can kill anybody."""
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
                SELECT id FROM team_work
                WHERE state = 'due' AND due_at <= clock_timestamp() AND kind = ANY(%s)
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
    work = _handlers[claim.kind]
    try:
        if work.atomic:
            with transaction.atomic():
                work.run(claim.payload)
                complete(claim)
        else:
            work.run(claim.payload)
            complete(claim)
    except LeaseLost:
        logger.warning("Work %s %s took longer than its lease; another worker has it.", claim.kind, claim.id)
    except Exception as error:
        logger.exception("Work %s %s failed (attempt %s).", claim.kind, claim.id, claim.attempts)
        _put_back(claim, error=f"{type(error).__name__}: {error}", max_attempts=work.max_attempts)


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
        limit = _handlers[kind].max_attempts if kind in _handlers else 1
        _put_back(claim, error="The worker died or froze while it had this.", max_attempts=limit, delay_seconds=0)
    return len(rows)


def retry(pk: int) -> bool:
    """Make a row that was given up due again, with all its attempts. False when it is not given up."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE team_work AS work SET state = 'due', attempts = 0, due_at = now(), finished_at = NULL"
            " WHERE id = %s AND state = 'dead' AND NOT EXISTS (SELECT FROM team_work AS other"
            " WHERE other.kind = work.kind AND other.key = work.key AND other.key <> '' AND other.state = 'due')",
            [pk],
        )
        return bool(cursor.rowcount == 1)


def forget_done() -> int:
    """Delete rows that were done KEEP_DONE_DAYS ago or earlier. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM team_work WHERE state = 'done' AND finished_at < now() - %s * interval '1 day'",
            [KEEP_DONE_DAYS],
        )
        return int(cursor.rowcount)


def has_due_work() -> bool:
    """Return whether a row is due and nobody has taken it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM team_work WHERE state = 'due' AND due_at <= clock_timestamp())")
        return bool(cursor.fetchone()[0])


def _put_back(claim: Claim, *, error: str, max_attempts: int, delay_seconds: int | None = None) -> None:
    """Due again, given up, or done where newer work of the same key waits already."""
    if delay_seconds is None:
        delay_seconds = BACKOFF_SECONDS[min(claim.attempts, len(BACKOFF_SECONDS)) - 1]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE team_work AS work SET
                state = CASE
                    WHEN %(attempts)s >= %(max_attempts)s THEN 'dead'
                    WHEN waiting.is_there THEN 'done'
                    ELSE 'due' END,
                due_at = clock_timestamp() + %(delay)s * interval '1 second',
                finished_at = CASE
                    WHEN %(attempts)s >= %(max_attempts)s OR waiting.is_there THEN clock_timestamp() END,
                fence = work.fence + 1, lease_until = NULL, error = %(error)s
            FROM (SELECT EXISTS (SELECT FROM team_work WHERE kind = %(kind)s AND key = %(key)s AND key <> ''
                AND state = 'due') AS is_there) AS waiting
            WHERE work.id = %(id)s AND work.fence = %(fence)s AND work.state = 'running'
            """,
            {
                "id": claim.id,
                "kind": claim.kind,
                "key": claim.key,
                "fence": claim.fence,
                "attempts": claim.attempts,
                "max_attempts": max_attempts,
                "delay": delay_seconds,
                "error": error[:2000],
            },
        )


def _json(payload: Payload | None) -> str:
    return json.dumps(payload or {})


def _parsed(value: Any) -> Payload:
    """Return the payload; the driver hands it over as text or parsed."""
    payload: Payload = json.loads(value) if isinstance(value, str) else value
    return payload

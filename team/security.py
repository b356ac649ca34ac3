"""The security log: who got in and who changed who may. Append-only, each row hashed with the one before.

A database trigger refuses updates and deletions; `check_chain` finds a row that was changed anyway.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction

from team.models import SecurityEvent, User

LOG_LOCK = 0x5EC_0001


@transaction.atomic
def log_security(
    *,
    kind: str,
    now: datetime,
    user: User | None = None,
    subject: str = "",
    ip_address: str | None = None,
    detail: dict[str, object] | None = None,
) -> SecurityEvent:
    """Append one row in the caller's transaction. `detail` holds no secrets."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOG_LOCK])
    previous = SecurityEvent.objects.order_by("-id").values_list("hash", flat=True).first() or ""
    event = SecurityEvent(
        kind=kind,
        user=user,
        subject=subject[:200],
        ip_address=ip_address,
        detail=detail or {},
        occurred_at=now,
        previous_hash=previous,
    )
    event.hash = row_hash(event)
    event.save()
    return event


def row_hash(event: SecurityEvent) -> str:
    """Return the SHA-256 of a row's content and the hash before it."""
    content = [
        event.previous_hash,
        event.kind,
        event.user_id,
        event.subject,
        event.ip_address,
        event.detail,
        event.occurred_at.astimezone(UTC).isoformat(),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Chain:
    """What a look at the whole log found. `broken`: the first row that does not fit; None: none was changed.

    Rows cut off at the end leave no trace inside: compare `count` and `head` with what was noted elsewhere.
    """

    count: int
    head: str
    broken: SecurityEvent | None


def check_chain() -> Chain:
    """Read the log from its beginning and recompute every hash."""
    count, previous = 0, ""
    for event in SecurityEvent.objects.order_by("id").iterator():
        if event.previous_hash != previous or event.hash != row_hash(event):
            return Chain(count, previous, event)
        count, previous = count + 1, event.hash
    return Chain(count, previous, None)

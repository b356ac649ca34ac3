"""The security log: who got in and who changed who may. Append-only, each row hashed with the one before.

A database trigger refuses updates and deletions; `first_broken` finds a row that was changed anyway.
"""

import hashlib
import json
from datetime import datetime

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
        event.occurred_at.isoformat(),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def first_broken() -> SecurityEvent | None:
    """Return the first row that does not fit the chain; None: nobody tampered with the log."""
    previous = ""
    for event in SecurityEvent.objects.order_by("id").iterator():
        if event.previous_hash != previous or event.hash != row_hash(event):
            return event
        previous = event.hash
    return None

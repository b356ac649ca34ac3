"""Answers kept for a while, so that a request sent twice with one key takes effect once.

The answer is written in the transaction of the effect: both are there, or neither. Requests that
failed had no effect and keep nothing; the client mends them and may use the key again.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone

KEPT_FOR = timedelta(days=7)


class KeptAnswer(models.Model):
    """What one request was answered. `digest` says whose, which address and which key."""

    digest = models.CharField(max_length=64, primary_key=True)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "team"
        indexes = [models.Index(fields=["created_at"], name="kept_answer_age")]

    def __str__(self) -> str:
        return f"{self.status} {self.digest[:8]}"


def request_digest(*, caller: str, method: str, path: str, key: str) -> str:
    return hashlib.sha256(f"{caller}\n{method}\n{path}\n{key}".encode()).hexdigest()


def claim_digest(digest: str) -> bool:
    """Take the right to answer until the transaction ends; False: somebody is answering right now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s)",
            [int.from_bytes(bytes.fromhex(digest[:16]), signed=True)],
        )
        return bool(cursor.fetchone()[0])


def keep_answer(
    *, digest: str, body_hash: str, status: int, headers: dict[str, Any], body: bytes, now: datetime
) -> KeptAnswer:
    """Keep an answer in the caller's transaction, in place of one that is older than KEPT_FOR."""
    answer, _ = KeptAnswer.objects.update_or_create(
        digest=digest,
        defaults={
            "body_hash": body_hash,
            "status": status,
            "headers": headers,
            "body": body,
            "created_at": now,
        },
    )
    return answer


def find_answer(digest: str, *, now: datetime) -> KeptAnswer | None:
    return KeptAnswer.objects.filter(digest=digest, created_at__gt=now - KEPT_FOR).first()


def purge_answers(*, now: datetime) -> int:
    """Forget answers older than KEPT_FOR. Returns how many."""
    deleted, _ = KeptAnswer.objects.filter(created_at__lte=now - KEPT_FOR).delete()
    return deleted

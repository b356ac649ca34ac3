"""Reads about people, keys and the security log."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Count, Max, Q, QuerySet

from team.models import ApiKey, SecurityEvent, Team, User


def users_with_activity() -> QuerySet[User]:
    """Return users with their teams and when they were last seen, active ones first."""
    return (
        User.objects.prefetch_related("teams")
        .annotate(last_seen_at=Max("usersession__last_seen_at"))
        .order_by("-is_active", "name", "email")
    )


def teams_with_counts() -> QuerySet[Team]:
    return Team.objects.annotate(user_count=Count("users", filter=Q(users__is_active=True))).order_by("name")


def api_keys() -> QuerySet[ApiKey]:
    """Return keys, live ones first."""
    return ApiKey.objects.select_related("created_by").order_by("revoked_at", "-created_at")


@dataclass(frozen=True)
class SigningIn:
    """How somebody signs in, and where they are signed in now."""

    has_password: bool
    has_second_factor: bool
    session_count: int


def signing_in_of(user: User) -> SigningIn:
    return SigningIn(
        has_password=user.has_usable_password(),
        has_second_factor=Authenticator.objects.filter(user=user).exists(),
        session_count=UserSession.objects.filter(user=user).count(),
    )


def security_events(
    *,
    kind: str = "",
    user: User | None = None,
    since: date | None = None,
    until: date | None = None,
    before: int | None = None,
) -> QuerySet[SecurityEvent]:
    """Return the log, newest first: UTC days from `since` to `until`, both included; ids below `before`."""
    rows = SecurityEvent.objects.select_related("user").order_by("-id")
    if kind:
        rows = rows.filter(kind=kind)
    if user:
        rows = rows.filter(user=user)
    if since:
        rows = rows.filter(occurred_at__gte=datetime.combine(since, time.min, UTC))
    if until:
        rows = rows.filter(occurred_at__lt=datetime.combine(until, time.min, UTC) + timedelta(days=1))
    return rows.filter(pk__lt=before) if before else rows


def security_row(event: SecurityEvent) -> list[Any]:
    """Return a row of the log as cells for an export."""
    return [
        event.pk,
        event.occurred_at.astimezone(UTC).isoformat(),
        event.kind,
        event.subject,
        event.user.email if event.user else "",
        event.ip_address or "",
        json.dumps(event.detail) if event.detail else "",
        event.hash,
    ]


def security_kinds() -> list[str]:
    return list(SecurityEvent.objects.order_by("kind").values_list("kind", flat=True).distinct())

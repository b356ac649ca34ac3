"""Reads about people, keys and the security log."""

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


def security_events(*, kind: str = "", before: int | None = None) -> QuerySet[SecurityEvent]:
    """Return the log, newest first; `before` is the id after which the page goes on."""
    rows = SecurityEvent.objects.select_related("user").order_by("-id")
    if kind:
        rows = rows.filter(kind=kind)
    return rows.filter(pk__lt=before) if before else rows


def security_kinds() -> list[str]:
    return list(SecurityEvent.objects.order_by("kind").values_list("kind", flat=True).distinct())

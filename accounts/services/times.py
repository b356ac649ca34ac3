"""When a fact counts as known, and how its event is labelled."""

from datetime import datetime

from accounts.enums import Origin


def fact_times(*, occurred_at: datetime, now: datetime, backfill: bool) -> dict[str, datetime]:
    """Return the three times of a fact; a backfill counts as known when it happened."""
    return {
        "occurred_at": occurred_at,
        "received_at": now,
        "known_at": occurred_at if backfill else now,
    }


def origin(*, backfill: bool) -> Origin:
    return Origin.BACKFILL if backfill else Origin.LIVE

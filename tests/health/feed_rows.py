"""What feeds sent, as counting leaves it behind."""

from datetime import timedelta

from django.utils import timezone

from health.models import AccountSource, FeedHour

WEEKS_HOURS = 6 * 7 * 24


def this_hour():
    """Return the beginning of the hour that runs."""
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def send(feed, *, first_hour_ago=WEEKS_HOURS, last_hour_ago=0, count=100):
    """Make a source, or a (kind, key), send `count` events in each hour of a span of past hours."""
    kind, key = feed if isinstance(feed, tuple) else ("usage", str(feed.pk))
    now = this_hour()
    FeedHour.objects.bulk_create(
        FeedHour(kind=kind, key=key, hour=now - timedelta(hours=ago), count=count)
        for ago in range(first_hour_ago, last_hour_ago, -1)
    )


def tells_about(source, account, *, days_ago=1):
    """Say that a source sent events of an account some days ago."""
    AccountSource.objects.create(
        source_id=source.pk, account_id=account.pk, last_on=timezone.now().date() - timedelta(days=days_ago)
    )

"""The work that this room does by the clock."""

from django.utils import timezone

from accounts.services.subscriptions import refresh_what_the_day_changed
from team import work


@work.handler("accounts.refresh_terms", lease_seconds=240)
def refresh_terms(payload: work.Payload) -> None:
    refresh_what_the_day_changed(now=timezone.now())

"""AccountEvent: the immutable log of what happened to a customer."""

from django.db import models
from django.utils import timezone

from accounts.enums import Origin
from accounts.models.customers import Account
from team.models import User


class AccountEvent(models.Model):
    """Written in the transaction of the change, never changed; see accounts/events.py.

    `payload` refers to the fact and holds no personal data. `position` is given by the stamper to
    committed rows, gap-free; consumers follow it.
    """

    position = models.BigIntegerField(null=True, unique=True, editable=False)
    kind = models.CharField(max_length=60)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="events")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)
    origin = models.CharField(max_length=16, choices=Origin, default=Origin.LIVE)
    payload = models.JSONField(default=dict)

    class Meta:
        ordering = ["-occurred_at", "-id"]
        indexes = [
            models.Index(fields=["account", "-occurred_at"], name="event_of_account"),
            models.Index(fields=["id"], condition=models.Q(position=None), name="event_unstamped"),
            models.Index(fields=["kind", "-occurred_at"], name="event_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.account_id}"


class EventConsumer(models.Model):
    """How far a reader of the log has come."""

    name = models.CharField(max_length=60, unique=True)
    position = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"

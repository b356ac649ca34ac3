"""Feeds of data: how much each sends, which accounts live on it, and when it stopped.

A feed is what one system sends of one kind: of usage a source, of everything else the rows with an
external id of a system. Its key is the number of the source, or the word for the system.
"""

from datetime import UTC, date

from django.db import models
from django.db.models import Q

from accounts.models import Product
from health.enums import Closing, FeedKind, Opening
from health.models.sources import Source
from team.models import User


class FeedHour(models.Model):
    """How much of a feed arrived in an hour (UTC); imports of history do not count."""

    pk = models.CompositePrimaryKey("kind", "key", "hour")
    kind = models.CharField(max_length=13, choices=FeedKind)
    key = models.CharField(max_length=60)
    hour = models.DateTimeField()
    count = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.hour}: {self.count}"


class AccountSource(models.Model):
    """The last day on which a source of usage sent an event of an account; history does not count."""

    pk = models.CompositePrimaryKey("source_id", "account_id")
    source_id = models.IntegerField()
    account_id = models.IntegerField()
    last_on = models.DateField()

    def __str__(self) -> str:
        return f"{self.account_id} from {self.source_id} until {self.last_on}"


class Incident(models.Model):
    """A feed that stopped or collapsed, from the hour `collapsed_since`; known from `opened_at` on.

    While it is open, the measures made from the feed are read as of the beginning of the day (UTC)
    on which it collapsed, for the accounts that live on it. Who reads as of T, recorded by R, sees it
    open when opened_at <= min(T, R) and it was not closed by then: nothing here is ever changed but
    that it is closed, so that a score can be replayed. Times are taken under the lock that writers
    of usage take (health/usage/moment.py).
    """

    kind = models.CharField(max_length=13, choices=FeedKind)
    key = models.CharField(max_length=60)
    name = models.CharField(max_length=100, help_text="The name of the source or system.")
    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.SET_NULL, related_name="incidents")
    product = models.ForeignKey(
        Product, null=True, blank=True, on_delete=models.PROTECT, help_text="The product whose use it reports."
    )
    collapsed_since = models.DateTimeField()
    finding = models.CharField(max_length=200, blank=True, help_text="What came instead of what.")
    opened_at = models.DateTimeField()
    opened_how = models.CharField(max_length=8, choices=Opening)
    opened_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=300, blank=True, help_text="Why a person declared it.")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_how = models.CharField(max_length=6, choices=Closing, blank=True)
    closed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    closing_reason = models.CharField(max_length=300, blank=True)
    recovered_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the volume was usual again; until then a feed that a person closed is left alone.",
    )

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], condition=Q(closed_at=None), name="incident_open_once"),
            models.CheckConstraint(
                condition=Q(collapsed_since__lte=models.F("opened_at")), name="incident_opens_after_collapse"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} since {self.collapsed_since:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def frozen_on(self) -> date:
        """The UTC day as of whose beginning measures are read."""
        return self.collapsed_since.astimezone(UTC).date()


class IncidentAccount(models.Model):
    """An account that lived on the feed when the incident was opened."""

    pk = models.CompositePrimaryKey("incident_id", "account_id")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="held")
    account_id = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["account_id"], name="incident_of_account")]

    def __str__(self) -> str:
        return f"{self.account_id} in {self.incident_id}"

"""Usage events and their roll-ups. Written by COPY in health/usage, in one transaction per chunk.

The large tables are partitioned and have plain integers for keys, without foreign keys: half of
their cost would be checking them. Migration 0001 holds their SQL, health/usage/partitions.py their
partitions.
"""

from django.db import models
from django.db.models import Q

from health.enums import ClockNote


class UsageEvent(models.Model):
    """One use of the product; weekly partitions by recorded_at. Holds no personal identifiers.

    The time the client gave is `occurred_at` minus `shift_ms`.
    """

    pk = models.CompositePrimaryKey("recorded_at", "message_hash")
    account_id = models.IntegerField()
    contact_id = models.IntegerField(help_text="0: nobody in particular.")
    event_type_id = models.IntegerField()
    source_id = models.IntegerField(help_text="0: an import.")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    shift_ms = models.IntegerField(default=0)
    clock_note = models.SmallIntegerField(choices=ClockNote, default=ClockNote.NONE)
    is_backfill = models.BooleanField(default=False)
    message_hash = models.UUIDField()
    value = models.FloatField(null=True)
    properties = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.event_type_id} at {self.occurred_at}"


class UsageDay(models.Model):
    """The roll-up: events of a contact, of one type, on one UTC day, by the day they became known.

    Monthly partitions by day. A reader as of T, recorded by R, sees rows with day < T and
    recorded_on <= R, and unless they are backfill, recorded_on < T.
    """

    pk = models.CompositePrimaryKey("account_id", "day", "event_type_id", "contact_id", "recorded_on", "is_backfill")
    account_id = models.IntegerField()
    contact_id = models.IntegerField(help_text="0: nobody in particular.")
    event_type_id = models.IntegerField()
    day = models.DateField()
    recorded_on = models.DateField()
    is_backfill = models.BooleanField()
    count = models.IntegerField()
    value = models.FloatField(default=0)

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}: {self.count}"


class SeenMessage(models.Model):
    """The messages we took, weekly partitions by the day we received them; kept at least 35 days.

    The hash covers source and message id. A partitioned table cannot be unique over all its
    partitions: the lock every writer of usage takes makes it so.
    """

    pk = models.CompositePrimaryKey("message_hash", "seen_on")
    message_hash = models.UUIDField()
    seen_on = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["message_hash"], name="seen_message_by_hash")]

    def __str__(self) -> str:
        return str(self.message_hash)


class HeldEvent(models.Model):
    """A usage event nobody knows the account of yet.

    It waits until a contact joins an account, or until an anonymous id turns out to be a contact.
    """

    contact_id = models.IntegerField(help_text="0: somebody anonymous.")
    anonymous_hash = models.UUIDField(null=True, help_text="Of system and anonymous id, for somebody anonymous.")
    event_type_id = models.IntegerField()
    source_id = models.IntegerField()
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    shift_ms = models.IntegerField(default=0)
    clock_note = models.SmallIntegerField(choices=ClockNote, default=ClockNote.NONE)
    is_backfill = models.BooleanField(default=False)
    message_hash = models.UUIDField()
    value = models.FloatField(null=True)
    properties = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["contact_id"], condition=Q(contact_id__gt=0), name="held_event_of_contact"),
            models.Index(
                fields=["anonymous_hash"], condition=Q(anonymous_hash__isnull=False), name="held_event_of_nobody"
            ),
            models.Index(fields=["received_at"], name="held_event_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type_id} at {self.occurred_at}"


class GroupCall(models.Model):
    """From when on a contact of several accounts worked in which of them."""

    contact_id = models.IntegerField()
    account_id = models.IntegerField()
    occurred_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["contact_id", "-occurred_at"], name="group_call_of_contact")]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.account_id}"


class DirtyAccount(models.Model):
    """An account whose score may be out of date: since when, and when it last was marked.

    Whoever has scored it deletes the row only if `marked_at` is still what it was.
    """

    account_id = models.IntegerField(primary_key=True)
    since = models.DateTimeField()
    marked_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["since"], name="dirty_account_by_age")]

    def __str__(self) -> str:
        return f"{self.account_id} since {self.since}"

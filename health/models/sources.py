"""Where usage events come from, what arrived, and what could not be taken."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Product
from health.enums import Dialect, EventKind, RejectionState
from team.models import User

USER_IDS = "product"


class Source(models.Model):
    """A program that sends usage events, known by its write key."""

    name = models.CharField(max_length=100, unique=True)
    write_key = models.CharField(max_length=64, unique=True)
    is_enabled = models.BooleanField(default=True)
    system = models.CharField(
        max_length=40,
        default=USER_IDS,
        help_text="Whose ids its events carry: sources that name the same users and groups alike share one word.",
    )
    product = models.ForeignKey(
        Product,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        help_text="The product whose use it reports, where you have several.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)
    accepted_count = models.BigIntegerField(default=0, editable=False)
    duplicate_count = models.BigIntegerField(default=0, editable=False)
    rejected_count = models.BigIntegerField(default=0, editable=False)
    last_event_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When its last processed event arrived."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class EventType(models.Model):
    """A kind of use, under a narrow key for the tables of events."""

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=6, choices=EventKind, default=EventKind.TRACK)
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.PROTECT)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name", "kind", "product"], name="event_type_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.name


class IngestBatch(models.Model):
    """A request body that was accepted, one durable row each; daily partitions by received_at.

    `attempts` is counted before a worker starts, so that a body that kills workers is found out.
    """

    pk = models.CompositePrimaryKey("id", "received_at")
    id = models.BigIntegerField()
    received_at = models.DateTimeField()
    source_id = models.IntegerField()
    dialect = models.CharField(max_length=8, choices=Dialect)
    call = models.CharField(
        max_length=8, blank=True, help_text="The call a single-event route stands for; empty: the body says."
    )
    is_backfill = models.BooleanField(default=False)
    body = models.BinaryField(help_text="gzip or zlib")
    event_count = models.IntegerField()
    attempts = models.SmallIntegerField(default=0)
    error = models.TextField(default="", blank=True)
    processed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(processed_at=None), name="ingest_batch_waiting")]

    def __str__(self) -> str:
        return f"Batch {self.id}"


class RejectedEvent(models.Model):
    """An event that could not be taken, with the reason; waits to be replayed or discarded."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="rejected_events")
    code = models.CharField(max_length=40)
    message = models.TextField()
    message_id = models.TextField(blank=True)
    dialect = models.CharField(max_length=8, choices=Dialect)
    call = models.CharField(max_length=8, blank=True)
    is_backfill = models.BooleanField(default=False)
    envelope = models.BinaryField(help_text="What the body said around its events, as JSON.")
    raw = models.BinaryField(help_text="The event as it came.")
    raw_hash = models.UUIDField()
    received_at = models.DateTimeField()
    occurrence_count = models.IntegerField(default=1)
    state = models.CharField(max_length=9, choices=RejectionState, default=RejectionState.OPEN)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "raw_hash"], condition=Q(state="open"), name="rejected_event_open_once"
            )
        ]
        indexes = [models.Index(fields=["state", "-id"], name="rejected_event_by_state")]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

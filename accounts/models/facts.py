"""What was said, asked and answered: activities, tickets, survey responses, sentiment."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from accounts.enums import (
    ActivityKind,
    Initiative,
    Priority,
    SentimentLevel,
    SurveyKind,
    TicketStatus,
)
from accounts.models.customers import Account, Contact
from accounts.models.subscriptions import Product
from accounts.models.times import Fact
from team.enums import Function
from team.models import User
from team.sync import LiveManager, SyncRow


class Activity(Fact, SyncRow):
    """A call, mail, meeting, chat or note. Editable; ActivityRevision keeps what it was."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="activities")
    contacts = models.ManyToManyField(Contact, blank=True, related_name="activities")
    kind = models.CharField(max_length=8, choices=ActivityKind)
    function = models.CharField(max_length=16, choices=Function, default=Function.CSM)
    initiative = models.CharField(max_length=10, choices=Initiative, blank=True)
    author = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="activities",
    )
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    source = models.CharField(
        max_length=60,
        blank=True,
        help_text="The tool it came from; empty: written here.",
    )

    objects = LiveManager["Activity"]()
    all_objects: "models.Manager[Activity]" = models.Manager()

    class Meta(SyncRow.Meta):
        ordering = ["-occurred_at", "-id"]
        indexes = [
            *SyncRow.Meta.indexes,
            models.Index(fields=["account", "-occurred_at"], name="activity_of_account"),
            BrinIndex(fields=["received_at"], name="activity_by_arrival"),
        ]

    def __str__(self) -> str:
        return self.subject or self.get_kind_display()


class LastActivity(models.Model):
    """When an account's newest activity was; a database trigger keeps it, so that lists need not search."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="last_activity")
    occurred_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["occurred_at"], name="last_activity_by_time")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.occurred_at}"


class ActivityRevision(models.Model):
    """What an activity said before an edit."""

    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="revisions")
    edited_at = models.DateTimeField(auto_now_add=True)
    editor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    initiative = models.CharField(max_length=10, blank=True)
    contact_ids = ArrayField(
        models.BigIntegerField(), null=True, blank=True, help_text="Who took part; null: that did not change."
    )

    def __str__(self) -> str:
        return f"{self.activity_id} before {self.edited_at}"


class TicketState(models.Model):
    """The state of a ticket from some time on."""

    status = models.CharField(max_length=8, choices=TicketStatus, default=TicketStatus.OPEN)
    priority = models.CharField(max_length=8, choices=Priority, default=Priority.NORMAL)
    is_escalated = models.BooleanField(default=False)

    class Meta:
        abstract = True


TICKET_STATE = ["status", "priority", "is_escalated"]


class Ticket(TicketState, Fact, SyncRow):
    """A request to support, opened at occurred_at; columns of TicketState are the current ones."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tickets")
    contact = models.ForeignKey(
        Contact,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="tickets",
    )
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.SET_NULL)
    subject = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=60, blank=True)
    url = models.URLField(max_length=500, blank=True)
    first_responded_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="When it was last solved or closed.")

    objects = LiveManager["Ticket"]()
    all_objects: "models.Manager[Ticket]" = models.Manager()

    class Meta(SyncRow.Meta):
        ordering = ["-occurred_at", "-id"]
        indexes = [
            *SyncRow.Meta.indexes,
            models.Index(fields=["account", "-occurred_at"], name="ticket_of_account"),
            models.Index(
                fields=["account"],
                include=["priority", "is_escalated", "status"],
                condition=Q(deleted_at=None, status__in=[TicketStatus.OPEN, TicketStatus.WAITING]),
                name="ticket_open",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or f"Ticket {self.pk}"


class TicketChange(TicketState, Fact):
    """The state from occurred_at on, and whether that change was our first response."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="changes")
    is_first_response = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["ticket", "occurred_at"], name="change_of_ticket"),
            BrinIndex(fields=["received_at"], name="ticket_change_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.status}"


class SurveyResponse(Fact, SyncRow):
    """An answer to an NPS (0–10), CSAT (1–5), CES (1–7) or indispensability (1–5) question."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="survey_responses")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL)
    kind = models.CharField(max_length=16, choices=SurveyKind)
    score = models.PositiveSmallIntegerField()
    comment = models.TextField(blank=True)
    source = models.CharField(max_length=60, blank=True)

    objects = LiveManager["SurveyResponse"]()
    all_objects: "models.Manager[SurveyResponse]" = models.Manager()

    class Meta(SyncRow.Meta):
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="nps", score__lte=10)
                | Q(kind="csat", score__gte=1, score__lte=5)
                | Q(kind="ces", score__gte=1, score__lte=7)
                | Q(kind="indispensable", score__gte=1, score__lte=5),
                name="survey_score_in_range",
            )
        ]
        indexes = [
            *SyncRow.Meta.indexes,
            models.Index(fields=["account", "-occurred_at"], name="response_of_account"),
            BrinIndex(fields=["received_at"], name="response_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.score}"


class Sentiment(Fact):
    """The CSM's own judgement, from occurred_at on."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sentiments")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    level = models.PositiveSmallIntegerField(choices=SentimentLevel)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-occurred_at", "-id"]
        indexes = [models.Index(fields=["account", "-occurred_at"], name="sentiment_of_account")]

    def __str__(self) -> str:
        return self.get_level_display()

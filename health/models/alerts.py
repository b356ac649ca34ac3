"""Alert rules with their history, alerts, mutes, and how many a person takes in a day."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account
from health.enums import AlertKind, AlertState, CloseReason
from team.models import User
from team.sync import LiveManager, SyncRow


class AlertRule(SyncRow):
    """When an account needs somebody. What it said earlier is in `versions`; deleted rules stay as tombstones."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=11, choices=AlertKind, default=AlertKind.RISK)
    enter = models.JSONField(help_text="The condition over accounts that raises it.")
    leave = models.JSONField(null=True, blank=True, help_text="The condition that ends it; null: `enter` is not so.")
    hold_days = models.PositiveSmallIntegerField(default=0, help_text="How long it must be so before it is raised.")
    cooldown_days = models.PositiveSmallIntegerField(
        default=0, help_text="How long after one has ended no other is raised for the account."
    )
    minimum_confidence = models.PositiveSmallIntegerField(
        default=0, help_text="Percent of confidence that the health score must have; 0: any, or no score."
    )
    guidance = models.TextField(blank=True, help_text="What to do.")
    position = models.PositiveSmallIntegerField(default=0)
    is_live = models.BooleanField(default=True)
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="alert_rules")
    number = models.PositiveIntegerField(default=0, help_text="The version in force.")
    evaluated_at = models.DateTimeField(help_text="When everybody was last looked at; what is older is no news.")

    objects = LiveManager["AlertRule"]()
    all_objects: "models.Manager[AlertRule]" = models.Manager()

    class Meta(SyncRow.Meta):
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(deleted_at=None), name="alert_rule_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class AlertRuleVersion(models.Model):
    """What a rule said from a change on, and who changed it. Never changed itself."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    config = models.JSONField()
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="alert_rule_version_once")]

    def __str__(self) -> str:
        return f"{self.rule} v{self.number}"


class Alert(SyncRow):
    """An account that came to match a rule. While `left_at` is null it is inside: the row is the rule's memory.

    `evidence` is frozen when it is raised: {"lines": [{"text", "contacts": [ids]}], "values": {…}}. No names.
    A row is raised (`raised_at`) at most once; a closed one that is still inside is not raised again.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="alerts")
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts")
    rule_version = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=AlertState)
    entered_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="From when on a waiting one may be raised.")
    raised_at = models.DateTimeField(null=True, blank=True)
    evidence = models.JSONField(default=dict)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    snoozed_until = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    close_reason = models.CharField(max_length=8, choices=CloseReason, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    is_useful = models.BooleanField(null=True, help_text="What a CSM says about it; null: nothing yet.")
    verdict_note = models.CharField(max_length=500, blank=True)
    verdict_at = models.DateTimeField(null=True, blank=True)
    verdict_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = LiveManager["Alert"]()
    all_objects: "models.Manager[Alert]" = models.Manager()

    class Meta(SyncRow.Meta):
        ordering = ["-raised_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "account"], condition=Q(left_at=None), name="alert_inside_once"),
            models.CheckConstraint(
                condition=Q(state=AlertState.CLOSED, closed_at__isnull=False)
                | (~Q(state=AlertState.CLOSED) & Q(closed_at=None, left_at=None)),
                name="alert_closed_or_inside",
            ),
        ]
        indexes = [
            *SyncRow.Meta.indexes,
            models.Index(fields=["account"], condition=Q(state=AlertState.OPEN), name="alert_open"),
            models.Index(fields=["rule", "account", "-closed_at"], name="alert_of_rule"),
            models.Index(fields=["account", "-raised_at"], name="alert_of_account"),
            models.Index(fields=["closed_at"], name="alert_closed"),
            models.Index(fields=["acknowledged_at"], name="alert_acknowledged"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} at {self.account_id}"


class AlertMute(models.Model):
    """No alert of a rule for an account until a time; what matches then is raised then."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="mutes")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="alert_mutes")
    until = models.DateTimeField()
    reason = models.CharField(max_length=200)
    muted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    muted_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["until", "id"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "account"], condition=Q(ended_at=None), name="alert_mute_once")
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} at {self.account_id} until {self.until:%Y-%m-%d}"


class AlertBudget(models.Model):
    """How many accounts a day alerts may ask a CSM to look at; the row without a user is everybody else's."""

    user = models.OneToOneField(User, null=True, blank=True, on_delete=models.CASCADE, related_name="alert_budget")
    accounts_per_day = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("user", nulls_distinct=False, name="alert_budget_once")]

    def __str__(self) -> str:
        return f"{self.user or 'everybody'}: {self.accounts_per_day}"

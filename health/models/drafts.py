"""Scorecards that are being edited; nobody is scored by them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from health.enums import ScoreKind
from health.models.scores import Scorecard, ScorecardVersion
from team.models import User


class ScorecardDraft(models.Model):
    """A configuration on its way to being a version of `scorecard`, or (None) a new scorecard's first.

    `config` is a version's plain form with an `id` in every part (health/drafts.py); it may be
    invalid while it is edited. `undo` is the config before the last change that took something away.
    """

    scorecard = models.ForeignKey(Scorecard, null=True, blank=True, on_delete=models.CASCADE, related_name="drafts")
    based_on = models.ForeignKey(ScorecardVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=9, choices=ScoreKind, default=ScoreKind.HEALTH)
    config = models.JSONField()
    undo = models.JSONField(null=True, blank=True)
    pinned_ids = ArrayField(models.IntegerField(), default=list, help_text="Accounts whose score the preview explains.")
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-updated_at", "-pk"]

    def __str__(self) -> str:
        return self.name

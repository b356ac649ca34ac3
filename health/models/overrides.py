"""Scores that a person set in the place of the computed one."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from health.models.scores import Scorecard
from team.models import User
from team.sync import SyncRow


class ScoreOverride(SyncRow):
    """A score shown instead of the computed one from made_at until it expires or is ended.

    A score as of T, recorded by R, is overridden when the row held at the earlier of the two; rows
    are never changed but that they end, so that a score can be replayed. For readers of the API one
    that has ended is a tombstone.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="score_overrides")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.CASCADE, related_name="overrides")
    score = models.DecimalField(max_digits=5, decimal_places=2, help_text="0–100.")
    computed = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, help_text="The computed score when it was made; null: none."
    )
    reason = models.CharField(max_length=500)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="score_overrides")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(SyncRow.Meta):
        indexes = [*SyncRow.Meta.indexes, models.Index(fields=["scorecard", "account"], name="override_of_account")]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "scorecard"], condition=Q(ended_at=None), name="override_current_once"
            ),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=100), name="override_score_in_range"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="override_expires_later"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.score} instead of {self.computed}"

    @property
    def moved(self) -> Decimal | None:
        """By how much it differed from the computed score when it was made; None: that was unknown."""
        return None if self.computed is None else self.score - self.computed

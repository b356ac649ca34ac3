"""Backtests of scorecards over stored history, and what was learned from it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from health.enums import BacktestState
from health.models.scores import Scorecard
from team.models import User


class Backtest(models.Model):
    """A question to the past: would these configurations have told who would churn?

    `contenders`: a list of {"key", "label", "config", "hash", "version_id"}: what is
    judged, as it was when asked. `rule`: a ChurnRule. `dates` and `training_dates`: ISO dates.
    `capacity`: how many accounts the team can look after per date. `result`: see services/backtests.py.
    """

    scorecard = models.ForeignKey(Scorecard, null=True, blank=True, on_delete=models.CASCADE, related_name="backtests")
    name = models.CharField(max_length=120)
    contenders = models.JSONField()
    rule = models.JSONField()
    dates = models.JSONField()
    training_dates = models.JSONField(default=list, blank=True, help_text="Where it learns; empty: it does not.")
    capacity = models.PositiveIntegerField(help_text="How many accounts the team can look after per date.")
    state = models.CharField(max_length=9, choices=BacktestState, default=BacktestState.WAITING)
    failures = models.PositiveSmallIntegerField(default=0)
    message = models.CharField(max_length=500, blank=True, help_text="Why it failed.")
    result = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_over(self) -> bool:
        return BacktestState(self.state).is_over

    @property
    def all_dates(self) -> list[str]:
        return sorted({*self.dates, *self.training_dates})


class BacktestDay(models.Model):
    """What was read as of one date; whoever goes on after a crash begins with the dates that have none.

    `rows` is numpy's npz of the arrays that health/backtest_days.py describes.
    """

    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="days")
    as_of = models.DateField()
    recorded_by = models.DateTimeField()
    unknown_count = models.IntegerField(help_text="Accounts whose outcome is not known yet.")
    rows = models.BinaryField()

    class Meta:
        ordering = ["as_of"]
        constraints = [models.UniqueConstraint(fields=["backtest", "as_of"], name="backtest_day_once")]

    def __str__(self) -> str:
        return f"{self.backtest_id} as of {self.as_of}"


class LearnedModel(models.Model):
    """A chance of churn learned from a backtest's earlier dates: plain numbers, see health/learning.py.

    `config` is the configuration whose measures it reads. Where it is in force it ranks accounts
    that are scored by a version with the same measures.
    """

    scorecard = models.ForeignKey(Scorecard, null=True, blank=True, on_delete=models.CASCADE, related_name="models")
    backtest = models.OneToOneField(Backtest, on_delete=models.CASCADE, related_name="learned")
    config = models.JSONField()
    measures_hash = models.CharField(max_length=64)
    model = models.JSONField()
    shares = models.JSONField(help_text="The share of the weight that each measure earned.")
    is_usable = models.BooleanField(help_text="It ranked later accounts better than chance.")
    created_at = models.DateTimeField(default=timezone.now)
    is_in_force = models.BooleanField(default=False)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["scorecard"], condition=Q(is_in_force=True), name="learned_model_in_force_once"
            ),
            models.CheckConstraint(
                condition=Q(is_in_force=False) | Q(is_usable=True), name="learned_model_in_force_usable"
            ),
        ]

    def __str__(self) -> str:
        return f"Learned from {self.backtest}"

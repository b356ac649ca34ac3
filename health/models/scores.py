"""Scorecards with their versions, and the scores they gave."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import Account
from health.enums import ScoreKind
from health.scorecards import Band, Card, read_card
from team.models import User
from team.sync import LiveManager, SyncRow

BANDS = [(band.value, band.label) for band in Band]


class ScorecardQuerySet(models.QuerySet["Scorecard"]):
    def live(self) -> "ScorecardQuerySet":
        """Scorecards that are computed, the most important first."""
        return self.filter(is_live=True).exclude(version=None).select_related("version")

    def current(self) -> "ScorecardQuerySet":
        """All but those that were put away."""
        return self.filter(archived_at=None)


class Scorecard(models.Model):
    """What accounts are measured by. Its versions never change; `version` is the one in force."""

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=9, choices=ScoreKind, default=ScoreKind.HEALTH)
    is_live = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(
        default=0, help_text="Where several of a kind apply to an account, the lowest is its main one."
    )
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="scorecards")
    version = models.ForeignKey(
        "ScorecardVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="in_force_for"
    )
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Put away: not live, not in lists.")

    objects = ScorecardQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class ScorecardVersion(models.Model):
    """A published configuration. A database trigger refuses to change or delete it."""

    scorecard = models.ForeignKey(Scorecard, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    config = models.JSONField()
    hash = models.CharField(max_length=64)
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT)
    name = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=500, blank=True, help_text="Why it was published.")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["scorecard", "number"], name="scorecard_version_once")]

    def __str__(self) -> str:
        return f"{self.scorecard} v{self.number}"

    @property
    def applies_to(self) -> dict[str, Any] | None:
        """The condition over accounts; None: all."""
        condition: dict[str, Any] | None = self.config.get("applies_to")
        return condition

    def card(self) -> Card:
        return read_card(self.config)


class ScoreSnapshot(models.Model):
    """A score as it was computed, with all that went into it; monthly partitions by as_of.

    It counts what happened before the UTC day `as_of` and was recorded by `recorded_by`. The arrays
    are in the order of the version's measures, then its limits: `value` canonical (NaN: unknown),
    `fresh` the minute of the newest input since 1970 (-1: none), `points` in hundredths (-1: unknown
    or too old; of a limit 10000: it fired, 0: not), `contribution` in hundredths. `score` is in
    hundredths too (-1: no score); where somebody set another in its place (`override`, -1: nobody
    did), it is that one, and everything else stays what was computed.

    The revision of the day that is still running gives way to the next one unless the band changed
    with it; a later computation of a past day is a further revision. `hash` covers everything but
    recorded_by and revision: the same hash is the same result.
    """

    pk = models.CompositePrimaryKey("account_id", "scorecard_id", "as_of", "revision")
    account_id = models.IntegerField()
    scorecard_id = models.IntegerField()
    version_id = models.IntegerField()
    as_of = models.DateField()
    recorded_by = models.DateTimeField()
    revision = models.SmallIntegerField()
    score = models.SmallIntegerField()
    band = models.SmallIntegerField(choices=BANDS)
    confidence = models.SmallIntegerField(help_text="Percent of the weight with fresh data.")
    is_band_change = models.BooleanField()
    value = ArrayField(models.FloatField())
    fresh = ArrayField(models.IntegerField())
    points = ArrayField(models.SmallIntegerField())
    contribution = ArrayField(models.SmallIntegerField())
    override = models.SmallIntegerField(default=-1, db_default=-1)
    children = models.JSONField(
        null=True,
        help_text="What a parent's score was made from (rollup.Child.as_list); null: its own measures.",
    )
    hash = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.account_id} as of {self.as_of}: {self.score}"


class CurrentScore(SyncRow):
    """The newest score of an account by a scorecard, for lists and the API.

    Its version and change position move only when something a reader cares about changes, not each
    time it is computed.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="scores")
    scorecard = models.ForeignKey(Scorecard, on_delete=models.CASCADE, related_name="current_scores")
    version = models.ForeignKey(ScorecardVersion, on_delete=models.PROTECT, related_name="+")
    main_of = models.CharField(
        max_length=9,
        choices=ScoreKind,
        null=True,
        help_text="The kind of score it is for the account where one of a kind is shown; null: another one is.",
    )
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True, help_text="0–100; null: no score.")
    band = models.SmallIntegerField(choices=BANDS)
    confidence = models.SmallIntegerField(help_text="Percent of the weight with fresh data.")
    previous_score = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, help_text="The score 30 days before; null: none."
    )
    band_changed_at = models.DateTimeField(help_text="Since when it has been in this band.")
    is_overridden = models.BooleanField(
        default=False, db_default=False, help_text="Somebody set it in the place of the computed one."
    )
    as_of = models.DateField(help_text="The first UTC day that is not counted.")
    recorded_by = models.DateTimeField(help_text="What was recorded later is not counted.")
    revision = models.SmallIntegerField()
    hash = models.BinaryField()

    objects = LiveManager["CurrentScore"]()
    all_objects: "models.Manager[CurrentScore]" = models.Manager()

    class Meta(SyncRow.Meta):
        constraints = [
            models.UniqueConstraint(fields=["account", "scorecard"], name="current_score_once"),
            models.UniqueConstraint(fields=["account", "main_of"], name="main_score_once"),
        ]
        indexes = [
            *SyncRow.Meta.indexes,
            models.Index(fields=["scorecard", "band", "score", "account"], name="current_score_by_band"),
            models.Index(fields=["scorecard", "score", "account"], name="current_score_by_score"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.score}"

    @property
    def band_word(self) -> str:
        return Band(self.band).word

    @property
    def is_main(self) -> bool:
        """Whether it is shown where one score of its kind is."""
        return self.main_of is not None

    @property
    def delta(self) -> float | None:
        """The change of the score in 30 days; None when one of the two is unknown."""
        if self.score is None or self.previous_score is None:
            return None
        return float(self.score - self.previous_score)

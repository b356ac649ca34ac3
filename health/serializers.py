"""How scores look in the API."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from health.enums import ScoreKind
from health.models import ScoreSnapshot
from health.scorecards import Band, Comparison, Effect
from team.api.examples import STAMPS, sent, shown
from team.api.fields import Id, Moment, StrictSerializer
from team.serializers import SyncReader

BAND_WORDS = [band.word for band in Band]
CAUSES = ["configuration", "late_data", "decay", "override", "behaviour"]
POINTS = {"type": ["string", "null"], "format": "decimal", "examples": ["62.50"]}


class BandField(serializers.ChoiceField):
    """A band by its word."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=BAND_WORDS, **kwargs)

    def to_representation(self, value: int) -> str:  # type: ignore[override]
        return Band(value).word


class ScorecardReader(serializers.Serializer):
    id = Id(source="pk")
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ScoreKind.choices)


@extend_schema_field(POINTS)
class Points(serializers.Field):
    """Points from 0 to 100 as decimal text; null: no score."""

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


@shown(
    **STAMPS,
    account="1042",
    scorecard={"id": "1", "name": "Customer health", "kind": "health"},
    scorecard_version=3,
    is_main=True,
    score="38.25",
    previous_score="55.00",
    band="red",
    band_changed_at="2026-11-20T02:00:00.000000Z",
    confidence=84,
    is_overridden=False,
    as_of="2026-11-25",
    recorded_by="2026-11-24T09:30:00.000000Z",
)
class HealthScoreReader(SyncReader):
    """The newest score of an account by a scorecard."""

    account = Id(source="account_id", read_only=True)
    scorecard = ScorecardReader(read_only=True)
    scorecard_version = serializers.IntegerField(source="version.number", read_only=True)
    is_main = serializers.BooleanField(read_only=True, help_text="Whether it is shown where one score of its kind is.")
    score = Points(read_only=True, allow_null=True, help_text="0 to 100; null: too little is known.")
    previous_score = Points(read_only=True, allow_null=True, help_text="The score 30 days before.")
    band = BandField(read_only=True)
    band_changed_at = Moment(read_only=True, help_text="Since when it has been in this band.")
    confidence = serializers.IntegerField(read_only=True, help_text="Percent of the weight with fresh data.")
    is_overridden = serializers.BooleanField(read_only=True, help_text="Whether somebody set it by hand.")
    as_of = serializers.DateField(read_only=True, help_text="The first UTC day that is not counted.")
    recorded_by = Moment(read_only=True, help_text="What was recorded later is not counted.")


@shown(
    scorecard="1",
    as_of="2026-11-25",
    revision=1,
    score="38.25",
    band="red",
    confidence=84,
    is_band_change=True,
    is_overridden=False,
    recorded_by="2026-11-24T09:30:00.000000Z",
)
class ScoreSnapshotReader(serializers.Serializer):
    """A score as it was computed; a later revision of a day stands beside the earlier."""

    scorecard = Id(source="scorecard_id")
    as_of = serializers.DateField()
    revision = serializers.IntegerField()
    score = serializers.SerializerMethodField()
    band = BandField()
    confidence = serializers.IntegerField()
    is_band_change = serializers.BooleanField()
    is_overridden = serializers.SerializerMethodField(help_text="Whether somebody set it by hand.")
    recorded_by = Moment()

    def get_is_overridden(self, snapshot: ScoreSnapshot) -> bool:
        return snapshot.override >= 0

    @extend_schema_field(POINTS)
    def get_score(self, snapshot: ScoreSnapshot) -> str | None:
        return None if snapshot.score < 0 else f"{Decimal(snapshot.score) / 100:.2f}"


class ReceiptScorecardReader(serializers.Serializer):
    id = Id()
    name = serializers.CharField()


class ReceiptVersionReader(serializers.Serializer):
    id = Id()
    number = serializers.IntegerField()
    hash = serializers.CharField()
    config = serializers.JSONField(help_text="The configuration: groups, measures, curves and weights.")


class ReceiptMeasureReader(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    groups = serializers.ListField(child=serializers.CharField(), help_text="The groups it stands in, outermost first.")
    metric = serializers.CharField()
    params = serializers.JSONField()
    scope = serializers.JSONField(required=False, help_text="Whose facts count, unless all of the account.")
    unit = serializers.CharField()
    value = serializers.FloatField(allow_null=True, help_text="What was measured; null: unknown.")
    fresh_at = serializers.DateTimeField(allow_null=True, help_text="The newest fact that went in.")
    frozen_as_of = serializers.DateField(
        allow_null=True,
        help_text="The UTC day before which it was read, because its data had stopped; null: it was not.",
    )
    frozen_because = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=["known", "stale", "missing"])
    curve = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    points = serializers.FloatField(allow_null=True, help_text="0 to 100, from the curve.")
    nominal_share = serializers.FloatField(help_text="Its share of the weight, 0 to 1.")
    share = serializers.FloatField(help_text="The same after the weight of what is unknown was given away.")
    contribution = serializers.FloatField(help_text="Points by which it moves the score from the baseline.")


class ReceiptLimitReader(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    metric = serializers.CharField()
    params = serializers.JSONField()
    scope = serializers.JSONField(required=False, help_text="Whose facts count.")
    unit = serializers.CharField()
    threshold = serializers.FloatField()
    then = serializers.ChoiceField(choices=[str(effect) for effect in Effect])
    held_at = serializers.FloatField(help_text="The score at which it holds.")
    value = serializers.FloatField(allow_null=True, help_text="What was measured; null: unknown, it does not fire.")
    fresh_at = serializers.DateTimeField(allow_null=True, help_text="The newest fact that went in.")
    frozen_as_of = serializers.DateField(
        allow_null=True,
        help_text="The UTC day before which it was read, because its data had stopped; null: it was not.",
    )
    frozen_because = serializers.CharField(allow_null=True)
    is_fired = serializers.BooleanField(allow_null=True)
    contribution = serializers.FloatField(help_text="Points by which it moved the score.")

    def get_fields(self) -> dict[str, serializers.Field]:
        """`is` is a word of Python, so that it cannot be declared."""
        comparison = serializers.ChoiceField(choices=[str(test) for test in Comparison])
        return {**super().get_fields(), "is": comparison}


class ReceiptOverrideReader(serializers.Serializer):
    score = serializers.CharField()
    contribution = serializers.FloatField(help_text="Points by which it moves the computed score.")
    reason = serializers.CharField(allow_null=True)
    made_by = Id(allow_null=True)
    made_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


@shown(
    **STAMPS,
    account="1042",
    scorecard="1",
    score="80.00",
    computed="38.25",
    reason="The new owner signed the renewal yesterday.",
    made_by="7",
    made_at="2026-11-20T09:30:00.000000Z",
    expires_at="2026-12-20T00:00:00.000000Z",
    ended_at=None,
    ended_by=None,
)
class ScoreOverrideReader(SyncReader):
    """A score that somebody set in the place of the computed one."""

    account = Id(source="account_id", read_only=True)
    scorecard = Id(source="scorecard_id", read_only=True)
    score = Points(read_only=True)
    computed = Points(read_only=True, help_text="The computed score when it was set.")
    reason = serializers.CharField(read_only=True)
    made_by = Id(source="made_by_id", read_only=True, allow_null=True)
    made_at = Moment(read_only=True)
    expires_at = Moment(read_only=True)
    ended_at = Moment(read_only=True, allow_null=True)
    ended_by = Id(source="ended_by_id", read_only=True, allow_null=True)


@sent(
    account="1042",
    scorecard="1",
    score="80.00",
    reason="The new owner signed the renewal yesterday.",
    expires_at="2026-12-20T00:00:00.000000Z",
)
class ScoreOverrideWriter(StrictSerializer):
    account = Id()
    scorecard = Id()
    score = serializers.DecimalField(max_digits=5, decimal_places=2, min_value=0, max_value=100)
    reason = serializers.CharField(max_length=500)
    expires_at = Moment()


class ReceiptChildReader(serializers.Serializer):
    account = Id()
    score = serializers.CharField(allow_null=True, help_text="null: it had none and was left out.")
    confidence = serializers.IntegerField()
    weight = serializers.FloatField(allow_null=True, help_text="Its ARR, or 1 for all; null: unknown, left out.")
    contribution = serializers.FloatField(help_text="Points by which it moves the parent's score from the baseline.")
    is_responsible = serializers.BooleanField(help_text="Whether it costs the parent most.")


class ReceiptReader(serializers.Serializer):
    """How a score came about, to the last input: enough to compute it again."""

    account = Id()
    scorecard = ReceiptScorecardReader()
    version = ReceiptVersionReader()
    as_of = serializers.DateField(help_text="The first UTC day that is not counted.")
    recorded_by = serializers.DateTimeField(help_text="What was recorded later is not counted.")
    revision = serializers.IntegerField()
    baseline = serializers.IntegerField(help_text="Where a score starts; contributions add up from here.")
    score = serializers.CharField(allow_null=True)
    band = serializers.ChoiceField(choices=BAND_WORDS)
    confidence = serializers.IntegerField()
    measures = ReceiptMeasureReader(many=True)
    limits = ReceiptLimitReader(many=True, help_text="Caps, floors and vetoes, after the measures.")
    children = ReceiptChildReader(
        many=True, help_text="The accounts below that the score was made from, in the place of its own measures."
    )
    computed = serializers.CharField(allow_null=True, help_text="The score without an override.")
    override = ReceiptOverrideReader(allow_null=True, help_text="What somebody set in its place.")
    hash = serializers.CharField(help_text="SHA-256 of the version and all that went in and came out.")


class ScoreChangeEndReader(serializers.Serializer):
    as_of = serializers.DateField()
    score = serializers.FloatField(allow_null=True)
    scorecard_version = serializers.IntegerField()


class ScoreChangePartReader(serializers.Serializer):
    key = serializers.CharField(help_text="Of the measure or limit.")
    label = serializers.CharField()  # type: ignore[assignment]
    points = serializers.FloatField()


class ScoreChangeCauseReader(serializers.Serializer):
    cause = serializers.ChoiceField(choices=CAUSES)
    points = serializers.FloatField()
    text = serializers.CharField()
    parts = ScoreChangePartReader(many=True)


class ScoreChangeReader(serializers.Serializer):
    """Why a score changed: the points of the causes sum to the change exactly."""

    to = ScoreChangeEndReader()
    change = serializers.FloatField(help_text="A day without a score counts as 50.")
    causes = ScoreChangeCauseReader(many=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python, so that it cannot be declared."""
        return {"from": ScoreChangeEndReader(), **super().get_fields()}

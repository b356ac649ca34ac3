"""How scorecards, their versions and drafts look in the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from health.draft_problems import problems_of
from health.drafts import from_draft
from health.enums import ScoreKind
from health.models import ScorecardDraft
from health.previews import Preview, Standing
from health.serializers import BAND_WORDS
from team.api.examples import sent, shown
from team.api.fields import Choice, Id, Moment, StrictSerializer, Text

CONFIG = {
    "bands": {"green": 70, "yellow": 40},
    "minimum_confidence": 40,
    "children": [
        {
            "key": "active_days",
            "label": "Active days",
            "weight": 1,
            "metric": "active_days",
            "params": {"days": 28},
            "curve": [[0, 0], [20, 100]],
            "missing": "redistribute",
        }
    ],
}
CONFIG_HELP = "Groups, measures, limits, bands and whom it applies to; docs/health.md has the format."


@shown(
    id="1",
    name="Health",
    kind="health",
    is_live=True,
    position=1,
    owner="7",
    version=3,
    created_at="2026-11-24T09:30:00.000000Z",
    archived_at=None,
)
class ScorecardInFullReader(serializers.Serializer):
    """What accounts are measured by. Of several health scorecards the first gives an account its main score."""

    id = Id(source="pk")
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ScoreKind.choices)
    is_live = serializers.BooleanField(help_text="Whether it scores.")
    position = serializers.IntegerField(help_text="Its place in the order.")
    owner = Id(source="owner_id", allow_null=True, help_text="Who answers for it.")
    version = serializers.IntegerField(source="version.number", default=None, help_text="The version in force.")
    created_at = Moment()
    archived_at = Moment(allow_null=True, help_text="When it was put away.")


@sent(name="Customer health", is_live=True)
class ScorecardWriter(StrictSerializer):
    """Fields left out stay as they are."""

    name = Text(required=False, nullable=False, max_length=80)
    owner = Id(required=False, allow_null=True, help_text="A user; null: nobody.")
    is_live = serializers.BooleanField(required=False)
    is_archived = serializers.BooleanField(required=False, help_text="Put away (it stops scoring), or take back.")


@shown(
    id="12",
    scorecard="1",
    number=3,
    name="Spring review",
    reason="Less weight on NPS",
    hash="0f3a…",
    published_at="2026-11-24T09:30:00.000000Z",
    published_by="7",
    config=CONFIG,
)
class ScorecardVersionReader(serializers.Serializer):
    """A published configuration, which never changes."""

    id = Id(source="pk")
    scorecard = Id(source="scorecard_id")
    number = serializers.IntegerField()
    name = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(source="note", allow_blank=True)
    hash = serializers.CharField(help_text="SHA-256 of the configuration: equal ones say the same.")
    published_at = Moment()
    published_by = Id(source="published_by_id", allow_null=True)
    config = serializers.JSONField(help_text=CONFIG_HELP)


@sent(version=2)
class RollBackWriter(StrictSerializer):
    version = serializers.IntegerField(min_value=1, help_text="Number of the version to go back to.")


class DraftProblemReader(serializers.Serializer):
    part = serializers.CharField(source="label", help_text="Which group, measure or limit; empty: the whole.")
    field = serializers.CharField(help_text="Which of its fields, where one is to blame.")
    message = serializers.CharField(help_text="What is wrong and how to mend it.")


@shown(
    id="4",
    scorecard="1",
    name="Health",
    kind="health",
    based_on=3,
    config=CONFIG,
    problems=[],
    created_at="2026-11-24T09:30:00.000000Z",
    updated_at="2026-11-24T09:31:00.000000Z",
)
class ScorecardDraftReader(serializers.Serializer):
    """A configuration that is being edited. It may have problems; then it cannot be published yet."""

    id = Id(source="pk")
    scorecard = Id(source="scorecard_id", allow_null=True, help_text="Null: it will be a new scorecard.")
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ScoreKind.choices)
    based_on = serializers.IntegerField(source="based_on.number", default=None, help_text="Number of a version.")
    config = serializers.SerializerMethodField(help_text=CONFIG_HELP)
    problems = serializers.SerializerMethodField(help_text="What to mend before it can be published.")
    created_at = Moment()
    updated_at = Moment()

    @extend_schema_field(serializers.JSONField())
    def get_config(self, draft: ScorecardDraft) -> dict[str, Any]:
        return from_draft(draft.config)

    @extend_schema_field(DraftProblemReader(many=True))
    def get_problems(self, draft: ScorecardDraft) -> Any:
        return DraftProblemReader(problems_of(draft.config), many=True).data


@sent(scorecard="1", config=CONFIG)
class ScorecardDraftWriter(StrictSerializer):
    """Of a scorecard (`scorecard`, perhaps an old `version`), or of a new one (`name` and `kind`)."""

    scorecard = Id(required=False, help_text="Only when it is created.")
    version = serializers.IntegerField(required=False, min_value=1, help_text="Begin from this version of it.")
    name = Text(required=False, nullable=False, max_length=80, help_text="Of the scorecard to come.")
    kind = Choice(ScoreKind, help_text="Only when it is created.")
    config = serializers.JSONField(required=False, help_text=CONFIG_HELP)


@sent(name="Spring review", reason="Less weight on NPS")
class PublishWriter(StrictSerializer):
    name = Text(required=True, nullable=False, max_length=80, help_text="What the version is called.")
    reason = Text(required=True, nullable=False, max_length=500, help_text="Why; it stays with the version.")


class StandingReader(serializers.Serializer):
    score = serializers.FloatField(allow_null=True)
    band = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=BAND_WORDS))
    def get_band(self, standing: Standing) -> str:
        return standing.band.word


class BandMoveReader(serializers.Serializer):
    account = Id(source="account_id")
    name = serializers.CharField()
    before = StandingReader(allow_null=True, help_text="Null: it is not scored.")
    after = StandingReader(allow_null=True)


class PreviewReader(serializers.Serializer):
    """What publishing a draft would change, computed now from the same facts for both."""

    accounts = serializers.IntegerField(source="sample.total", help_text="How many there are.")
    looked_at = serializers.IntegerField(source="sample.size", help_text="How many were computed: all, or a sample.")
    before = serializers.SerializerMethodField(help_text="Accounts by band now; null for a new scorecard.")
    after = serializers.SerializerMethodField(help_text="Accounts by band with the draft.")
    changes = BandMoveReader(source="moves", many=True, help_text="Accounts whose band would change.")
    consequences = serializers.SerializerMethodField(help_text="What it would set off.")

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": {"type": "integer"}})
    def get_before(self, found: Preview) -> dict[str, int] | None:
        return found.before.counts if found.before else None

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_after(self, found: Preview) -> dict[str, int]:
        return found.after.counts

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_consequences(self, found: Preview) -> list[str]:
        return [each.text for each in found.consequences]

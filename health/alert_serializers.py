"""How alerts and their rules look in the API, and what may be written."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.serializers.rows import UserRef
from health.enums import AlertKind, AlertState, CloseReason
from health.models import Alert
from team.api.examples import STAMPS, sent, shown
from team.api.fields import BlankAsNull, Choice, Flag, Id, Moment, StrictSerializer, Text, Whole
from team.serializers import SyncReader

# What was never raised is nobody's business outside.
SHOWN_STATES = [each for each in AlertState if each != AlertState.WAITING]
TREE = {
    "type": "object",
    "description": "A condition over accounts: see docs/conditions.md.",
    "additionalProperties": True,
}


class RuleOfAlertReader(serializers.Serializer):
    id = Id(source="pk")
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=AlertKind.choices)
    guidance = BlankAsNull(help_text="What to do.")


class EvidenceValuesReader(serializers.Serializer):
    score = serializers.FloatField(allow_null=True)
    band = serializers.CharField()
    confidence = serializers.IntegerField(allow_null=True)
    arr = serializers.CharField(allow_null=True)
    renews_on = serializers.DateField(allow_null=True)


@shown(
    **STAMPS,
    account="1042",
    rule={"id": "2", "name": "Turned red", "kind": "risk", "guidance": "Ask inside first."},
    rule_version=1,
    state="open",
    entered_at="2026-11-23T01:00:00.000000Z",
    raised_at="2026-11-24T01:00:00.000000Z",
    evidence=["Health band is At risk: it is At risk"],
    values={"score": 31.5, "band": "red", "confidence": 84, "arr": "24000.00", "renews_on": "2027-02-01"},
    acknowledged_at=None,
    acknowledged_by=None,
    snoozed_until=None,
    closed_at=None,
    closed_by=None,
    close_reason=None,
    is_useful=None,
    verdict_note=None,
)
class AlertReader(SyncReader):
    """An account that came to match a rule, and what became of it."""

    account = Id(source="account_id", read_only=True)
    rule = RuleOfAlertReader(read_only=True)
    rule_version = serializers.IntegerField(read_only=True)
    state = serializers.ChoiceField(
        choices=[(each.value, each.label) for each in SHOWN_STATES],
        read_only=True,
        help_text="standing: it matches, but came to by no news, and was not raised.",
    )
    entered_at = Moment(read_only=True, help_text="Since when it has matched.")
    raised_at = Moment(read_only=True, allow_null=True)
    evidence = serializers.SerializerMethodField()
    values = serializers.SerializerMethodField()
    acknowledged_at = Moment(read_only=True, allow_null=True)
    acknowledged_by = Id(source="acknowledged_by_id", read_only=True, allow_null=True)
    snoozed_until = Moment(read_only=True, allow_null=True)
    closed_at = Moment(read_only=True, allow_null=True)
    closed_by = Id(source="closed_by_id", read_only=True, allow_null=True)
    close_reason = serializers.SerializerMethodField()
    is_useful = serializers.BooleanField(read_only=True, allow_null=True, help_text="The verdict of a CSM.")
    verdict_note = BlankAsNull()

    @extend_schema_field({"type": "array", "items": {"type": "string"}, "description": "Why, when it was raised."})
    def get_evidence(self, alert: Alert) -> list[str]:
        words: list[str] = self.context["evidence"].get(alert.pk, [])
        return words

    @extend_schema_field(EvidenceValuesReader(allow_null=True))
    def get_values(self, alert: Alert) -> dict[str, Any] | None:
        values: dict[str, Any] | None = alert.evidence.get("values")
        return values

    @extend_schema_field({"type": ["string", "null"], "enum": [*CloseReason.values, None]})
    def get_close_reason(self, alert: Alert) -> str | None:
        return alert.close_reason or None


@sent(state="acknowledged", is_useful=True, verdict_note="They had told nobody.")
class AlertWriter(StrictSerializer):
    """What is done with an alert; everything may be left out."""

    state = Choice(AlertState, help_text="acknowledged, closed, or open to take an acknowledgement back.")
    snoozed_until = Moment(required=False, help_text="Put an open one aside until then.")
    is_useful = Flag(required=False, help_text="The verdict; the last one counts.")
    verdict_note = Text(max_length=500)
    muted_until = Moment(
        required=False, help_text="Keep the rule quiet about the account until then; closes the alert."
    )
    mute_reason = Text(max_length=200, help_text="Needed with muted_until.")


RULE = {
    "name": "Turned red",
    "kind": "risk",
    "enter": {"field": "health_band", "op": "any_of", "value": ["red"]},
    "leave": {"field": "health_band", "op": "any_of", "value": ["yellow", "green"]},
    "hold_days": 1,
    "cooldown_days": 14,
    "minimum_confidence": 40,
    "guidance": "Ask inside first.",
    "position": 2,
    "is_live": True,
    "owner": "7",
}


class PrecisionReader(serializers.Serializer):
    useful = serializers.IntegerField()
    judged = serializers.IntegerField()
    low_pct = serializers.IntegerField(allow_null=True, help_text="95 % interval; null: too few to tell.")
    high_pct = serializers.IntegerField(allow_null=True)


@shown(**STAMPS, **RULE, number=3, precision={"useful": 34, "judged": 50, "low_pct": 54, "high_pct": 79})
class AlertRuleReader(SyncReader):
    """When an account needs somebody."""

    name = serializers.CharField(read_only=True)
    kind = serializers.ChoiceField(choices=AlertKind.choices, read_only=True)
    enter = extend_schema_field(TREE)(serializers.JSONField)(read_only=True)
    leave = extend_schema_field({**TREE, "type": ["object", "null"]})(serializers.JSONField)(read_only=True)
    hold_days = serializers.IntegerField(read_only=True)
    cooldown_days = serializers.IntegerField(read_only=True)
    minimum_confidence = serializers.IntegerField(read_only=True)
    guidance = BlankAsNull()
    position = serializers.IntegerField(read_only=True)
    is_live = serializers.BooleanField(read_only=True)
    owner = Id(source="owner_id", read_only=True, allow_null=True)
    number = serializers.IntegerField(read_only=True, help_text="Its version; each change makes another.")
    precision = serializers.SerializerMethodField(help_text="How many of the judged alerts were useful.")

    @extend_schema_field(PrecisionReader)
    def get_precision(self, rule: Any) -> dict[str, Any]:
        return dict(PrecisionReader(self.context["precisions"][rule.pk]).data)


@extend_schema_field(TREE)
class Tree(serializers.Field):
    """A condition; what is wrong inside is said by whoever reads it."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("A condition is an object: see docs/conditions.md.", "wrong_type")
        return data


@sent(**RULE, raise_standing=False)
class AlertRuleWriter(StrictSerializer):
    name = Text(required=True, nullable=False, max_length=80)
    kind = Choice(AlertKind, required=True)
    enter = Tree(required=True)
    leave = Tree(required=False, allow_null=True, help_text="null: it ends when `enter` is known not to be so.")
    hold_days = Whole(high=365)
    cooldown_days = Whole(high=365)
    minimum_confidence = Whole(high=100)
    guidance = Text(max_length=2000)
    position = Whole(high=10_000)
    is_live = Flag(required=False)
    owner = UserRef(required=False, allow_null=True)
    raise_standing = Flag(required=False, help_text="Raise an alert for everybody who matches already.")

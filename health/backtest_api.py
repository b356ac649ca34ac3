"""The REST API of backtests: ask one, follow it, read what it found, cancel or delete it."""

from typing import Any

from django.db.models import Count, QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import InvalidInput
from accounts.permissions import visible_accounts
from health.enums import BacktestState
from health.models import Backtest, Scorecard, ScorecardDraft, ScorecardVersion
from health.outcomes import DEFAULT_ACTIVE_DAYS, DEFAULT_HORIZON_DAYS, RULE_KINDS, ChurnRule
from health.scorecard_api import ConfigurationResource, OfScorecardQuery, refused
from health.services.backtests import (
    DEFAULT_CAPACITY,
    MAX_CONTENDERS,
    MAX_DATES,
    Candidate,
    cancel_backtest,
    create_backtest,
    delete_backtest,
    restart_backtest,
)
from team.api.answers import idempotent
from team.api.examples import sent, shown
from team.api.fields import Day, Flag, Id, Moment, StrictSerializer, Text, Whole, key_of

CHURN_HELP = "The last subscription ended, any ended, or a lapse: no usage for the whole horizon."


class RuleReader(serializers.Serializer):
    churn = serializers.ChoiceField(choices=RULE_KINDS, source="kind", help_text=CHURN_HELP)
    horizon_days = serializers.IntegerField()
    lead_days = serializers.IntegerField()
    active_days = serializers.IntegerField()
    events = serializers.ListField(child=serializers.CharField())
    complete_until = serializers.DateField(allow_null=True)


class VerdictReader(serializers.Serializer):
    contender = serializers.CharField()
    state = serializers.ChoiceField(choices=["signal", "no_signal", "too_few", "empty"])
    sentences = serializers.ListField(child=serializers.CharField())


@shown(
    id="31",
    scorecard="1",
    name="Health v3, 2026-03-01 to 2026-08-01",
    state="done",
    rule={
        "churn": "subscription",
        "horizon_days": 90,
        "lead_days": 0,
        "active_days": 180,
        "events": [],
        "complete_until": None,
    },
    dates=["2026-03-01", "2026-08-01"],
    training_dates=[],
    capacity=50,
    dates_read=2,
    message="",
    created_at="2026-11-24T09:30:00.000000Z",
    finished_at="2026-11-24T09:31:00.000000Z",
    verdicts=[{"contender": "v12", "state": "too_few", "sentences": ["14 accounts churned: too few to tell."]}],
)
class BacktestReader(serializers.Serializer):
    """A question to the past: would these configurations have told who would churn?"""

    id = Id(source="pk")
    scorecard = Id(source="scorecard_id", allow_null=True, help_text="On whose page it stands.")
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=BacktestState.choices)
    rule = RuleReader()
    dates = serializers.ListField(child=serializers.DateField())
    training_dates = serializers.ListField(child=serializers.DateField(), help_text="Where it learns; empty: nowhere.")
    capacity = serializers.IntegerField(help_text="How many accounts the team can look after per date.")
    dates_read = serializers.IntegerField(help_text="How far it is, of all dates.")
    message = serializers.CharField(allow_blank=True, help_text="Why it failed; else empty.")
    created_at = Moment()
    finished_at = Moment(allow_null=True)
    verdicts = VerdictReader(
        many=True,
        source="result.verdicts",
        default=None,
        allow_null=True,
        help_text="Null until it is done.",
    )


class BacktestInFullReader(BacktestReader):
    """With all figures, and the missed and false alarms among the accounts that may be seen."""

    result = serializers.JSONField(
        allow_null=True,
        help_text="Figures with their 95 % intervals, bands, reliability, lead times, differences, alarms; null until"
        " it is done.",
    )


@sent(versions=["12"], churn="subscription", horizon_days=90, dates=["2026-03-01", "2026-06-01"], capacity=50)
class BacktestWriter(StrictSerializer):
    """What is judged (versions and drafts; the first one learns), what churn is, and on which dates."""

    versions = serializers.ListField(child=Id(), required=False, default=list, max_length=MAX_CONTENDERS)
    drafts = serializers.ListField(child=Id(), required=False, default=list, max_length=MAX_CONTENDERS)
    churn = serializers.ChoiceField(choices=RULE_KINDS, required=False, default="subscription", help_text=CHURN_HELP)
    horizon_days = Whole(default=DEFAULT_HORIZON_DAYS)
    lead_days = Whole(default=0, help_text="Churn sooner than this does not count.")
    active_days = Whole(default=DEFAULT_ACTIVE_DAYS, help_text="For a lapse: who is judged.")
    events = serializers.ListField(
        child=Text(required=True, nullable=False, max_length=200),
        required=False,
        default=list,
        max_length=50,
        help_text="For a lapse: which count as usage; empty: all.",
    )
    complete_until = Day(required=False, help_text="Last day of complete history; default: the last with facts.")
    dates = serializers.ListField(child=Day(), max_length=MAX_DATES, help_text="Scores are judged as of these days.")
    capacity = Whole(default=DEFAULT_CAPACITY)
    learns = Flag(required=False, default=False, help_text="Learn weights and a probability from earlier dates.")
    training_dates = serializers.ListField(
        child=Day(), required=False, default=list, max_length=MAX_DATES, help_text="Where; default: chosen."
    )
    name = Text(max_length=120)


@sent(state="cancelled")
class BacktestChangeWriter(StrictSerializer):
    """One that is over stays as it is."""

    state = serializers.ChoiceField(
        choices=[BacktestState.CANCELLED, BacktestState.WAITING],
        required=False,
        help_text="cancelled: stop after the date it is at. waiting: go on with one that was cancelled or failed.",
    )


class BacktestResource(ConfigurationResource):
    """Backtests of scorecards over stored history; they change no score."""

    reader = BacktestReader
    list_query_class = OfScorecardQuery
    writers = {"create": BacktestWriter, "partial_update": BacktestChangeWriter}

    def visible(self) -> QuerySet[Backtest]:
        return Backtest.objects.all()

    def loaded(self, rows: QuerySet[Backtest]) -> QuerySet[Backtest]:
        return rows.annotate(dates_read=Count("days")).defer("contenders")

    def narrowed(self, rows: QuerySet[Backtest], query: dict[str, Any]) -> QuerySet[Backtest]:
        return rows.filter(scorecard=query["scorecard"]) if "scorecard" in query else rows

    @extend_schema(responses=BacktestInFullReader)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        row = self.row(key_of(pk))
        if row.result is not None:
            _hide_alarms(row.result, set(_visible_ids(row.result, self.caller.user)))
        return Response(BacktestInFullReader(row).data)

    @idempotent
    def create(self, request: Request) -> Response:
        fields = self.sent(request)
        try:
            candidates, scorecard = _candidates(fields["versions"], fields["drafts"])
            made = create_backtest(
                candidates=candidates,
                scorecard=scorecard,
                rule=_rule(fields),
                dates=fields["dates"],
                capacity=fields["capacity"],
                learns=fields["learns"] or bool(fields["training_dates"]),
                training_dates=fields["training_dates"],
                name=fields.get("name", ""),
                now=timezone.now(),
                actor=self.caller.user,
            )
        except InvalidInput as error:
            raise refused(error, BacktestWriter) from error
        location = request.build_absolute_uri(f"{request.path}/{made.pk}")
        return Response(self.present([self.row(made.pk)])[0], status=201, headers={"Location": location})

    @idempotent
    def partial_update(self, request: Request, pk: str) -> Response:
        row, fields = self.row(key_of(pk)), self.sent(request)
        if fields.get("state") == BacktestState.CANCELLED:
            cancel_backtest(backtest=row, now=timezone.now(), actor=self.caller.user)
        elif fields.get("state") == BacktestState.WAITING:
            restart_backtest(backtest=row, actor=self.caller.user)
        return Response(self.present([self.row(row.pk)])[0])

    @extend_schema(
        summary="Delete a backtest",
        description="What was learned from it goes too. Scope `configuration:write`.",
        responses={204: None},
    )
    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        try:
            delete_backtest(backtest=self.row(key_of(pk)), actor=self.caller.user)
        except InvalidInput as error:
            raise refused(error, BacktestWriter) from error
        return Response(status=204)


def _rule(fields: dict[str, Any]) -> ChurnRule:
    return ChurnRule(
        fields["churn"],
        horizon_days=fields["horizon_days"],
        lead_days=fields["lead_days"],
        active_days=fields["active_days"],
        events=tuple(sorted(set(fields["events"]))),
        complete_until=fields.get("complete_until"),
    )


def _candidates(versions: list[int], drafts: list[int]) -> tuple[list[Candidate], Scorecard | None]:
    """Return what to judge, and the scorecard of the first. Raises InvalidInput."""
    found_versions = ScorecardVersion.objects.select_related("scorecard").in_bulk(versions)
    found_drafts = ScorecardDraft.objects.select_related("scorecard").in_bulk(drafts)
    for name, wanted, found in (("versions", versions, found_versions), ("drafts", drafts, found_drafts)):
        if missing := [str(pk) for pk in wanted if pk not in found]:
            raise InvalidInput(f"There is none with the id {', '.join(missing)}.", name)
    scorecards = [row.scorecard for row in found_versions.values()]
    scorecards += [row.scorecard for row in found_drafts.values() if row.scorecard]
    first = scorecards[0] if scorecards else None
    candidates = [Candidate.of_version(found_versions[pk]) for pk in versions]
    return candidates + [Candidate.of_draft(found_drafts[pk]) for pk in drafts], first


def _visible_ids(result: dict[str, Any], user: Any) -> list[int]:
    judged = result["judgement"]["judged"]
    ids = {alarm["account"] for each in judged for alarm in [*each["missed"], *each["false"]]}
    return list(visible_accounts(user).filter(pk__in=ids).values_list("pk", flat=True))


def _hide_alarms(result: dict[str, Any], visible: set[int]) -> None:
    """Leave only accounts the caller may see in the lists, by the ids the API gives them."""
    for each in result["judgement"]["judged"]:
        for kind in ("missed", "false"):
            each[kind] = [
                {**alarm, "account": str(alarm["account"])} for alarm in each[kind] if alarm["account"] in visible
            ]

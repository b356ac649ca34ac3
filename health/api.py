"""The REST API of health: current scores to follow, their history, and receipts. Read only."""

from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.resources import CustomerResource, OfAccountQuery
from accounts.models import Account
from accounts.permissions import visible_accounts, visible_rows
from health.enums import ScoreKind
from health.models import CurrentScore, ScoreSnapshot
from health.queries import score_history, snapshot_at
from health.receipts import build_receipt
from health.scorecards import Band
from health.serializers import BAND_WORDS, HealthScoreReader, ReceiptReader, ScoreChangeReader, ScoreSnapshotReader
from team.api.fields import Day, Id, StrictSerializer, key_of
from team.api.paging import KeysetPaging, PageQuery, Position, wrong_cursor
from team.api.resources import NOT_FOUND
from team.api.views import ApiView


class HealthScoreQuery(OfAccountQuery):
    scorecard = Id(required=False, help_text="Only those by this scorecard.")
    band = serializers.ChoiceField(choices=BAND_WORDS, required=False)
    kind = serializers.ChoiceField(choices=ScoreKind.choices, required=False, help_text="Only scores of this kind.")
    is_main = serializers.BooleanField(
        required=False, help_text="Only each account's main score of every kind, or only the others."
    )


class HealthScoreResource(CustomerResource):
    """The newest score of each account by each scorecard."""

    scope = "scores"
    model = CurrentScore
    reader = HealthScoreReader
    list_query_class = HealthScoreQuery

    def visible(self) -> QuerySet[CurrentScore]:
        return visible_rows(CurrentScore.all_objects.all(), self.caller.user)

    def loaded(self, rows: QuerySet[CurrentScore]) -> QuerySet[CurrentScore]:
        return rows.select_related("scorecard", "version")

    def narrowed(self, rows: QuerySet[CurrentScore], query: dict[str, Any]) -> QuerySet[CurrentScore]:
        rows = super().narrowed(rows, query)
        wanted: dict[str, Any] = {"scorecard": query["scorecard"]} if "scorecard" in query else {}
        if "kind" in query:
            wanted["scorecard__kind"] = query["kind"]
        if "is_main" in query:
            wanted["main_of__isnull"] = not query["is_main"]
        if "band" in query:
            wanted["band"] = Band[query["band"].upper()]
        return rows.filter(**wanted)


class HistoryPaging(KeysetPaging):
    """By day, oldest first."""

    key = ("as_of", "scorecard_id", "revision")

    def position_of(self, row: ScoreSnapshot) -> Position:
        return row.as_of.toordinal(), row.scorecard_id, row.revision

    def values_of(self, position: Position) -> tuple[Any, ...]:
        day, *rest = position
        if not 0 < day <= date.max.toordinal() or max(rest) >= 2**31:
            raise wrong_cursor()
        return date.fromordinal(day), *rest


class HistoryQuery(PageQuery):
    scorecard = Id(required=False, help_text="Only by this scorecard.")
    as_of_from = Day(required=False, help_text="Only as of this day or later.")
    as_of_to = Day(required=False, help_text="Only as of this day or earlier.")


class ReceiptQuery(StrictSerializer):
    scorecard = Id(required=False, help_text="By this scorecard; default the account's main one.")
    as_of = Day(required=False, help_text="The newest as of this day or earlier; default the newest of all.")


class ChangeQuery(StrictSerializer):
    scorecard = Id(required=False, help_text="By this scorecard; default the account's main one.")
    to = Day(help_text="The day as of which the score is explained.")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python, so that it cannot be declared."""
        return {"from": Day(help_text="The day as of which the score is compared."), **super().get_fields()}


class AccountHealthView(ApiView, GenericViewSet):
    """What one account's scores were, and why."""

    scope = "scores"
    tag = "Health scores"
    pagination_class = HistoryPaging
    serializer_class = ScoreSnapshotReader
    query_classes = {"list": HistoryQuery, "receipt": ReceiptQuery, "change": ChangeQuery}

    @extend_schema(operation_id="list_score_history", summary="List the scores an account had")
    def list(self, request: Request, pk: str) -> Response:
        """Daily for 100 days, then weekly, and every change of band."""
        query = self.list_query
        rows = score_history(
            self.account(pk),
            scorecard_id=query.get("scorecard"),
            first=query.get("as_of_from"),
            last=query.get("as_of_to"),
        )
        page = self.paginate_queryset(rows.defer("value", "fresh", "points", "contribution", "hash"))
        return self.get_paginated_response(ScoreSnapshotReader(page, many=True).data)

    @extend_schema(operation_id="get_receipt", summary="Read how a score came about", responses=ReceiptReader)
    def receipt(self, request: Request, pk: str) -> Response:
        """All inputs, the configuration, and what each measure contributed: enough to compute the score again."""
        query = self.list_query
        snapshot = snapshot_at(self.account(pk), scorecard_id=query.get("scorecard"), as_of=query.get("as_of"))
        if snapshot is None:
            raise Http404("This account has no such score.")
        return Response(as_texts(build_receipt(snapshot).as_dict()))

    @extend_schema(operation_id="get_score_change", summary="Read why a score changed", responses=ScoreChangeReader)
    def change(self, request: Request, pk: str) -> Response:
        """Between two days, split exactly by cause, in this order, each down to the measure."""
        from health.score_change import score_change

        account, query = self.account(pk), self.list_query
        main = CurrentScore.objects.filter(account=account, main_of=ScoreKind.HEALTH)
        scorecard_id = query.get("scorecard") or main.values_list("scorecard", flat=True).first()
        day = timedelta(days=1)
        change = scorecard_id and score_change(
            account, scorecard_id=scorecard_id, first=query["from"] - day, last=query["to"] - day
        )
        if not change:
            raise Http404("This account has no stored scores for these days.")
        return Response(ScoreChangeReader(change.as_dict()).data)

    def account(self, pk: str) -> Account:
        """Return the live account of an id. Raises Http404."""
        key = key_of(pk) or 0
        account = visible_accounts(self.caller.user).filter(pk=key, deleted_at=None).first()
        if account is None:
            raise Http404(NOT_FOUND)
        return account


def as_texts(receipt: dict[str, Any]) -> dict[str, Any]:
    """Return a receipt with ids as the texts they are everywhere in the API."""
    return {
        **receipt,
        "account": str(receipt["account"]),
        "children": [{**child, "account": str(child["account"])} for child in receipt["children"]],
        "scorecard": {**receipt["scorecard"], "id": str(receipt["scorecard"]["id"])},
        "version": {**receipt["version"], "id": str(receipt["version"]["id"])},
    }

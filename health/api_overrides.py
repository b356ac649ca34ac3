"""The REST API of scores set by hand: read, set, end."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.resources import CustomerResource, OfAccountQuery
from accounts.errors import InvalidInput
from accounts.permissions import visible_accounts, visible_rows
from health.models import Scorecard, ScoreOverride
from health.serializers import ScoreOverrideReader, ScoreOverrideWriter
from health.services import end_override, set_override
from team.api.answers import idempotent
from team.api.fields import Id, key_of
from team.api.problems import InvalidRequest
from team.api.versions import check_precondition, row_response


class ScoreOverrideQuery(OfAccountQuery):
    scorecard = Id(required=False, help_text="Only those of this scorecard.")


class ScoreOverrideResource(CustomerResource):
    """Scores that people set in the place of the computed ones. One that has ended is a tombstone."""

    scope = "scores"
    model = ScoreOverride
    reader = ScoreOverrideReader
    writer = ScoreOverrideWriter
    list_query_class = ScoreOverrideQuery

    def visible(self) -> QuerySet[ScoreOverride]:
        return visible_rows(ScoreOverride.objects.all(), self.caller.user)

    def narrowed(self, rows: QuerySet[ScoreOverride], query: dict[str, Any]) -> QuerySet[ScoreOverride]:
        rows = super().narrowed(rows, query)
        return rows.filter(scorecard=query["scorecard"]) if "scorecard" in query else rows

    def loaded(self, rows: QuerySet[ScoreOverride]) -> QuerySet[ScoreOverride]:
        return rows.select_related("scorecard__version", "account")

    @idempotent
    def create(self, request: Request) -> Response:
        """Set a score; it ends the one before."""
        fields = ScoreOverrideWriter().run_validation(request.data)
        account = visible_accounts(self.caller.user).filter(pk=fields.pop("account"), deleted_at=None).first()
        scorecard = Scorecard.objects.live().filter(pk=fields.pop("scorecard")).first()
        if account is None or scorecard is None:
            name = "account" if account is None else "scorecard"
            raise InvalidRequest([{"pointer": f"#/{name}", "code": "unknown", "message": f"There is no such {name}."}])
        try:
            override = set_override(
                account=account, scorecard=scorecard, now=timezone.now(), actor=self.caller.user, **fields
            )
        except InvalidInput as exc:
            raise InvalidRequest([{"pointer": f"#/{exc.field}", "code": "invalid", "message": exc.message}]) from exc
        return self._written(override)

    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        """End it, so that the computed score is shown again."""
        override = self.row(key_of(pk))
        check_precondition(self.request, override)
        end_override(override=override, now=timezone.now(), actor=self.caller.user)
        return Response(status=204)

    def _written(self, override: ScoreOverride) -> Response:
        override.refresh_from_db()
        location = self.request.build_absolute_uri(reverse(f"{self.basename}-detail", args=[override.pk]))
        return row_response(override, self.present([override])[0], status=201, location=location)

"""The REST API of incidents: which data stopped coming and what that holds; declare and end one."""

from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import InvalidInput
from health.enums import Closing, FeedKind, Opening
from health.feeds import Feed, feeds
from health.models import Incident
from health.scorecard_api import ConfigurationResource, refused
from health.services.incidents import MAX_REASON_LENGTH, close_incident, declare_incident
from team.api.answers import idempotent
from team.api.examples import sent, shown
from team.api.fields import Id, Moment, StrictSerializer, Text, key_of
from team.api.paging import PageQuery


@shown(
    id="4",
    kind="usage",
    feed="12",
    name="Web app",
    is_open=True,
    collapsed_since="2026-11-22T08:00:00.000000Z",
    frozen_as_of="2026-11-22",
    finding="nothing in 3 hours instead of about 300 events",
    account_count=118,
    opened_at="2026-11-22T11:05:00.000000Z",
    opened_how="detected",
    reason="",
    closed_at=None,
    closed_how="",
    closing_reason="",
)
class IncidentReader(serializers.Serializer):
    """Data that stopped coming. While it is open, measures made from them are read as of its first day."""

    id = Id(source="pk")
    kind = serializers.ChoiceField(choices=FeedKind.choices)
    feed = serializers.CharField(source="key", help_text="Of usage the id of the source, else the system's word.")
    name = serializers.CharField()
    is_open = serializers.BooleanField()
    collapsed_since = Moment()
    frozen_as_of = serializers.DateField(source="frozen_on", help_text="The UTC day before which measures are read.")
    finding = serializers.CharField(help_text="What came instead of what; empty of a declared one.")
    account_count = serializers.IntegerField(help_text="How many accounts live on these data.")
    opened_at = Moment(help_text="When it became known.")
    opened_how = serializers.ChoiceField(choices=Opening.choices)
    reason = serializers.CharField(allow_blank=True, help_text="Why a person declared it; else empty.")
    closed_at = Moment(allow_null=True)
    closed_how = serializers.ChoiceField(choices=[("", "It is open"), *Closing.choices])
    closing_reason = serializers.CharField(allow_blank=True)


class IncidentQuery(PageQuery):
    is_open = serializers.BooleanField(required=False, help_text="Only those that are open, or only the others.")
    kind = serializers.ChoiceField(choices=FeedKind.choices, required=False)


@sent(kind="usage", feed="12", collapsed_since="2026-11-22T08:00:00Z", reason="The release lost half of the events.")
class IncidentWriter(StrictSerializer):
    """Data that come but are wrong. It stays open until somebody ends it."""

    kind = serializers.ChoiceField(choices=FeedKind.choices)
    feed = Text(required=True, nullable=False, max_length=60, help_text="The id of the source, else the system's word.")
    collapsed_since = Moment()
    reason = Text(required=True, nullable=False, max_length=MAX_REASON_LENGTH)


@sent(closing_reason="We have turned it off on purpose.")
class IncidentEndWriter(StrictSerializer):
    """Ends the freeze: measures count what has come, and go unknown by their own limits for freshness."""

    closing_reason = Text(required=True, nullable=False, max_length=MAX_REASON_LENGTH)


class IncidentResource(ConfigurationResource):
    """Data that stopped coming, and what that holds."""

    tag = "Incidents"
    reader = IncidentReader
    list_query_class = IncidentQuery
    writers = {"create": IncidentWriter, "partial_update": IncidentEndWriter}

    def visible(self) -> QuerySet[Incident]:
        return Incident.objects.all()

    def loaded(self, rows: QuerySet[Incident]) -> QuerySet[Incident]:
        return rows.annotate(account_count=Count("held"))

    def narrowed(self, rows: QuerySet[Incident], query: dict[str, Any]) -> QuerySet[Incident]:
        if "is_open" in query:
            rows = rows.filter(closed_at__isnull=query["is_open"])
        return rows.filter(kind=query["kind"]) if "kind" in query else rows

    @idempotent
    def create(self, request: Request) -> Response:
        fields = self.sent(request)
        try:
            made = declare_incident(
                feed=_feed(fields["kind"], fields["feed"]),
                collapsed_since=fields["collapsed_since"],
                reason=fields["reason"],
                now=timezone.now(),
                actor=self.caller.user,
            )
        except InvalidInput as error:
            raise refused(error, IncidentWriter) from error
        location = request.build_absolute_uri(f"{request.path}/{made.pk}")
        return Response(self.present([self.row(made.pk)])[0], status=201, headers={"Location": location})

    @idempotent
    def partial_update(self, request: Request, pk: str) -> Response:
        row, fields = self.row(key_of(pk)), self.sent(request)
        try:
            close_incident(incident=row, reason=fields["closing_reason"], now=timezone.now(), actor=self.caller.user)
        except InvalidInput as error:
            raise refused(error, IncidentEndWriter) from error
        return Response(self.present([self.row(row.pk)])[0])


def _feed(kind: str, key: str) -> Feed:
    """Return a feed that has sent something. Raises InvalidInput naming those there are."""
    known = feeds()
    found = next((feed for feed in known if (feed.kind, feed.key) == (kind, key)), None)
    if found is None:
        there_are = ", ".join(f"{feed.kind} {feed.key}" for feed in known) or "none yet"
        raise InvalidInput(f"No such data have come; there are {there_are}.", "feed")
    return found

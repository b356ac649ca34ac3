"""Subscriptions, activities, tickets and survey responses: what belongs to one account."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts import services
from accounts.api.batches import BatchResource
from accounts.api.resources import OfAccountQuery
from accounts.enums import ActivityKind, Entity, SurveyKind, TicketStatus
from accounts.models import Activity, Subscription, SurveyResponse, Ticket
from accounts.permissions import visible_rows
from accounts.serializers.facts import (
    ActivityReader,
    ActivityWriter,
    SurveyResponseReader,
    SurveyResponseWriter,
    TicketReader,
    TicketWriter,
)
from accounts.serializers.subscriptions import SubscriptionReader, SubscriptionWriter


class FactResource(BatchResource):
    """Rows with an account."""

    list_query_class = OfAccountQuery

    def visible(self) -> QuerySet[Any]:
        return visible_rows(self.model.all_objects.all(), self.caller.user)


class SubscriptionResource(FactResource):
    """What accounts bought."""

    scope = "subscriptions"
    entity = Entity.SUBSCRIPTION
    model = Subscription
    reader = SubscriptionReader
    writer = SubscriptionWriter
    fixed = {"account"}

    def loaded(self, rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
        return rows.select_related("product")

    def create_row(self, fields: dict[str, Any]) -> Subscription:
        return self._write(fields)[0]

    def change_row(self, row: Subscription, fields: dict[str, Any]) -> Subscription:
        return self._write(fields, subscription=row)[0]

    def upsert_row(
        self, system: str, external_id: str, fields: dict[str, Any], existing: Subscription | None
    ) -> tuple[Subscription, bool]:
        return self._write(fields, subscription=existing, system=system, external_id=external_id)

    def delete_row(self, row: Subscription) -> None:
        services.delete_subscription(subscription=row, now=self.now, actor=self.caller.user)

    def _write(
        self, fields: dict[str, Any], subscription: Subscription | None = None, **names: Any
    ) -> tuple[Subscription, bool]:
        self.refuse_moved(subscription, fields)
        with_product(fields)
        return services.upsert_subscription(
            account=fields.pop("account", None) or subscription.account,  # type: ignore[union-attr]
            subscription=subscription,
            effective_at=fields.pop("effective_at", None),
            fields=fields,
            **names,
            **self.write_options,
        )


class ActivityQuery(OfAccountQuery):
    kind = serializers.ChoiceField(choices=ActivityKind.choices, required=False)


class ActivityResource(FactResource):
    """Calls, mails, meetings, chats and notes."""

    scope = "activities"
    entity = Entity.ACTIVITY
    model = Activity
    reader = ActivityReader
    writer = ActivityWriter
    list_query_class = ActivityQuery
    fixed = {"account"}

    def narrowed(self, rows: QuerySet[Activity], query: dict[str, Any]) -> QuerySet[Activity]:
        rows = super().narrowed(rows, query)
        return rows.filter(kind=query["kind"]) if "kind" in query else rows

    def loaded(self, rows: QuerySet[Activity]) -> QuerySet[Activity]:
        return rows.prefetch_related("contacts")

    def create_row(self, fields: dict[str, Any]) -> Activity:
        return self._record(fields)[0]

    def change_row(self, row: Activity, fields: dict[str, Any]) -> Activity:
        self.refuse_moved(row, fields)
        kept = {name: value for name, value in fields.items() if name not in self.fixed}
        return services.edit_activity(activity=row, fields=kept, editor=self.caller.user)

    def upsert_row(
        self, system: str, external_id: str, fields: dict[str, Any], existing: Activity | None
    ) -> tuple[Activity, bool]:
        if existing is not None:
            return self.change_row(existing, fields), False
        return self._record(fields, system=system, external_id=external_id)

    def delete_row(self, row: Activity) -> None:
        services.delete_activity(activity=row, now=self.now, actor=self.caller.user)

    def _record(self, fields: dict[str, Any], **names: Any) -> tuple[Activity, bool]:
        fields.setdefault("author", self.caller.user)
        backfill = self.write_options["backfill"]
        return services.record_activity(**fields, **names, now=self.now, backfill=backfill)


class TicketQuery(OfAccountQuery):
    status = serializers.ChoiceField(choices=TicketStatus.choices, required=False)


class TicketResource(FactResource):
    """Requests to support."""

    scope = "tickets"
    entity = Entity.TICKET
    model = Ticket
    reader = TicketReader
    writer = TicketWriter
    list_query_class = TicketQuery
    fixed = {"account", "occurred_at"}

    def narrowed(self, rows: QuerySet[Ticket], query: dict[str, Any]) -> QuerySet[Ticket]:
        rows = super().narrowed(rows, query)
        return rows.filter(status=query["status"]) if "status" in query else rows

    def loaded(self, rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
        return rows.select_related("product")

    def create_row(self, fields: dict[str, Any]) -> Ticket:
        return self._write(fields)[0]

    def change_row(self, row: Ticket, fields: dict[str, Any]) -> Ticket:
        return self._write(fields, ticket=row)[0]

    def upsert_row(
        self, system: str, external_id: str, fields: dict[str, Any], existing: Ticket | None
    ) -> tuple[Ticket, bool]:
        return self._write(fields, ticket=existing, system=system, external_id=external_id)

    def delete_row(self, row: Ticket) -> None:
        services.delete_ticket(ticket=row, now=self.now, actor=self.caller.user)

    def _write(self, fields: dict[str, Any], ticket: Ticket | None = None, **names: Any) -> tuple[Ticket, bool]:
        self.refuse_moved(ticket, fields)
        with_product(fields)
        return services.upsert_ticket(
            account=fields.pop("account", None) or ticket.account,  # type: ignore[union-attr]
            occurred_at=fields.pop("occurred_at", None) or ticket.occurred_at,  # type: ignore[union-attr]
            changed_at=fields.pop("changed_at", None),
            ticket=ticket,
            fields=fields,
            **names,
            **self.write_options,
        )


class SurveyResponseQuery(OfAccountQuery):
    kind = serializers.ChoiceField(choices=SurveyKind.choices, required=False)


class SurveyResponseResource(FactResource):
    """Answers to NPS, CSAT and CES questions."""

    scope = "surveys"
    entity = Entity.SURVEY_RESPONSE
    model = SurveyResponse
    reader = SurveyResponseReader
    writer = SurveyResponseWriter
    list_query_class = SurveyResponseQuery
    fixed = {"account", "occurred_at"}

    def narrowed(self, rows: QuerySet[SurveyResponse], query: dict[str, Any]) -> QuerySet[SurveyResponse]:
        rows = super().narrowed(rows, query)
        return rows.filter(kind=query["kind"]) if "kind" in query else rows

    def create_row(self, fields: dict[str, Any]) -> SurveyResponse:
        return self._record(fields)[0]

    def change_row(self, row: SurveyResponse, fields: dict[str, Any]) -> SurveyResponse:
        self.refuse_moved(row, fields)
        kept = {name: value for name, value in fields.items() if name not in self.fixed}
        return services.edit_survey_response(response=row, fields=kept, now=self.now, actor=self.caller.user)

    def upsert_row(
        self, system: str, external_id: str, fields: dict[str, Any], existing: SurveyResponse | None
    ) -> tuple[SurveyResponse, bool]:
        if existing is not None:
            return self.change_row(existing, fields), False
        return self._record(fields, system=system, external_id=external_id)

    def delete_row(self, row: SurveyResponse) -> None:
        services.delete_survey_response(response=row, now=self.now, actor=self.caller.user)

    def _record(self, fields: dict[str, Any], **names: Any) -> tuple[SurveyResponse, bool]:
        return services.record_survey_response(**fields, **names, **self.write_options)


def with_product(fields: dict[str, Any]) -> None:
    """Put the product of a key in its place; a key heard for the first time makes one."""
    if "product" in fields:
        fields["product"] = services.ensure_product(key=fields["product"]) if fields["product"] else None

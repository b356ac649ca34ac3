"""Subscriptions, activities, tickets and survey responses: what belongs to one account."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts import services
from accounts.api.batches import BatchResource, Row
from accounts.api.resources import OfAccountQuery
from accounts.enums import ActivityKind, Entity, SurveyKind, TicketStatus
from accounts.models import Activity, Product, Subscription, SurveyResponse, Ticket
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
from accounts.services import loading


class FactResource(BatchResource):
    """Rows with an account."""

    list_query_class = OfAccountQuery

    def visible(self) -> QuerySet[Any]:
        return visible_rows(self.model.all_objects.all(), self.caller.user)


class WithProductResource(FactResource):
    """Rows with a product, which bodies name by its key."""

    def loaded(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("product")

    def says(self, row: Any, fields: dict[str, Any]) -> bool:
        key = row.product.key if row.product else ""
        rest = {name: value for name, value in fields.items() if name != "product"}
        return fields.get("product", key) == key and super().says(row, rest)


class SubscriptionResource(WithProductResource):
    """What accounts bought."""

    scope = "subscriptions"
    entity = Entity.SUBSCRIPTION
    model = Subscription
    reader = SubscriptionReader
    writer = SubscriptionWriter
    fixed = {"account"}

    def create_row(self, fields: dict[str, Any]) -> Subscription:
        return self._write(fields)[0]

    def change_row(self, row: Subscription, fields: dict[str, Any]) -> Subscription:
        return self._write(fields, subscription=row)[0]

    def upsert_row(
        self, system: str, external_id: str, fields: dict[str, Any], existing: Subscription | None
    ) -> tuple[Subscription, bool]:
        if existing is not None:
            return self._write(fields, subscription=existing)
        return self._write(fields, system=system, external_id=external_id)

    def create_rows(self, rows: list[tuple[Row, dict[str, Any]]]) -> Sequence[Any]:
        products = Products()
        fresh = [
            loading.NewSubscription(
                system=row.system,
                external_id=row.external_id,
                account=fields.pop("account"),
                effective_at=fields.pop("effective_at", None),
                fields=products.put_into(fields),
            )
            for row, fields in rows
        ]
        return loading.create_subscriptions(fresh, **self.write_options)

    def delete_row(self, row: Subscription) -> None:
        services.delete_subscription(subscription=row, now=self.now, actor=self.caller.user)

    def _write(
        self, fields: dict[str, Any], subscription: Subscription | None = None, **names: Any
    ) -> tuple[Subscription, bool]:
        self.refuse_moved(subscription, fields)
        fields = Products().put_into(fields)
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

    def create_rows(self, rows: list[tuple[Row, dict[str, Any]]]) -> Sequence[Any]:
        fresh = [
            loading.NewActivity(
                system=row.system, external_id=row.external_id, **({"author": self.caller.user} | fields)
            )
            for row, fields in rows
        ]
        return loading.record_activities(fresh, now=self.now, backfill=self.write_options["backfill"])

    def _record(self, fields: dict[str, Any], **names: Any) -> tuple[Activity, bool]:
        fields.setdefault("author", self.caller.user)
        backfill = self.write_options["backfill"]
        return services.record_activity(**fields, **names, now=self.now, backfill=backfill)


class TicketQuery(OfAccountQuery):
    status = serializers.ChoiceField(choices=TicketStatus.choices, required=False)


class TicketResource(WithProductResource):
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

    def create_row(self, fields: dict[str, Any]) -> Ticket:
        return self._write(fields)[0]

    def change_row(self, row: Ticket, fields: dict[str, Any]) -> Ticket:
        return self._write(fields, ticket=row)[0]

    def upsert_row(
        self, system: str, external_id: str, fields: dict[str, Any], existing: Ticket | None
    ) -> tuple[Ticket, bool]:
        if existing is not None:
            return self._write(fields, ticket=existing)
        return self._write(fields, system=system, external_id=external_id)

    def create_rows(self, rows: list[tuple[Row, dict[str, Any]]]) -> Sequence[Any]:
        products = Products()
        fresh = [
            loading.NewTicket(
                system=row.system,
                external_id=row.external_id,
                account=fields.pop("account"),
                occurred_at=fields.pop("occurred_at"),
                changed_at=fields.pop("changed_at", None),
                fields={name: value for name, value in fields.items() if name == "priority"},
                later=products.put_into(fields),
            )
            for row, fields in rows
        ]
        return loading.open_tickets(fresh, **self.write_options)

    def delete_row(self, row: Ticket) -> None:
        services.delete_ticket(ticket=row, now=self.now, actor=self.caller.user)

    def _write(self, fields: dict[str, Any], ticket: Ticket | None = None, **names: Any) -> tuple[Ticket, bool]:
        self.refuse_moved(ticket, fields)
        fields = Products().put_into(fields)
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

    def create_rows(self, rows: list[tuple[Row, dict[str, Any]]]) -> Sequence[Any]:
        fresh = [loading.NewResponse(system=row.system, external_id=row.external_id, **fields) for row, fields in rows]
        return loading.record_survey_responses(fresh, **self.write_options)

    def _record(self, fields: dict[str, Any], **names: Any) -> tuple[SurveyResponse, bool]:
        return services.record_survey_response(**fields, **names, **self.write_options)


class Products:
    """Products by key; a key heard for the first time makes one."""

    def __init__(self) -> None:
        self.found: dict[str, Product] = {}

    def put_into(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields with the product of a key in its place. Raises InvalidInput."""
        key = fields.get("product")
        if not key:
            return fields | ({"product": None} if "product" in fields else {})
        if key not in self.found:
            self.found[key] = services.ensure_product(key=key)
        return fields | {"product": self.found[key]}

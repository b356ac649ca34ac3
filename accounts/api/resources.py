"""What a resource of the API does: list, read, create, change, delete, and the same by external id."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.references import References
from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import ExternalId
from accounts.services import find_by_external_id, give_external_id
from accounts.services.external_ids import lock_external_id
from team.api.answers import idempotent
from team.api.fields import Id, StrictSerializer, key_of
from team.api.paging import ChangeQuery
from team.api.problems import InvalidRequest
from team.api.resources import NOT_FOUND, ReadResource
from team.api.versions import check_precondition, row_response

# Takes checked input with rows in place of references; returns (row, whether it is new).
Service = Callable[[dict[str, Any]], tuple[Any, bool]]


class OfAccountQuery(ChangeQuery):
    account = Id(required=False, help_text="Only those of this account.")


class WriteQuery(StrictSerializer):
    backfill = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Import of history: counts as known when it happened, and triggers nothing.",
    )


class CustomerResource(ReadResource):
    """Rows that belong to a customer."""

    def narrowed(self, rows: QuerySet[Any], query: dict[str, Any]) -> QuerySet[Any]:
        return rows.filter(account=query["account"]) if "account" in query else rows


class WriteResource(CustomerResource):
    """Rows that can be written too, all through services of accounts.

    Subclasses implement create_row, change_row, upsert_row and delete_row; what these get is checked
    input with rows in place of references.
    """

    entity: ClassVar[Entity]
    model: ClassVar[Any]
    writer: ClassVar[type[StrictSerializer]]
    fixed: ClassVar[set[str]] = set()

    def create_row(self, fields: dict[str, Any]) -> Any:
        raise NotImplementedError

    def change_row(self, row: Any, fields: dict[str, Any]) -> Any:
        raise NotImplementedError

    def upsert_row(
        self,
        system: str,
        external_id: str,
        fields: dict[str, Any],
        existing: Any,
    ) -> tuple[Any, bool]:
        """Write the row of an external id; `existing`, perhaps deleted, is locked. Returns (row, whether it is new)."""
        raise NotImplementedError

    def delete_row(self, row: Any) -> None:
        raise NotImplementedError

    def reader_context(self, rows: Sequence[Any]) -> dict[str, Any]:
        return {"external_ids": external_ids(self.entity, [row.pk for row in rows])}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.now = timezone.now()
        self.references = References(self.caller.user)

    def query_class(self) -> type[StrictSerializer]:
        writes = {"create", "partial_update", "upsert_by_external_id", "batch_upsert"}
        return WriteQuery if self.action in writes else super().query_class()

    @property
    def write_options(self) -> dict[str, Any]:
        """What every service is told about a write."""
        return {"now": self.now, "actor": self.caller.user, "backfill": self.list_query.get("backfill", False)}

    @idempotent
    def create(self, request: Request) -> Response:
        row, _ = self.write(request.data, lambda fields: (self.create_row(fields), True), partial=False)
        return self.written(row.pk, status=201)

    @idempotent
    def partial_update(self, request: Request, pk: str) -> Response:
        row = self.locked(self.row(key_of(pk)).pk)
        self.write(request.data, lambda fields: (self.change_row(row, fields), False), partial=True)
        return self.written(row.pk)

    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        self.delete_row(self.locked(self.row(key_of(pk)).pk))
        return Response(status=204)

    @action(methods=["get"], detail=False, url_path="by-external/<str:system>/<path:external_id>")
    def by_external_id(self, request: Request, system: str, external_id: str) -> HttpResponseBase:
        return self.answer(self.row(find_by_external_id(self.entity, system, external_id)))

    @by_external_id.mapping.put
    @idempotent
    def upsert_by_external_id(self, request: Request, system: str, external_id: str) -> Response:
        is_known = find_by_external_id(self.entity, system, external_id) is not None
        try:
            with transaction.atomic():
                return self.upsert(request, system, external_id)
        except InvalidRequest:
            # A batch, which locks no names, may have made the row between our look and our write.
            if is_known or find_by_external_id(self.entity, system, external_id) is None:
                raise
        return self.upsert(request, system, external_id)

    def upsert(self, request: Request, system: str, external_id: str) -> Response:
        existing = self.existing(system, external_id)
        check_precondition(self.request, existing)
        row, is_new = self.write(
            request.data,
            lambda fields: self.upsert_row(system, external_id, fields, existing),
            partial=existing is not None,
        )
        return self.written(row.pk, status=201 if is_new else 200)

    def write(self, data: Any, service: Service, *, partial: bool) -> tuple[Any, bool]:
        """Check a body and hand it to a service. Raises InvalidRequest for what either refuses."""
        writer = self.writer(partial=partial)
        try:
            return self.perform(writer.run_validation(data), service)
        except InvalidInput as exc:
            raise InvalidRequest([error_of(exc, writer)]) from exc

    def perform(self, fields: dict[str, Any], service: Service) -> tuple[Any, bool]:
        names = fields.pop("external_ids", {})
        row, is_new = service(self.references.resolve(fields))
        for system, value in names.items():
            give_external_id(entity=self.entity, system=system, value=value, object_id=row.pk)
        return row, is_new

    def locked(self, key: int) -> Any:
        """Return a row nobody else can change until we are done. Raises Problem 412."""
        row = self.visible().select_for_update(of=("self",)).get(pk=key)
        check_precondition(self.request, row)
        return row

    def existing(self, system: str, external_id: str) -> Any:
        """Return the row of an external id, locked, perhaps deleted; None when it is yet to be made.

        Raises Http404 for a row that the caller may not see.
        """
        key = find_by_external_id(self.entity, system, external_id)
        if key is None:
            lock_external_id(self.entity, system, external_id)
            key = find_by_external_id(self.entity, system, external_id)
        if key is None:
            return None
        row = self.visible().select_for_update(of=("self",)).filter(pk=key).first()
        if row is None:
            raise Http404(NOT_FOUND)
        return row

    def refuse_moved(self, row: Any, fields: dict[str, Any]) -> None:
        """Raise InvalidInput for another value of a field that cannot be changed."""
        for name in self.fixed:
            if row is not None and name in fields and fields[name] != getattr(row, name):
                raise InvalidInput(f"{name} cannot be changed. Delete this one and create another.", name)

    def written(self, key: int, *, status: int = 200) -> Response:
        """Answer a row as it is after the write, even if the writer may not see it any more."""
        row = self.loaded(self.model.all_objects.all()).get(pk=key)
        location = reverse(f"{self.basename}-detail", args=[key]) if status == 201 else ""
        if location:
            location = self.request.build_absolute_uri(location)
        return row_response(row, self.present([row])[0], status=status, location=location)


def external_ids(entity: Entity, keys: list[int]) -> dict[int, dict[str, str]]:
    """Return by key what other systems call rows; of several names in a system the first."""
    found: dict[int, dict[str, str]] = {}
    if not keys:
        return found
    rows = ExternalId.objects.filter(entity=entity, object_id__in=keys).order_by("-pk")
    for key, system, value in rows.values_list("object_id", "system", "value"):
        found.setdefault(key, {})[system] = value
    return found


def error_of(exc: InvalidInput, writer: StrictSerializer) -> dict[str, str]:
    """Return the error of a field that a service blames; attributes are blamed by their key."""
    pointer = "#"
    if exc.field is not None and exc.field.split("/")[0] in writer.fields:
        pointer = f"#/{exc.field}"
    elif exc.field is not None and "attributes" in writer.fields:
        pointer = f"#/attributes/{exc.field}"
    return {"pointer": pointer, "code": "invalid", "message": exc.message}

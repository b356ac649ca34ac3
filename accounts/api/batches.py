"""Many rows in one request: each stands or falls alone, or with `atomic` all together."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import DataError, IntegrityError, transaction
from django.http import Http404
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.resources import WriteResource, error_of
from accounts.errors import InvalidInput
from accounts.models import ExternalId
from accounts.serializers.rows import ExternalRef
from team.api.answers import idempotent
from team.api.fields import Flag, Id, StrictSerializer, Text, moment_text
from team.api.problems import InvalidRequest, field_errors

MAX_ROWS = 1000


class BatchInput(ExternalRef):
    """One row: whose it is, and its fields as for a single upsert."""

    fields_of_row = serializers.DictField()
    trace_id = Text(max_length=100, help_text="Comes back in the result.")

    def get_fields(self) -> dict[str, serializers.Field]:
        # `fields` is what serializers call their own; the body calls it that too.
        declared = super().get_fields()
        return {"fields" if name == "fields_of_row" else name: each for name, each in declared.items()}


class BatchWriter(StrictSerializer):
    inputs = serializers.ListField(
        child=serializers.JSONField(), min_length=1, max_length=MAX_ROWS, help_text="The rows, in order."
    )
    atomic = Flag(required=False, default=False, help_text="All or none.")


class RowErrorReader(serializers.Serializer):
    pointer = serializers.CharField(help_text="Into the row, like #/fields/name.")
    code = serializers.CharField()
    message = serializers.CharField()


class ResultReader(serializers.Serializer):
    index = serializers.IntegerField(help_text="Position in inputs, from 0.")
    trace_id = serializers.CharField(allow_null=True)
    system = serializers.CharField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=["created", "updated", "failed"])
    id = Id(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)
    errors = RowErrorReader(many=True)  # type: ignore[assignment]


class BatchReader(serializers.Serializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = ResultReader(many=True)


@dataclass
class Row:
    """One row on its way through a batch. `fields` is checked input; `key` is set when it was written."""

    index: int
    sent: Any
    system: str = ""
    external_id: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    key: int | None = None
    is_new: bool = False
    errors: list[dict[str, str]] = field(default_factory=list)


class BatchResource(WriteResource):
    """Adds `POST …/batch/upsert`."""

    # How rows are refused that only the database finds impossible.
    CONFLICT: ClassVar[dict[str, str]] = {
        "pointer": "#",
        "code": "conflict",
        "message": "The database refuses this combination of values.",
    }

    batch_reader = BatchReader

    @action(methods=["post"], detail=False, url_path="batch/upsert")
    @idempotent
    def batch_upsert(self, request: Request) -> Response:
        body = BatchWriter().run_validation(request.data)
        rows = [Row(index, sent) for index, sent in enumerate(body["inputs"])]
        self.check_rows(rows)
        self.write_rows([row for row in rows if not row.errors])
        failed = [row for row in rows if row.errors]
        if failed and body["atomic"]:
            raise InvalidRequest(
                [
                    {**error, "pointer": f"#/inputs/{row.index}{error['pointer'][1:]}"}
                    for row in failed
                    for error in row.errors
                ]
            )
        return Response(self.results(rows), status=207 if failed else 200)

    def check_rows(self, rows: list[Row]) -> None:
        """Check each row's own shape, then its fields; a new row needs more of them than one that is there."""
        envelope = BatchInput()
        for row in rows:
            try:
                checked = envelope.run_validation(row.sent)
            except serializers.ValidationError as exc:
                row.errors = list(field_errors(exc.detail))
                continue
            row.system, row.external_id, row.fields = checked["system"], checked["external_id"], checked["fields"]
        known = self.known_keys(rows)
        writers = {True: self.writer(partial=True), False: self.writer()}
        named: set[tuple[str, str]] = set(known)
        for row in rows:
            if row.errors:
                continue
            name = (row.system, row.external_id)
            try:
                row.fields = writers[name in named].run_validation(row.fields)
            except serializers.ValidationError as exc:
                row.errors = list(field_errors(exc.detail, "#/fields"))
                continue
            named.add(name)
        self.references.learn(row.fields for row in rows if not row.errors)

    def known_keys(self, rows: list[Row]) -> dict[tuple[str, str], int]:
        """Return the keys of rows that are there already, by (system, external id)."""
        systems, values = {row.system for row in rows}, {row.external_id for row in rows}
        found = ExternalId.objects.filter(entity=self.entity, system__in=systems, value__in=values)
        return {(system, value): key for system, value, key in found.values_list("system", "value", "object_id")}

    def write_rows(self, rows: list[Row]) -> None:
        """Write checked rows one by one; a refused one leaves nothing behind and its errors in the row."""
        writer = self.writer()
        for row in rows:
            try:
                with transaction.atomic():
                    self.write_row(row, writer)
            except InvalidInput as exc:
                error = error_of(exc, writer)
                row.errors = [{**error, "pointer": f"#/fields{error['pointer'][1:]}"}]
            except Http404 as exc:
                row.errors = [{"pointer": "#/external_id", "code": "not_found", "message": str(exc)}]
            except (IntegrityError, DataError):
                row.errors = [self.CONFLICT]

    def write_row(self, row: Row, writer: StrictSerializer) -> None:
        existing = self.existing(row.system, row.external_id)
        if existing is None:
            refuse_missing(writer, row.fields)

        def upsert(fields: dict[str, Any]) -> tuple[Any, bool]:
            return self.upsert_row(row.system, row.external_id, fields, existing)

        written, row.is_new = self.perform(row.fields, upsert)
        row.key = written.pk

    def results(self, rows: list[Row]) -> dict[str, Any]:
        stamps = {
            key: (version, moment_text(updated_at))
            for key, version, updated_at in self.model.all_objects.filter(
                pk__in=[row.key for row in rows if row.key]
            ).values_list("pk", "row_version", "updated_at")
        }
        results = []
        for row in rows:
            sent = row.sent if isinstance(row.sent, dict) else {}
            version, updated_at = stamps.get(row.key, (None, None))
            results.append(
                {
                    "index": row.index,
                    "trace_id": _text(sent.get("trace_id")),
                    "system": _text(sent.get("system")),
                    "external_id": _text(sent.get("external_id")),
                    "status": "failed" if row.errors else "created" if row.is_new else "updated",
                    "id": None if row.key is None else str(row.key),
                    "version": version,
                    "updated_at": updated_at,
                    "errors": row.errors,
                }
            )
        statuses = [result["status"] for result in results]
        return {name: statuses.count(name) for name in ("created", "updated", "failed")} | {"results": results}


def refuse_missing(writer: StrictSerializer, fields: dict[str, Any]) -> None:
    """Raise InvalidInput for a new row without what it needs: it was checked as one that is there."""
    for name, each in writer.fields.items():
        if each.required and name not in fields:
            raise InvalidInput(f"{name} is needed for a new row.", name)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

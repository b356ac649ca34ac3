"""Many rows in one request: each stands or falls alone, or with `atomic` all together."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import DataError, IntegrityError, transaction
from django.db.models import Model
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
from team.api.resources import NOT_FOUND

MAX_ROWS = 1000
# Rows of a batch may refer to rows of the same batch, these again to others; the rest is written one by one.
MAX_PASSES = 5
OUTCOMES = ["created", "updated", "unchanged", "failed"]


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
    trace_id = serializers.CharField(allow_null=True, allow_blank=True)
    system = serializers.CharField(allow_null=True, allow_blank=True)
    external_id = serializers.CharField(allow_null=True, allow_blank=True)
    status = serializers.ChoiceField(choices=OUTCOMES)
    id = Id(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)
    errors = RowErrorReader(many=True)  # type: ignore[assignment]


class BatchReader(serializers.Serializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
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
    version_before: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)


class BatchResource(WriteResource):
    """Adds `POST …/batch/upsert`."""

    def create_rows(self, rows: list[tuple[Row, dict[str, Any]]]) -> Sequence[Any]:
        """Create new rows at once from their resolved fields; for each what was written, InvalidInput, or None."""
        raise NotImplementedError

    def change_rows(self, rows: list[tuple[Row, Any, dict[str, Any]]]) -> Sequence[Any]:
        """Change locked rows at once, each named once; for each the row or InvalidInput. Nothing: not known how."""
        return []

    def is_plain(self, fields: dict[str, Any]) -> bool:
        """True for fields that create_rows can take."""
        return "external_ids" not in fields

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
        """Write checked rows: new ones all at once, then those that are there one by one, in order.

        A refused row leaves nothing behind and its errors in the row.
        """
        left = self.create_at_once(rows)
        if left:
            existing = self.lock_known(left)
            writer = self.writer()
            for row in self.change_at_once(left, existing):
                self.write_alone(row, existing, writer)

    def create_at_once(self, rows: list[Row]) -> list[Row]:
        """Create the rows whose names nobody knows; again for rows that refer to them. Return what is left."""
        left = rows
        for _ in range(MAX_PASSES):
            known = self.known_keys(left)
            fresh: dict[tuple[str, str], Row] = {}
            for row in left:
                name = (row.system, row.external_id)
                if name not in known and self.is_plain(row.fields):
                    fresh.setdefault(name, row)
            ready = list(self.resolved(list(fresh.values())))
            if not ready:
                break
            try:
                with transaction.atomic():
                    results = self.create_rows(ready)
            except (IntegrityError, DataError, InvalidInput):
                # Somebody created one of them just now, or the database refuses one: alone, each gets its answer.
                break
            for (row, _), result in zip(ready, results, strict=True):
                if isinstance(result, InvalidInput):
                    row.errors = [self.blamed(result)]
                elif result is not None:
                    row.key, row.is_new = result.pk, True
            done = {id(row) for row, _ in ready if row.errors or row.key}
            left = [row for row in left if id(row) not in done]
            if not done:
                break
        return left

    def change_at_once(self, rows: list[Row], existing: dict[tuple[str, str], Any]) -> list[Row]:
        """Deal with rows that are there and named once: nothing to do, or many at once where the resource can.

        Return what is left.
        """
        counts = Counter((row.system, row.external_id) for row in rows)
        known = [
            row
            for row in rows
            if counts[row.system, row.external_id] == 1
            and self.is_plain(row.fields)
            and getattr(existing.get((row.system, row.external_id)), "deleted_at", NOT_FOUND) is None
        ]
        ready = []
        for row, fields in self.resolved(known):
            before = existing[row.system, row.external_id]
            if self.says(before, fields):
                row.key, row.version_before = before.pk, before.row_version
            else:
                ready.append((row, before, fields))
        results = self.change_rows(ready) if ready else []
        for (row, before, _), result in zip(ready, results, strict=False):
            if isinstance(result, InvalidInput):
                row.errors = [self.blamed(result)]
            else:
                row.key, row.version_before = before.pk, before.row_version
        return [row for row in rows if not row.errors and not row.key]

    def says(self, row: Any, fields: dict[str, Any]) -> bool:
        """True when a row says already what the fields say, so that there is nothing to write."""
        return all(_says(row, name, value) for name, value in fields.items())

    def resolved(self, rows: list[Row]) -> Iterator[tuple[Row, dict[str, Any]]]:
        """Yield the rows whose references are all known, with rows in their place."""
        self.references.learn(row.fields for row in rows)
        for row in rows:
            try:
                yield row, self.references.resolve(row.fields, look=False)
            except InvalidInput:
                continue

    def lock_known(self, rows: list[Row]) -> dict[tuple[str, str], Any]:
        """Lock the rows that are there, in one order for all callers, and return them by (system, external id).

        None stands for a row that the caller may not see.
        """
        keys = self.known_keys(rows)
        rows_there = self.loaded(self.visible()).filter(pk__in=keys.values())
        locked = rows_there.select_for_update(of=("self",)).order_by("pk")
        found = {row.pk: row for row in locked}
        return {name: found.get(key) for name, key in keys.items()}

    def write_alone(self, row: Row, known: dict[tuple[str, str], Any], writer: StrictSerializer) -> None:
        try:
            with transaction.atomic():
                existing = self.locked_or_found(row, known)
                if existing is None:
                    refuse_missing(writer, row.fields)

                def upsert(fields: dict[str, Any]) -> tuple[Any, bool]:
                    return self.upsert_row(row.system, row.external_id, fields, existing)

                written, row.is_new = self.perform(row.fields, upsert)
            row.key = written.pk
            row.version_before = 0 if existing is None else existing.row_version
        except InvalidInput as exc:
            row.errors = [self.blamed(exc)]
        except Http404 as exc:
            row.errors = [{"pointer": "#/external_id", "code": "not_found", "message": str(exc)}]
        except (IntegrityError, DataError):
            row.errors = [self.CONFLICT]

    def locked_or_found(self, row: Row, known: dict[tuple[str, str], Any]) -> Any:
        """Return the row of the model, None for one yet to be made. Raises Http404 for one not to be seen."""
        name = (row.system, row.external_id)
        if name not in known:
            return self.existing(*name)
        if known[name] is None:
            raise Http404(NOT_FOUND)
        return known[name]

    def blamed(self, exc: InvalidInput) -> dict[str, str]:
        error = error_of(exc, self.writer())
        return {**error, "pointer": f"#/fields{error['pointer'][1:]}"}

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
            version, updated_at = stamps.get(row.key or 0, (None, None))
            outcome = "created" if row.is_new else "unchanged" if row.version_before == version else "updated"
            results.append(
                {
                    "index": row.index,
                    "trace_id": _text(sent.get("trace_id")),
                    "system": _text(sent.get("system")),
                    "external_id": _text(sent.get("external_id")),
                    "status": "failed" if row.errors else outcome,
                    "id": None if row.key is None else str(row.key),
                    "version": version,
                    "updated_at": updated_at,
                    "errors": row.errors,
                }
            )
        statuses = [result["status"] for result in results]
        return {name: statuses.count(name) for name in OUTCOMES} | {"results": results}


def refuse_missing(writer: StrictSerializer, fields: dict[str, Any]) -> None:
    """Raise InvalidInput for a new row without what it needs: it was checked as one that is there."""
    for name, each in writer.fields.items():
        if each.required and name not in fields:
            raise InvalidInput(f"{name} is needed for a new row.", name)


def _says(row: Any, name: str, value: Any) -> bool:
    if hasattr(row, f"{name}_id"):
        return bool(getattr(row, f"{name}_id") == (value.pk if isinstance(value, Model) else value))
    return hasattr(row, name) and bool(getattr(row, name) == value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None

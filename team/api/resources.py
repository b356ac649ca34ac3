"""Rows that can be listed and read, whatever they are."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from team.api.fields import StrictSerializer, key_of
from team.api.paging import ChangePaging, ChangeQuery, KeysetPaging
from team.api.versions import is_unchanged, row_response
from team.api.views import ApiView
from team.sync import SyncRow, row_etag

NOT_FOUND = "There is nothing with this id, or you may not see it."


class ReadResource(ApiView, GenericViewSet):
    """Rows that can be listed and read. Subclasses say which (`visible`) and how they look (`reader`)."""

    reader: ClassVar[type[serializers.Serializer]]
    pagination_class: type[KeysetPaging] = ChangePaging
    list_query_class: ClassVar[type[StrictSerializer]] = ChangeQuery

    def visible(self) -> QuerySet[Any]:
        """Return the rows the caller may see, tombstones too."""
        raise NotImplementedError

    def loaded(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Add what the reader needs of other tables."""
        return rows

    def narrowed(self, rows: QuerySet[Any], query: dict[str, Any]) -> QuerySet[Any]:
        """Apply the list's own filters."""
        return rows

    def query_class(self) -> type[StrictSerializer]:
        return self.list_query_class if self.action == "list" else super().query_class()

    def list(self, request: Request) -> Response:
        rows = self.loaded(self.narrowed(self.visible(), self.list_query))
        return self.get_paginated_response(self.present(self.paginate_queryset(rows) or []))

    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        return self.answer(self.row(key_of(pk)))

    def row(self, key: int | None) -> Any:
        """Return the live row of a key. Raises Http404, also for what the caller may not see."""
        row = None if key is None else self.loaded(self.visible()).filter(pk=key).first()
        if row is None or getattr(row, "deleted_at", None) is not None:
            raise Http404(NOT_FOUND)
        return row

    def answer(self, row: Any) -> HttpResponseBase:
        if not isinstance(row, SyncRow):
            return Response(self.present([row])[0])
        if is_unchanged(self.request, row):
            return HttpResponse(status=304, headers={"ETag": row_etag(row)})
        return row_response(row, self.present([row])[0])

    def present(self, rows: Sequence[Any]) -> Any:
        return self.reader(rows, many=True, context=self.reader_context(rows)).data

    def reader_context(self, rows: Sequence[Any]) -> dict[str, Any]:
        """Return what the reader needs besides the rows, for all of them at once."""
        return {}

    def get_serializer_class(self) -> type[serializers.Serializer]:
        return self.reader

"""Pages by position, never by number: rows that appear or vanish in between shift nothing.

A cursor is opaque to clients; inside it holds the last position given out. `next` comes first in the
envelope and no other key begins with it: generic clients take the first such key for the next page.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.utils.http import urlencode
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from team.api.fields import MAX_ID, Moment, StrictSerializer
from team.api.problems import InvalidRequest
from team.sync import change_horizon, time_horizon

Position = tuple[int, ...]

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR_TEXT = re.compile(r"\d{1,19}(\.\d{1,19})*")


class PageQuery(StrictSerializer):
    """What a list may be asked in its address."""

    page_size = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_PAGE_SIZE,
        default=DEFAULT_PAGE_SIZE,
        help_text="Rows on a page.",
    )
    cursor = serializers.CharField(
        required=False, max_length=100, help_text="`next_cursor` or `position` of an earlier page."
    )


class ChangeQuery(PageQuery):
    """The same for rows that can be followed."""

    updated_after = Moment(
        required=False, help_text="Only rows changed at or after this moment. To follow by time give it from the start."
    )
    updated_before = Moment(required=False, help_text="Only rows changed at or before this moment.")
    include_deleted = serializers.BooleanField(
        required=False, default=False, help_text="Deleted rows too, as tombstones with `deleted_at`."
    )


class KeysetPaging(BasePagination):
    """Pages in the order of `key`, unique whole-number columns. Reads `view.list_query`."""

    key: Sequence[str] = ("id",)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        query: dict[str, Any] = view.list_query
        self.request = request
        self.start = self.read_cursor(query)
        rows = self.narrowed(queryset, query).order_by(*self.key)
        if self.start is not None:
            rows = rows.filter(TupleGreaterThan(Tuple(*map(F, self.key)), self.values_of(self.start)))
        size: int = query["page_size"]
        page = list(rows[: size + 1])
        self.has_more = len(page) > size
        self.page = page[:size]
        return self.page

    def get_paginated_response(self, data: Any) -> Response:
        cursor = encode_cursor(self.position_of(self.page[-1])) if self.has_more else None
        url = None if cursor is None else _with_cursor(self.request, cursor)
        body = {"next": url, "data": data, "next_cursor": cursor, "has_more": self.has_more}
        headers = {} if url is None else {"Link": f'<{url}>; rel="next"'}
        return Response(body | self.further(), headers=headers)

    def position_of(self, row: Any) -> Position:
        return tuple(getattr(row, name) for name in self.key)

    def values_of(self, position: Position) -> tuple[Any, ...]:
        """Return the values of the key's columns that a position stands for."""
        return position

    def read_cursor(self, query: dict[str, Any]) -> Position | None:
        return decode_cursor(query["cursor"], len(self.key)) if "cursor" in query else None

    def narrowed(self, rows: Any, query: dict[str, Any]) -> Any:
        return rows

    def further(self) -> dict[str, Any]:
        return {}

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        properties = {
            "next": {
                "type": ["string", "null"],
                "format": "uri",
                "description": "Address of the next page.",
                "example": None,
            },
            "data": schema,
            "next_cursor": {"type": ["string", "null"], "description": "`cursor` of the next page.", "example": None},
            "has_more": {"type": "boolean", "example": False},
        } | self.further_schema()
        return {"type": "object", "required": list(properties), "properties": properties}

    def further_schema(self) -> dict[str, Any]:
        return {}


class ChangePaging(KeysetPaging):
    """Pages of SyncRows in the order of their changes; what may still be overtaken is held back.

    A row shows up only when no open transaction can commit an earlier position (docs/decisions). A read
    by time also holds back rows from the moment on before which an open transaction can commit; the
    cursor carries that moment, so that all pages of one read end at the same.
    """

    key = ("change_xid", "change_seq")

    def read_cursor(self, query: dict[str, Any]) -> Position | None:
        self.is_by_time = "updated_after" in query or "updated_before" in query
        self.horizon: datetime | None = None
        if "cursor" not in query:
            return None
        if not self.is_by_time:
            return super().read_cursor(query)
        *position, microseconds = decode_cursor(query["cursor"], len(self.key) + 1)
        try:
            self.horizon = EPOCH + timedelta(microseconds=microseconds)
        except OverflowError:
            raise wrong_cursor() from None
        return tuple(position)

    def narrowed(self, rows: Any, query: dict[str, Any]) -> Any:
        # The moment first, then the position, then the rows: each is settled when the next is looked at.
        if self.is_by_time:
            self.horizon = self.horizon or time_horizon()
            rows = rows.filter(updated_at__lt=self.horizon)
        rows = rows.filter(change_xid__lt=change_horizon())
        if "updated_after" in query:
            rows = rows.filter(updated_at__gte=query["updated_after"])
        if "updated_before" in query:
            rows = rows.filter(updated_at__lte=query["updated_before"])
        return rows if query["include_deleted"] else rows.filter(deleted_at=None)

    def position_of(self, row: Any) -> Position:
        position = super().position_of(row)
        return position if self.horizon is None else (*position, (self.horizon - EPOCH) // timedelta(microseconds=1))

    def further(self) -> dict[str, Any]:
        if self.is_by_time:
            return {"position": None}
        last = self.position_of(self.page[-1]) if self.page else self.start
        return {"position": None if last is None else encode_cursor(last)}

    def further_schema(self) -> dict[str, Any]:
        return {
            "position": {
                "type": ["string", "null"],
                "description": "Keep it: as `cursor` of a later read it brings what changed since."
                " null when nothing was read yet, and in reads by time.",
                "example": "ODE4LjE5",
            }
        }


def encode_cursor(position: Position) -> str:
    text = ".".join(map(str, position))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> Position:
    """Return the position inside a cursor. Raises InvalidRequest for anything we never gave out."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    position = tuple(map(int, text.split("."))) if CURSOR_TEXT.fullmatch(text) else ()
    if len(position) != length or max(position) > MAX_ID:
        raise wrong_cursor()
    return position


def wrong_cursor() -> InvalidRequest:
    message = "This is no cursor of this list. Use next_cursor or position as it was given, or leave it out."
    return InvalidRequest([{"parameter": "cursor", "code": "wrong_cursor", "message": message}])


def _with_cursor(request: Request, cursor: str) -> str:
    query = {name: value for name, value in request.query_params.dict().items() if name != "cursor"}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query | {'cursor': cursor})}")

"""Keyset paging: pages by the values of the last row, stable while rows come and go, both ways.

Rows are ordered by one column, then by key. Unknown values come last, whichever the direction.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, Model, Q, QuerySet

M = TypeVar("M", bound=Model)
MAX_KEY = 2**63 - 1


@dataclass(frozen=True)
class Order:
    """A column (or annotation) to sort by; `read` turns a cursor's JSON value back into its type."""

    column: str
    read: Callable[[Any], Any]
    is_descending: bool = False
    is_nullable: bool = True

    @property
    def key_is_descending(self) -> bool:
        # With no unknowns to keep last, an index can be walked backwards.
        return self.is_descending and not self.is_nullable


@dataclass(frozen=True)
class Page(Generic[M]):
    """Rows in order, and the cursors of the pages beside; "" where there is none."""

    rows: list[M]
    after: str
    before: str


def keyset_page(
    rows: QuerySet[M],
    order: Order,
    *,
    size: int,
    after: str = "",
    before: str = "",
    load: Callable[[list[int]], Iterable[M]] | None = None,
) -> Page[M]:
    """Return one page in one query. A cursor that cannot be read counts as none.

    With `load` in two: the keys in order, then by `load` the rows with all they show and the column
    of the order. No wide row or join is then carried through the sort of a large set.
    """
    cursor = _read(after or before, order)
    backwards = bool(before and not after and cursor)
    if cursor is not None:
        rows = rows.filter(_beyond(order, *cursor, backwards=backwards))
    ordered = rows.order_by(*_ordering(order, backwards=backwards))
    if load is None:
        found = list(ordered[: size + 1])
        has_more = len(found) > size
    else:
        keys = list(ordered.values_list("pk", flat=True)[: size + 1])
        has_more = len(keys) > size
        loaded = {row.pk: row for row in load(keys[:size])}
        found = [loaded[key] for key in keys if key in loaded]
    found = found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (bool(found), has_more) if backwards else (has_more, cursor is not None and bool(found))
    return Page(
        rows=found,
        after=_write(found[-1], order) if has_next else "",
        before=_write(found[0], order) if has_previous else "",
    )


def _ordering(order: Order, *, backwards: bool) -> list[Any]:
    column, descending = F(order.column), order.is_descending != backwards
    nulls: dict[str, Any] = {}
    if order.is_nullable:
        nulls = {"nulls_first": True} if backwards else {"nulls_last": True}
    first = column.desc(**nulls) if descending else column.asc(**nulls)
    return [first, "-pk" if order.key_is_descending != backwards else "pk"]


def _beyond(order: Order, value: Any, key: int, *, backwards: bool) -> Q:
    """Return the condition for rows after the cursor, before it when backwards."""
    column = order.column
    key_beyond = Q(pk__lt=key) if order.key_is_descending != backwards else Q(pk__gt=key)
    is_null = Q(**{f"{column}__isnull": True})
    if value is None:
        return ~is_null | (is_null & key_beyond) if backwards else is_null & key_beyond
    word = "lt" if order.is_descending != backwards else "gt"
    # The bare bound first: an index can use it, but not the alternative.
    beyond = Q(**{f"{column}__{word}e": value}) & (Q(**{f"{column}__{word}": value}) | key_beyond)
    return beyond | is_null if order.is_nullable and not backwards else beyond


def _write(row: Model, order: Order) -> str:
    text = json.dumps([getattr(row, order.column), row.pk], cls=DjangoJSONEncoder)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, order: Order) -> tuple[Any, int] | None:
    try:
        value, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        value = None if value is None else order.read(value)
    except (ValueError, TypeError, ArithmeticError, binascii.Error):
        return None
    if isinstance(key, bool) or not isinstance(key, int) or not 0 < key <= MAX_KEY:
        return None
    return None if value is None and not order.is_nullable else (value, key)

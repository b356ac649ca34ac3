"""Rows joined into records: one row a record, or all rows of a group. Pure.

A group's rows may stand anywhere in the files, so its record is made when all have been read. Each
group keeps its first and last row and its running totals, never all its rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.imports.errors import BadValue
from integrations.imports.mapping import Field, Rule
from integrations.imports.types import CONVERTERS, Style, to_number, to_text
from integrations.imports.values import Getter

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: file, and row number as a spreadsheet counts."""

    file: str
    row: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be written: the id in its own system, and the fields that hold something."""

    rule: Rule
    id: str
    values: dict[str, object]
    extras: dict[str, object]
    place: Place
    raw: Row
    style: Style


class Maker:
    """A rule bound to a file's columns."""

    def __init__(self, rule: Rule, index: Mapping[str, int], style: Style) -> None:
        self.rule = rule
        self.style = style
        self.applies = rule.when.bind(index) if rule.when else None
        self.key = rule.id.bind(index, to_text, style)
        self.plain: list[tuple[Field, Getter]] = []
        self.last: list[tuple[Field, Getter]] = []
        self.totals: list[tuple[Field, Getter]] = []
        for field in rule.fields:
            how = field.source.how
            convert = CONVERTERS.get(field.kind, to_text)
            if how in {"sum", "count"}:
                convert = to_number
            bound = (field, field.source.value.bind(index, convert, style))
            kept = {"first": self.plain, "last": self.last}.get(how, self.totals)
            kept.append(bound)
        self.needed = rule.target.required
        self.id_columns = ", ".join(sorted(rule.id.columns()))

    def record(self, row: Row, place: Place) -> Record:
        """Return the record of one row. Raises BadValue."""
        record = Record(self.rule, self.id_of(row), {}, {}, place, row, self.style)
        _fill(record, self.plain, row)
        self._refuse_gaps(record)
        return record

    def id_of(self, row: Row) -> str:
        key = self.key(row)
        if key is None:
            message = f"there is no {self.id_columns} to tell the row by"
            raise BadValue("missing_id", message, self.id_columns)
        return str(key)

    def group_record(self, key: str, group: "Group") -> Record:
        """Return the record of a whole group. Raises BadValue."""
        record = Record(self.rule, key, {}, {}, group.place, group.first, self.style)
        _fill(record, self.plain, group.first)
        _fill(record, self.last, group.last)
        for (field, _), total in zip(self.totals, group.totals, strict=True):
            if total is not None:
                convert = CONVERTERS.get(field.kind, to_text)
                _put(
                    record,
                    field,
                    total if field.is_extra else convert(total, self.style),
                )
        self._refuse_gaps(record)
        return record

    def _refuse_gaps(self, record: Record) -> None:
        for name in self.needed:
            if name not in record.values:
                column = _column_of(self.rule, name)
                message = f"{name} is needed and {column or 'its column'} is empty"
                raise BadValue("missing_value", message, column)


class Group:
    """What is known of a group so far."""

    __slots__ = ("first", "last", "place", "spoilt_by", "totals")

    def __init__(self, row: Row, place: Place, total_count: int) -> None:
        self.first = self.last = row
        self.place = place
        self.totals: list[Any] = [None] * total_count
        self.spoilt_by: Place | None = None


class Groups:
    """All groups of one rule, in the order of their first rows."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.groups: dict[str, Group] = {}

    def add(self, maker: Maker, row: Row, place: Place) -> None:
        """Add a row to its group. Raises BadValue, and the group is never written then."""
        key = maker.id_of(row)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(row, place, len(maker.totals))
        group.last = row
        totals = group.totals
        for position, (field, getter) in enumerate(maker.totals):
            try:
                value = getter(row)
            except BadValue:
                group.spoilt_by = group.spoilt_by or place
                raise
            if value is not None:
                before = totals[position]
                totals[position] = value if before is None else _JOIN[field.source.how](before, value)

    def spoil(self, key: str, place: Place) -> None:
        """Mark the group of a row that could not be read, so that it is not written without it."""
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group((), place, 0)
        group.spoilt_by = group.spoilt_by or place

    def records(self, maker: Maker) -> Iterator[Record | tuple[Group, BadValue]]:
        """Yield the record of each group, or the group with what keeps it from being one."""
        for key, group in self.groups.items():
            if group.spoilt_by is not None:
                message = f"{key} was left out as a whole because of row {group.spoilt_by.row}"
                yield group, BadValue("incomplete_group", message, maker.id_columns)
                continue
            try:
                yield maker.group_record(key, group)
            except BadValue as error:
                yield group, error


_JOIN: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda a, b: a + b,
    "count": lambda a, b: a + b,
    "min": min,
    "max": max,
}


def _fill(record: Record, fields: list[tuple[Field, Getter]], row: Row) -> None:
    for field, getter in fields:
        value = getter(row)
        if value is not None:
            _put(record, field, value)


def _put(record: Record, field: Field, value: object) -> None:
    (record.extras if field.is_extra else record.values)[field.name] = value


def _column_of(rule: Rule, name: str) -> str:
    for field in rule.fields:
        if field.name == name:
            return ", ".join(sorted(field.source.value.columns()))
    return ""

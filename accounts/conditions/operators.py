"""What can be asked of a value of each type: once as SQL, once in Python.

The SQL serves sets, the Python serves explanations; a property test holds them to the same answer.
In SQL a NULL value makes every operator but unknown/known NULL; in Python those two are the only
ones called with None. Text is compared without regard to case, as PostgreSQL folds it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from accounts.conditions.catalogue import FieldType


class Operand(StrEnum):
    """The kind of value an operator wants."""

    NOTHING = "nothing"
    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    NUMBERS = "numbers"
    DATE = "date"
    DATES = "dates"
    DAYS = "days"
    BOOLEAN = "boolean"
    CHOICES = "choices"


Test = Callable[[Any, Any, date], bool]


@dataclass(frozen=True)
class Operator:
    """`sql` has {x} for the value, {v} for the operand ({low}, {high} for a pair); `words` has {v}."""

    key: str
    words: str
    operand: Operand
    sql: str
    test: Test

    @property
    def label(self) -> str:
        """What the editor offers, such as "is any of" or "is more than … ago"."""
        if self.operand in {Operand.CHOICES, Operand.TEXTS} and self.key in {"any_of", "none_of"}:
            return "is any of" if self.key == "any_of" else "is none of"
        return self.words.replace("{v}", "…").removesuffix("…").strip()


def _days(count: int) -> timedelta:
    return timedelta(days=count)


def _exact(value: float | Decimal, operand: Decimal) -> Decimal | float:
    """Return the operand as PostgreSQL compares it: numeric becomes float8 beside a float8."""
    return float(operand) if isinstance(value, float) else operand


_UNKNOWN = [
    Operator("unknown", "is unknown", Operand.NOTHING, "{x} IS NULL", lambda x, _v, _t: x is None),
    Operator("known", "is known", Operand.NOTHING, "{x} IS NOT NULL", lambda x, _v, _t: x is not None),
]
_FOLDED_ANY = "ARRAY(SELECT lower(word) FROM unnest({v}::text[]) AS word)"
_TODAY = "%(today)s::date"

_TEXT = [
    Operator("is", "is {v}", Operand.TEXT, "lower({x}) = lower({v})", lambda x, v, _: x == v),
    Operator("is_not", "is not {v}", Operand.TEXT, "lower({x}) <> lower({v})", lambda x, v, _: x != v),
    Operator("contains", "contains {v}", Operand.TEXT, "strpos(lower({x}), lower({v})) > 0", lambda x, v, _: v in x),
    Operator(
        "starts_with",
        "starts with {v}",
        Operand.TEXT,
        "starts_with(lower({x}), lower({v}))",
        lambda x, v, _: x.startswith(v),
    ),
    Operator("any_of", "is {v}", Operand.TEXTS, f"lower({{x}}) = ANY({_FOLDED_ANY})", lambda x, v, _: x in v),
]
_NUMBER = [
    Operator("eq", "is {v}", Operand.NUMBER, "{x} = {v}", lambda x, v, _: x == _exact(x, v)),
    Operator("ne", "is not {v}", Operand.NUMBER, "{x} <> {v}", lambda x, v, _: x != _exact(x, v)),
    Operator("lt", "is less than {v}", Operand.NUMBER, "{x} < {v}", lambda x, v, _: x < _exact(x, v)),
    Operator("lte", "is at most {v}", Operand.NUMBER, "{x} <= {v}", lambda x, v, _: x <= _exact(x, v)),
    Operator("gt", "is more than {v}", Operand.NUMBER, "{x} > {v}", lambda x, v, _: x > _exact(x, v)),
    Operator("gte", "is at least {v}", Operand.NUMBER, "{x} >= {v}", lambda x, v, _: x >= _exact(x, v)),
    Operator(
        "between",
        "is between {v}",
        Operand.NUMBERS,
        "{x} BETWEEN {low} AND {high}",
        lambda x, v, _: _exact(x, v[0]) <= x <= _exact(x, v[1]),
    ),
]
_DATE = [
    Operator("before", "is before {v}", Operand.DATE, "{x} < {v}", lambda x, v, _: x < v),
    Operator("after", "is after {v}", Operand.DATE, "{x} > {v}", lambda x, v, _: x > v),
    Operator("on", "is {v}", Operand.DATE, "{x} = {v}", lambda x, v, _: x == v),
    Operator(
        "between",
        "is between {v}",
        Operand.DATES,
        "{x} BETWEEN {low} AND {high}",
        lambda x, v, _: v[0] <= x <= v[1],
    ),
    Operator(
        "in_next",
        "is in the next {v}",
        Operand.DAYS,
        f"{{x}} BETWEEN {_TODAY} AND {_TODAY} + {{v}}",
        lambda x, v, today: today <= x <= today + _days(v),
    ),
    Operator(
        "in_last",
        "is in the last {v}",
        Operand.DAYS,
        f"{{x}} BETWEEN {_TODAY} - {{v}} AND {_TODAY}",
        lambda x, v, today: today - _days(v) <= x <= today,
    ),
    Operator(
        "more_than_ago",
        "is more than {v} ago",
        Operand.DAYS,
        f"{{x}} < {_TODAY} - {{v}}",
        lambda x, v, today: x < today - _days(v),
    ),
    Operator(
        "more_than_ahead",
        "is more than {v} ahead",
        Operand.DAYS,
        f"{{x}} > {_TODAY} + {{v}}",
        lambda x, v, today: x > today + _days(v),
    ),
]
_BOOLEAN = [Operator("is", "is {v}", Operand.BOOLEAN, "{x} = {v}", lambda x, v, _: x is v)]
_CHOICE = [
    Operator("any_of", "is {v}", Operand.CHOICES, "{x} = ANY({v})", lambda x, v, _: x in v),
    Operator("none_of", "is not {v}", Operand.CHOICES, "{x} <> ALL({v})", lambda x, v, _: x not in v),
]
_SET = [
    Operator("any_of", "is {v}", Operand.CHOICES, "{x} && {v}", lambda x, v, _: bool(set(x) & set(v))),
    Operator("all_of", "is all of {v}", Operand.CHOICES, "{x} @> {v}", lambda x, v, _: set(x) >= set(v)),
    Operator("none_of", "is not {v}", Operand.CHOICES, "NOT {x} && {v}", lambda x, v, _: not set(x) & set(v)),
    Operator("empty", "is none", Operand.NOTHING, "cardinality({x}) = 0", lambda x, _v, _t: not x),
    Operator("not_empty", "is any", Operand.NOTHING, "cardinality({x}) > 0", lambda x, _v, _t: bool(x)),
]


def _keyed(*operators: Operator) -> dict[str, Operator]:
    return {operator.key: operator for operator in operators}


# The first operator of a type is the one the editor starts with.
OPERATORS: dict[FieldType, dict[str, Operator]] = {
    FieldType.TEXT: _keyed(*_TEXT, *_UNKNOWN),
    FieldType.NUMBER: _keyed(*_NUMBER, *_UNKNOWN),
    FieldType.DATE: _keyed(*_DATE, *_UNKNOWN),
    FieldType.BOOLEAN: _keyed(*_BOOLEAN, *_UNKNOWN),
    FieldType.CHOICE: _keyed(*_CHOICE, *_UNKNOWN),
    FieldType.REFERENCE: _keyed(*_CHOICE, *_UNKNOWN),
    FieldType.SET: _keyed(*_SET),
    FieldType.SEGMENT: _keyed(*_CHOICE),
}
ARRAY_TYPES = {FieldType.CHOICE: "text[]", FieldType.REFERENCE: "bigint[]", FieldType.SET: "text[]"}

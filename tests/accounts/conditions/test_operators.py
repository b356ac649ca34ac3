"""Each operator at its boundaries: the SQL and the Python agree, and both are right."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from accounts.conditions.catalogue import FieldType
from accounts.conditions.moment import Sql
from accounts.conditions.operators import OPERATORS

TODAY = date(2026, 6, 15)
pytestmark = pytest.mark.django_db

CASES = [
    (FieldType.TEXT, "is", "Acme", "acme", True),
    (FieldType.TEXT, "is", "Acme", "acm", False),
    (FieldType.TEXT, "is_not", "Acme", "ACME", False),
    (FieldType.TEXT, "contains", "Acme 100%", "0%", True),
    (FieldType.TEXT, "contains", "Acme", "_", False),
    (FieldType.TEXT, "starts_with", "Éclair", "éc", True),
    (FieldType.TEXT, "starts_with", "Acme", "cme", False),
    (FieldType.TEXT, "any_of", "Acme", ["x", "ACME"], True),
    (FieldType.NUMBER, "eq", Decimal(5), Decimal("5.00"), True),
    (FieldType.NUMBER, "eq", 0.1, Decimal("0.1"), True),
    (FieldType.NUMBER, "ne", 5, Decimal(5), False),
    (FieldType.NUMBER, "lt", 5, Decimal(5), False),
    (FieldType.NUMBER, "lte", 5, Decimal(5), True),
    (FieldType.NUMBER, "gt", 5, Decimal(5), False),
    (FieldType.NUMBER, "gte", 5, Decimal(5), True),
    (FieldType.NUMBER, "between", 5, (Decimal(5), Decimal(6)), True),
    (FieldType.NUMBER, "between", 7, (Decimal(5), Decimal(6)), False),
    (FieldType.DATE, "before", TODAY, TODAY, False),
    (FieldType.DATE, "after", TODAY, date(2026, 6, 14), True),
    (FieldType.DATE, "on", TODAY, TODAY, True),
    (FieldType.DATE, "between", TODAY, (TODAY, TODAY), True),
    (FieldType.DATE, "in_next", TODAY, 0, True),
    (FieldType.DATE, "in_next", date(2026, 6, 25), 10, True),
    (FieldType.DATE, "in_next", date(2026, 6, 26), 10, False),
    (FieldType.DATE, "in_next", date(2026, 6, 14), 10, False),
    (FieldType.DATE, "in_last", date(2026, 6, 5), 10, True),
    (FieldType.DATE, "in_last", date(2026, 6, 4), 10, False),
    (FieldType.DATE, "in_last", date(2026, 6, 16), 10, False),
    (FieldType.DATE, "more_than_ago", date(2026, 6, 5), 10, False),
    (FieldType.DATE, "more_than_ago", date(2026, 6, 4), 10, True),
    (FieldType.DATE, "more_than_ahead", date(2026, 6, 25), 10, False),
    (FieldType.DATE, "more_than_ahead", date(2026, 6, 26), 10, True),
    (FieldType.BOOLEAN, "is", True, True, True),
    (FieldType.BOOLEAN, "is", False, True, False),
    (FieldType.CHOICE, "any_of", "red", ["red", "blue"], True),
    (FieldType.CHOICE, "none_of", "red", ["red", "blue"], False),
    (FieldType.REFERENCE, "any_of", 3, [3, 4], True),
    (FieldType.SET, "any_of", ["a", "b"], ["b", "c"], True),
    (FieldType.SET, "all_of", ["a", "b"], ["b", "c"], False),
    (FieldType.SET, "all_of", ["a", "b"], ["b", "a"], True),
    (FieldType.SET, "none_of", ["a"], ["b"], True),
    (FieldType.SET, "none_of", [], ["b"], True),
    (FieldType.SET, "empty", [], None, True),
    (FieldType.SET, "not_empty", ["a"], None, True),
]
SQL_TYPES = {
    FieldType.TEXT: "text",
    FieldType.DATE: "date",
    FieldType.BOOLEAN: "boolean",
    FieldType.CHOICE: "text",
    FieldType.REFERENCE: "bigint",
    FieldType.SET: "text[]",
}


@pytest.mark.parametrize(("kind", "key", "value", "operand", "expected"), CASES)
def test_operator_answers_alike_in_sql_and_python(kind, key, value, operand, expected):
    operator = OPERATORS[kind][key]
    assert _ask_sql(kind, operator, value, operand) is expected
    folded = (_fold(value), _fold(operand)) if kind == FieldType.TEXT else (value, operand)
    assert operator.test(*folded, TODAY) is expected


@pytest.mark.parametrize("kind", [kind for kind in FieldType if kind not in {FieldType.SEGMENT, FieldType.SET}])
def test_unknown_answers_nothing_but_unknown_and_known(kind):
    operands = {key: operand for k, key, _, operand, _ in CASES if k == kind}
    for key, operator in OPERATORS[kind].items():
        answer = _ask_sql(kind, operator, None, operands.get(key))
        assert answer is {"unknown": True, "known": False}.get(key)


def _ask_sql(kind, operator, value, operand):
    cast = SQL_TYPES.get(kind, "float8" if isinstance(value, float) else "numeric")
    low, high = operand if isinstance(operand, tuple) else (None, None)
    array = {FieldType.REFERENCE: "::bigint[]"}.get(kind, "::text[]") if isinstance(operand, list) else ""
    text, params = Sql(
        "SELECT " + operator.sql.format(x=f"%(x)s::{cast}", v=f"%(v)s{array}", low="%(low)s", high="%(high)s"),
        {"x": value, "v": operand, "low": low, "high": high, "today": TODAY},
    ).positional()
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        return cursor.fetchone()[0]


def _fold(words):
    return {word.lower() for word in words} if isinstance(words, list) else words.lower()

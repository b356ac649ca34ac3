from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from integrations.imports.conditions import parse_condition
from integrations.imports.errors import BadValue, MappingError
from integrations.imports.types import Style, to_count, to_moment, to_number, to_text
from integrations.imports.values import Aggregate, Column, parse_field, parse_value

STYLE = Style(ZoneInfo("UTC"))
INDEX = {"id": 0, "qty": 1, "price": 2, "at": 3, "wait": 4}
ROW = ["17", "6", "2.55", "2024-01-01 09:00", "90"]


def value_of(node, row=ROW, convert=to_text):
    return parse_value(node, "here").bind(INDEX, convert, STYLE)(row)


def test_plain_text_is_a_column():
    assert value_of("id") == "17"
    assert value_of("qty", convert=to_count) == 6


def test_empty_column_is_nothing_unless_it_has_a_default():
    row = ["", *ROW[1:]]
    assert value_of("id", row) is None
    assert value_of({"column": "id", "default": "none"}, row) == "none"


def test_constant_is_converted_too():
    assert value_of({"constant": 5}, convert=to_number) == Decimal(5)


def test_template_puts_columns_into_text():
    assert value_of({"template": "Customer {id} ({qty})"}) == "Customer 17 (6)"


def test_template_of_empty_columns_is_nothing():
    assert value_of({"template": "Customer {id}"}, ["", *ROW[1:]]) is None


def test_product_multiplies_exactly():
    assert value_of({"product": ["qty", "price"]}, convert=to_number) == Decimal("15.30")
    assert value_of({"product": ["qty", "price"]}, ["1", "", "2", "", ""], to_number) is None


def test_choices_translate_and_otherwise_takes_the_rest():
    node = {"column": "id", "choices": {17: "first"}}
    assert value_of(node) == "first"
    assert value_of(node | {"otherwise": "other"}, ["18", *ROW[1:]]) == "other"


def test_choice_that_is_not_mapped_is_an_error_of_that_column():
    with pytest.raises(BadValue, match="'18' is none of the mapping's choices 17") as refused:
        value_of({"column": "id", "choices": {"17": "first"}}, ["18", *ROW[1:]])
    assert (refused.value.code, refused.value.column) == ("unknown_choice", "id")


def test_plus_moves_a_moment():
    node = {"column": "at", "plus": {"minutes": "wait"}}
    assert value_of(node, convert=to_moment) == datetime(2024, 1, 1, 10, 30, tzinfo=UTC)
    assert value_of(node, [*ROW[:4], ""], to_moment) is None


@pytest.mark.parametrize("wait", ["soon", "1e300"])
def test_plus_names_the_column_that_is_wrong(wait):
    with pytest.raises(BadValue) as refused:
        value_of({"column": "at", "plus": {"days": "wait"}}, [*ROW[:4], wait], to_moment)
    assert refused.value.column == "wait"


def test_bad_value_names_its_column():
    with pytest.raises(BadValue) as refused:
        value_of("at", convert=to_number)
    assert (refused.value.code, refused.value.column) == ("not_a_number", "at")


def test_columns_are_all_that_are_read():
    assert parse_value({"column": "at", "plus": {"minutes": "wait"}}, "").columns() == {"at", "wait"}
    assert parse_value({"product": ["qty", "price"]}, "").columns() == {"qty", "price"}
    assert parse_value({"template": "{id}-{at}"}, "").columns() == {"id", "at"}
    assert parse_value({"constant": "x"}, "").columns() == set()


def test_field_of_a_group_may_join_rows():
    assert parse_field({"last": "at"}, "", grouped=True) == Aggregate("last", Column("at"))
    assert parse_field("at", "", grouped=True) == Aggregate("first", Column("at"))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"sum": "qty"}, "`sum` joins rows and needs a `group_by`"),
        ({"colum": "qty"}, "expected a column's name or one of"),
        ({"column": "qty", "chioces": {}}, "unknown key 'chioces'"),
        ({"column": "qty", "otherwise": "x"}, "`otherwise` belongs to `choices`"),
        ({"column": "qty", "choices": {}}, "choices are pairs"),
        ({"column": "at", "plus": {"weeks": "wait"}}, "`plus` takes minutes, hours, days"),
        ({"template": "no columns"}, "names columns in braces"),
        (["qty"], "expected a column's name"),
        ("", "expected a column's name"),
    ],
)
def test_field_refuses_other_shapes_and_names_the_place(node, message):
    with pytest.raises(MappingError, match=message) as refused:
        parse_field(node, "sections.orders.value", grouped=False)
    assert str(refused.value).startswith("sections.orders.value")


@pytest.mark.parametrize(
    ("condition", "row", "passes"),
    [
        ({"id": "17"}, ROW, True),
        ({"id": 17}, ROW, True),
        ({"id": "18"}, ROW, False),
        ({"id": ["17", "18"]}, ROW, True),
        ({"id": "17", "qty": "7"}, ROW, False),
        ({"id": {"empty": True}}, ROW, False),
        ({"id": {"empty": False}}, ROW, True),
        ({"id": {"starts_with": "1"}}, ROW, True),
        ({"id": {"not": {"starts_with": "1"}}}, ROW, False),
        ({"id": {"not": ["17"]}}, ROW, False),
        ({"at": {"ends_with": "09:00", "contains": "-01-"}}, ROW, True),
        ({"at": {"matches": r"^\d{4}-"}}, ROW, True),
        ({"qty": {"above": 5, "below": 7}}, ROW, True),
        ({"qty": {"above": 6}}, ROW, False),
        ({"at": {"above": 0}}, ROW, False),
        ({"id": True}, ["Yes", *ROW[1:]], True),
        ({"id": False}, ["FALSE", *ROW[1:]], True),
        ({"id": False}, ["TRUE", *ROW[1:]], False),
    ],
)
def test_condition(condition, row, passes):
    assert parse_condition(condition, "", STYLE).bind(INDEX)(row) is passes


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({}, "a condition names columns"),
        ("id", "a condition names columns"),
        ({"id": {"is": "x"}}, "there is no test 'is'; the tests are empty"),
        ({"id": {"matches": "("}}, "not a regular expression"),
        ({"id": {"above": "much"}}, "`above` takes a number"),
        ({"id": {"empty": "yes"}}, "`empty` takes true or false"),
        ({"id": None}, "expected a text"),
    ],
)
def test_condition_refuses_other_shapes(condition, message):
    with pytest.raises(MappingError, match=message):
        parse_condition(condition, "when", STYLE)

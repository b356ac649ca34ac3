from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from integrations.imports.cleaning import CLEANERS
from integrations.imports.errors import BadValue
from integrations.imports.types import Style, to_boolean, to_count, to_date, to_moment, to_number

UTC_STYLE = Style(ZoneInfo("UTC"))
GERMAN = Style(ZoneInfo("Europe/Berlin"), ("%d.%m.%Y", "%d.%m.%Y %H:%M"), ",")


@pytest.mark.parametrize(
    ("text", "style", "number"),
    [
        ("2.55", UTC_STYLE, "2.55"),
        ("-12", UTC_STYLE, "-12"),
        ("1,234.50", UTC_STYLE, "1234.50"),
        ("1.234,50", GERMAN, "1234.50"),
        ("7", GERMAN, "7"),
        ("1e3", UTC_STYLE, "1000"),
    ],
)
def test_number_reads_the_files_marks(text, style, number):
    assert to_number(text, style) == Decimal(number)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "twelve", "", "1.2.3", "--1"])
def test_number_refuses_what_is_none(text):
    with pytest.raises(BadValue, match="is not a number") as refused:
        to_number(text, UTC_STYLE)
    assert refused.value.code == "not_a_number"


def test_count_takes_whole_numbers_only():
    assert to_count("12.0", UTC_STYLE) == 12
    with pytest.raises(BadValue, match="not a whole number"):
        to_count("12.5", UTC_STYLE)


@pytest.mark.parametrize(("text", "answer"), [("TRUE", True), ("y", True), ("0", False), ("No", False)])
def test_boolean_reads_the_usual_words(text, answer):
    assert to_boolean(text, UTC_STYLE) is answer


def test_boolean_refuses_other_words():
    with pytest.raises(BadValue, match="neither yes nor no"):
        to_boolean("maybe", UTC_STYLE)


def test_moment_without_offset_is_taken_in_the_mappings_zone():
    assert to_moment("01.07.2024 12:00", GERMAN) == datetime(2024, 7, 1, 10, 0, tzinfo=UTC)
    assert to_moment("01.01.2024", GERMAN) == datetime(2023, 12, 31, 23, 0, tzinfo=UTC)


def test_moment_with_offset_keeps_it():
    assert to_moment("2024-07-01T12:00:00+02:00", GERMAN) == datetime(2024, 7, 1, 10, 0, tzinfo=UTC)
    assert to_moment("2024-07-01T12:00:00Z", UTC_STYLE) == datetime(2024, 7, 1, 12, 0, tzinfo=UTC)


def test_date_is_the_day_where_the_file_was_written():
    assert to_date("31.12.2023", GERMAN) == date(2023, 12, 31)
    assert to_date("2023-12-31T23:30:00Z", GERMAN) == date(2024, 1, 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [("2024-13-01", "not_a_date"), ("31-12-2024", "not_a_date"), ("0001-01-01", "date_out_of_range")],
)
def test_moment_refuses_what_is_no_date(text, code):
    with pytest.raises(BadValue) as refused:
        to_moment(text, UTC_STYLE)
    assert refused.value.code == code


def test_date_error_names_the_formats_that_would_do():
    with pytest.raises(BadValue, match=r"'24/11/2026' is not a date written as %d\.%m\.%Y, %d\.%m\.%Y %H:%M"):
        to_moment("24/11/2026", GERMAN)


@pytest.mark.parametrize(
    ("cleaner", "text", "cleaned"),
    [
        ("drop_decimals", "17850.0", "17850"),
        ("drop_decimals", "17850", "17850"),
        ("drop_decimals", "17850.5", "17850.5"),
        ("drop_decimals", "C536379", "C536379"),
        ("drop_decimals", "", ""),
        ("drop_leading_zeros", "00420", "420"),
        ("drop_leading_zeros", "000", "0"),
        ("digits", "+44 (0)20", "44020"),
        ("lower", "ACME", "acme"),
        ("upper", "eur", "EUR"),
    ],
)
def test_cleaner(cleaner, text, cleaned):
    assert CLEANERS[cleaner](text) == cleaned

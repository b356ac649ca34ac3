"""How numbers, money and times are written."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from cs_platform.formats import absolute, initials, money, plain_number, relative, short_number, signed_number

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(None, 0, "–"), (float("nan"), 0, "–"), (0, 0, "0"), (12345.6, 0, "12,346"), (-1234.5, 1, "−1,234.5")],
)
def test_plain_number(value, digits, text):
    assert plain_number(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (950, "950"),
        (999.4, "999"),
        (999.6, "1k"),
        (1000, "1k"),
        (1240, "1.2k"),
        (99_940, "99.9k"),
        (99_960, "100k"),
        (184_000, "184k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (8_800_000, "8.8M"),
        (1_300_000_000, "1.3bn"),
        (-42_000, "−42k"),
    ],
)
def test_short_number(value, text):
    assert short_number(value) == text


@pytest.mark.parametrize(
    ("amount", "currency", "short", "text"),
    [
        (None, "USD", True, "–"),
        (Decimal(184_000), "USD", True, "$184k"),
        (Decimal("1234.5"), "EUR", False, "€1,234.50"),
        (Decimal(-900), "GBP", True, "−£900"),
        (Decimal("1234.4"), "JPY", False, "¥1,234"),
        (Decimal(12_000), "CHF", True, "CHF\u00a012k"),
        (0, "USD", True, "$0"),
    ],
)
def test_money(amount, currency, short, text):
    assert money(amount, currency, short=short) == text


@pytest.mark.parametrize(("value", "digits", "text"), [(3, 0, "+3"), (-17, 0, "−17"), (0.4, 0, "0"), (0.44, 1, "+0.4")])
def test_signed_number(value, digits, text):
    assert signed_number(value, digits) == text


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=-46), "1 minute ago"),
        (timedelta(minutes=-12), "12 minutes ago"),
        (timedelta(hours=-3), "3 hours ago"),
        (timedelta(hours=2), "in 2 hours"),
        (timedelta(hours=-13), "yesterday"),
        (timedelta(days=1), "tomorrow"),
        (timedelta(days=-5), "5 days ago"),
        (timedelta(days=21), "in 3 weeks"),
        (timedelta(days=-90), "3 months ago"),
        (timedelta(days=-400), "11 May 2025, 12:00 UTC"[:11]),
    ],
)
def test_relative_time(delta, text):
    assert relative(NOW + delta, NOW) == text


def test_relative_follows_the_readers_day():
    late = datetime(2026, 6, 15, 23, 30, tzinfo=UTC)
    tokyo = NOW.astimezone(ZoneInfo("Asia/Tokyo"))
    assert relative(late, NOW) == "in 12 hours"
    assert relative(late, tokyo) == "tomorrow"


def test_relative_date_counts_days():
    assert relative(date(2026, 6, 15), NOW) == "today"
    assert relative(date(2026, 6, 14), NOW) == "yesterday"
    assert relative(date(2027, 6, 15), NOW) == "15 Jun 2027"


def test_absolute_names_the_time_zone():
    assert absolute(NOW, ZoneInfo("Europe/Berlin")) == "15 Jun 2026, 14:00 CEST"
    assert absolute(date(2026, 6, 5)) == "5 Jun 2026"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Priya Nair", "PN"), ("Acme", "A"), ("Jean van den Berg", "JB"), ("mira@acme.io", "MI"), ("", "?"), ("(x)", "?")],
)
def test_initials(name, letters):
    assert initials(name) == letters

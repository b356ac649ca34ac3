"""From text to the types facts are made of. Pure; raises BadValue without a column."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from integrations.imports.errors import BadValue

YES = {"true", "yes", "y", "t", "1"}
NO = {"false", "no", "n", "f", "0"}
MAX_SHOWN = 60
YEARS = range(1900, 2201)


@dataclass(frozen=True)
class Style:
    """How a file writes its values."""

    time_zone: ZoneInfo
    date_formats: tuple[str, ...] = ()
    decimal_mark: str = "."


Converter = Callable[[object, Style], object]


def shown(value: object) -> str:
    """Return a value as messages show it: quoted and not too long."""
    text = str(value)
    return repr(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…")


def to_text(value: object, style: Style) -> str:
    return str(value)


def to_number(value: object, style: Style) -> Decimal:
    """Return a finite decimal; thousands may be set apart by the mark that is not the decimal one."""
    if isinstance(value, Decimal):
        return value
    text = str(value).strip()
    if style.decimal_mark == ",":
        text = text.replace(".", "").replace(",", ".")
    elif "," in text:
        text = text.replace(",", "")
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise BadValue("not_a_number", f"{shown(value)} is not a number")
    return number


def to_count(value: object, style: Style) -> int:
    number = to_number(value, style)
    if number != number.to_integral_value():
        raise BadValue("not_a_whole_number", f"{shown(value)} is not a whole number")
    return int(number)


def to_boolean(value: object, style: Style) -> bool:
    text = str(value).strip().lower()
    if text in YES:
        return True
    if text in NO:
        return False
    raise BadValue("not_yes_or_no", f"{shown(value)} is neither yes nor no")


def to_moment(value: object, style: Style) -> datetime:
    """Return an aware datetime; one without an offset is taken in the mapping's time zone."""
    moment = _parse(value, style)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=style.time_zone)
    return moment


def to_date(value: object, style: Style) -> date:
    """Return the day as written; with an offset, the day in the mapping's time zone."""
    moment = _parse(value, style)
    if moment.tzinfo is not None:
        moment = moment.astimezone(style.time_zone)
    return moment.date()


def _parse(value: object, style: Style) -> datetime:
    if isinstance(value, datetime):
        return value
    text = str(value).strip()
    moment = _read(text, style)
    if moment.year not in YEARS:
        message = f"{shown(text)} lies outside {YEARS[0]} to {YEARS[-1]}"
        raise BadValue("date_out_of_range", message)
    return moment


def _read(text: str, style: Style) -> datetime:
    for pattern in style.date_formats:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 -- to_moment adds the zone
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        wanted = ", ".join(style.date_formats) or "ISO 8601, like 2026-11-24 09:30"
        raise BadValue("not_a_date", f"{shown(text)} is not a date written as {wanted}") from None


CONVERTERS: dict[str, Converter] = {
    "text": to_text,
    "number": to_number,
    "count": to_count,
    "boolean": to_boolean,
    "moment": to_moment,
    "date": to_date,
}

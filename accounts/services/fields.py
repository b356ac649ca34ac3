"""Shared cleaning of input: text without NUL, dates, money, counts."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from accounts.errors import InvalidInput

MAX_MONEY = Decimal("99999999999.99")
MAX_COUNT = 2_147_483_647


def refuse_unknown(fields: Iterable[str], known: set[str]) -> None:
    """Raise InvalidInput for a field nobody knows, naming the ones there are."""
    for name in fields:
        if name not in known:
            msg = f"There is no field {name!r}; the fields are {', '.join(sorted(known))}."
            raise InvalidInput(msg, name)


def clean_text(value: object, field: str, *, limit: int | None = None, required: bool = False) -> str:
    """Return stripped text. Raises InvalidInput for other types, NUL, lone surrogates and overlong text."""
    if value is None:
        value = ""
    if not isinstance(value, str):
        msg = f"{field} must be text, not {type(value).__name__}."
        raise InvalidInput(msg, field)
    value = value.strip()
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        msg = f"{field} contains characters that cannot be stored (NUL or half of a surrogate pair)."
        raise InvalidInput(msg, field)
    if limit is not None and len(value) > limit:
        msg = f"{field} has {len(value)} characters; at most {limit} fit."
        raise InvalidInput(msg, field)
    if required and not value:
        msg = f"{field} must not be empty."
        raise InvalidInput(msg, field)
    return value


def clean_date(value: Any, field: str) -> date | None:
    """Return a date from a date, datetime or ISO text; None for nothing. Raises InvalidInput."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        msg = f"{field}: {value!r} is not a date like 2026-11-24."
        raise InvalidInput(msg, field) from None


def clean_money(value: Any, field: str) -> Decimal | None:
    """Return an amount rounded to cents; None for nothing. Raises InvalidInput."""
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > MAX_MONEY:
        msg = f"{field}: {value!r} is not an amount of money."
        raise InvalidInput(msg, field)
    return amount.quantize(Decimal("0.01"))


def clean_count(value: Any, field: str) -> int | None:
    """Return a whole number from 0 on; None for nothing. Raises InvalidInput."""
    if value is None or value == "":
        return None
    try:
        count = int(str(value))
    except ValueError:
        count = -1
    if isinstance(value, bool) or not 0 <= count <= MAX_COUNT:
        msg = f"{field}: {value!r} is not a whole number from 0 on."
        raise InvalidInput(msg, field)
    return count


def clean_choice(value: Any, field: str, choices: Iterable[str]) -> str:
    """Return one of the choices. Raises InvalidInput naming them."""
    choices = [str(choice) for choice in choices]
    if value not in choices:
        msg = f"{field}: {value!r} is none of {', '.join(choices)}."
        raise InvalidInput(msg, field)
    return str(value)

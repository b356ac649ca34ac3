"""How numbers, money and times are written. Pure: the clock and the time zone come in."""

import datetime as dt
import math
from decimal import Decimal
from typing import TypeAlias

MINUS = "\N{MINUS SIGN}"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "CAD": "CA$", "AUD": "A$"}
WITHOUT_MINOR_UNIT = {"JPY", "KRW", "CLP", "VND"}
UNKNOWN = "–"

Number: TypeAlias = int | float | Decimal


def plain_number(value: Number | None, digits: int = 0) -> str:
    """Write 12345.6 as 12,346; unknown as a dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return UNKNOWN
    return f"{value:,.{digits}f}".replace("-", MINUS)


def short_number(value: Number) -> str:
    """Write at most three digits: 950, 1.2k, 184k, 8.8M, 1.3bn."""
    size = abs(float(value))
    for unit, suffix in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        # 999.5 of a unit rounds up into the next: 1M, never 1000k.
        if size >= unit * 0.9995:
            scaled = size / unit
            text = f"{scaled:.0f}" if scaled >= 99.95 else f"{scaled:.1f}".removesuffix(".0")
            return f"{MINUS if value < 0 else ''}{text}{suffix}"
    return f"{value:.0f}".replace("-", MINUS)


def money(amount: Number | None, currency: str, *, short: bool = True) -> str:
    """Write $184k, €1,234.50 (not short), CHF 12k; an unknown amount as a dash, never as 0."""
    if amount is None:
        return UNKNOWN
    sign = MINUS if amount < 0 else ""
    digits = 0 if currency in WITHOUT_MINOR_UNIT else 2
    size = -amount if amount < 0 else amount
    figure = short_number(size) if short else plain_number(size, digits)
    symbol = SYMBOLS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    return f"{sign}{symbol}{figure}"


def signed_number(value: Number, digits: int = 0) -> str:
    """Write +3, −17, 0."""
    rounded = round(float(value), digits)
    if rounded == 0:
        return "0"
    return f"{'+' if rounded > 0 else MINUS}{abs(rounded):,.{digits}f}"


def _some(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def relative(when: dt.datetime | dt.date, now: dt.datetime) -> str:
    """Write how far away a time is: 5 minutes ago, yesterday, in 3 weeks, 2 Jan 2025 beyond a year.

    `now` is aware, in the reader's time zone; a date compares with its day.
    """
    if isinstance(when, dt.datetime):
        local = when.astimezone(now.tzinfo)
        seconds = (local - now).total_seconds()
        if abs(seconds) < 6 * 3600 or local.date() == now.date():
            return _minutes_away(seconds)
        when = local.date()
    days = (when - now.date()).days
    if abs(days) <= 1:
        return {0: "today", 1: "tomorrow", -1: "yesterday"}[days]
    if abs(days) >= 365:
        return absolute(when)
    unit, length = ("day", 1.0) if abs(days) < 14 else ("week", 7.0) if abs(days) < 61 else ("month", 30.4)
    return _around(_some(round(abs(days) / length), unit), ahead=days > 0)


def _minutes_away(seconds: float) -> str:
    if abs(seconds) < 45:
        return "just now"
    unit, length = ("minute", 60) if abs(seconds) < 3600 else ("hour", 3600)
    return _around(_some(max(1, round(abs(seconds) / length)), unit), ahead=seconds > 0)


def _around(text: str, *, ahead: bool) -> str:
    return f"in {text}" if ahead else f"{text} ago"


def absolute(when: dt.datetime | dt.date, zone: dt.tzinfo | None = None) -> str:
    """Write 24 Nov 2026, or 24 Nov 2026, 16:05 UTC for a time."""
    if isinstance(when, dt.datetime):
        local = when.astimezone(zone) if zone else when
        return f"{local.day} {local:%b %Y, %H:%M %Z}".rstrip()
    return f"{when.day} {when:%b %Y}"


def initials(name: str) -> str:
    """Return the letters of an avatar: first and last word's, upper case; ? for an empty name."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()

"""Strict fields and serializers: wrong types are refused, never bent into shape, nor ignored."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

# Years outside are typing mistakes, and the ends of the calendar cannot change time zone.
MIN_YEAR, MAX_YEAR = 1900, 2200
MAX_ID = 2**63 - 1
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
MONEY = re.compile(r"-?\d{1,11}(\.\d{1,2})?", re.ASCII)


class StrictSerializer(serializers.Serializer):
    """Refuses fields it does not know. `partial=True`: fields left out stay as they are."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            known = [name for name, field in self.fields.items() if not field.read_only]
            for name in data.keys() - set(known):
                fields = f"the fields are {', '.join(sorted(known))}" if known else "nothing may be given"
                message = f"There is no field {name!r} here; {fields}."
                errors[name] = [ErrorDetail(message, "unknown_field")]
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as exc:
            errors |= cast(dict[str, Any], exc.detail)
        if errors:
            raise serializers.ValidationError(errors)
        return value


class Text(serializers.CharField):
    """Text as text. NUL and halves of surrogate pairs cannot be stored; null and "" both mean none."""

    def __init__(self, *, required: bool = False, nullable: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("allow_blank", nullable)
        super().__init__(required=required, allow_null=nullable, **kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None and not isinstance(data, str):
            raise serializers.ValidationError(f"This must be text, not {_type_name(data)}.", "wrong_type")
        if isinstance(data, str) and not is_storable(data):
            raise serializers.ValidationError(
                "This contains characters that cannot be stored (NUL or half of a surrogate pair).", "bad_characters"
            )
        value = super().run_validation(data)
        return "" if value is None else value


class Choice(serializers.ChoiceField):
    """One of the values of a TextChoices; null where nothing may be said."""

    def __init__(
        self,
        choices: type[models.TextChoices],
        *,
        required: bool = False,
        nullable: bool = False,
        **kwargs: Any,
    ) -> None:
        self.values = choices.values
        super().__init__(choices=choices.choices, required=required, allow_null=nullable, **kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None and (not isinstance(data, str) or data not in self.values):
            raise serializers.ValidationError(f"{_shown(data)} is none of {', '.join(self.values)}.", "wrong_choice")
        value = super().run_validation(data)
        return "" if value is None else value


class Whole(serializers.IntegerField):
    """A whole number; texts and true are none."""

    def __init__(self, *, low: int = 0, high: int = 2_147_483_647, required: bool = False, **kwargs: Any) -> None:
        super().__init__(min_value=low, max_value=high, required=required, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        whole = isinstance(data, int) and not isinstance(data, bool)
        if not whole and not (isinstance(data, float) and data.is_integer()):
            raise serializers.ValidationError(f"This must be a whole number, not {_shown(data)}.", "wrong_type")
        return int(data)


class Flag(serializers.BooleanField):
    """true or false, nothing like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError(f"This must be true or false, not {_shown(data)}.", "wrong_type")
        return data


@extend_schema_field({"type": "string", "format": "decimal", "pattern": f"^{MONEY.pattern}$", "examples": ["1250.00"]})
class Money(serializers.Field):
    """An amount as decimal text, at most two places: numbers of JSON lose digits on the way."""

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not MONEY.fullmatch(data):
            raise serializers.ValidationError(
                f'{_shown(data)} is not an amount; write it as text with at most two decimals, like "1250.00".',
                "wrong_amount",
            )
        return Decimal(data)

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


class Day(serializers.DateField):
    """A date, YYYY-MM-DD."""

    def to_internal_value(self, value: Any) -> date:
        if isinstance(value, str) and DAY.fullmatch(value):
            try:
                day = date.fromisoformat(value)
            except ValueError:
                day = None
            if day is not None and MIN_YEAR <= day.year <= MAX_YEAR:
                return day
        raise serializers.ValidationError(
            f"{_shown(value)} is not a date like 2026-11-24 between {MIN_YEAR} and {MAX_YEAR}.", "wrong_date"
        )


class Moment(serializers.DateTimeField):
    """A moment of RFC 3339, with its offset."""

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, str) and MOMENT.fullmatch(value):
            try:
                moment = datetime.fromisoformat(value.upper())
            except ValueError:
                moment = None
            if moment is not None and MIN_YEAR < moment.year < MAX_YEAR:
                return moment.astimezone(UTC)
        raise serializers.ValidationError(
            f"{_shown(value)} is not a moment like 2026-11-24T09:30:00Z (with an offset) after {MIN_YEAR} and before"
            f" {MAX_YEAR}.",
            "wrong_moment",
        )

    def to_representation(self, value: Any) -> str:
        return moment_text(value)


@extend_schema_field({"type": "string", "examples": ["1042"]})
class Id(serializers.Field):
    """An id of ours. Outside it is opaque text; inside a positive whole number."""

    default_error_messages = {
        "wrong_type": "An id is text, as it was given by this API.",
        "not_found": "There is nothing with the id {id}.",
    }

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str):
            self.fail("wrong_type")
        key = key_of(data)
        if key is None:
            self.fail("not_found", id=_shown(data))
        return key

    def to_representation(self, value: int) -> str:
        return str(value)


class BlankAsNull(serializers.CharField):
    """Reads out text of ours: empty is unknown, and unknown is null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: str) -> str | None:  # type: ignore[override]
        return value or None


def key_of(text: str) -> int | None:
    """Return the key an opaque id stands for; None for text that cannot be one."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MAX_ID)) or text.startswith("0"):
        return None
    key = int(text)
    return key if key <= MAX_ID else None


def moment_text(moment: datetime) -> str:
    """Return the one form in which this API writes moments: UTC with microseconds, sortable as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def is_storable(text: str) -> bool:
    """True for text that PostgreSQL takes: no NUL, no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _shown(value: object) -> str:
    """Return a value as words for an error, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _type_name(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)

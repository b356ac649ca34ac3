"""What the readers and writers of all resources have in common."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from team.api.fields import Id, Moment, StrictSerializer, Text, key_of
from team.serializers import SyncReader

MAX_SYSTEM, MAX_EXTERNAL_ID = 60, 255


@dataclass(frozen=True)
class Ref:
    """How a body names another row: by our key, or by (system, external_id), or a user by e-mail."""

    key: int | None = None
    system: str = ""
    external_id: str = ""
    email: str = ""

    def __str__(self) -> str:
        return self.email or (f"{self.system} id {self.external_id!r}" if self.system else f"id {self.key}")


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}, "examples": [{"crm": "0015-88"}]})
class ExternalIdsRead(serializers.Field):
    """By system; where a system has several, the first. The view loads them for a page at once."""

    def __init__(self) -> None:
        super().__init__(source="pk", read_only=True, help_text="What other systems call it: system → id.")

    def to_representation(self, value: int) -> dict[str, str]:
        found: dict[str, str] = self.context["external_ids"].get(value, {})
        return found


class ChoiceRead(serializers.ChoiceField):
    """Reads out a choice; empty is unknown, and unknown is null."""

    def __init__(self, choices: type[models.TextChoices], **kwargs: Any) -> None:
        super().__init__(choices=choices.choices, read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return value or None


class RowReader(SyncReader):
    """Rows that other systems name too."""

    external_ids = ExternalIdsRead()


class FactReader(RowReader):
    """Something that happened."""

    account = Id(source="account_id", read_only=True)
    occurred_at = Moment(read_only=True)


class ExternalRef(StrictSerializer):
    system = Text(required=True, nullable=False, max_length=MAX_SYSTEM, help_text="Your name for the system, like crm.")
    external_id = Text(required=True, nullable=False, max_length=MAX_EXTERNAL_ID, help_text="The id over there.")


REF_SCHEMA: dict[str, Any] = {
    "oneOf": [
        {"type": "string", "description": "Our id."},
        {
            "type": "object",
            "description": "The id in another system.",
            "additionalProperties": False,
            "required": ["system", "external_id"],
            "properties": {"system": {"type": "string"}, "external_id": {"type": "string"}},
        },
    ]
}


@extend_schema_field(REF_SCHEMA)
class RowRef(serializers.Field):
    """Another row, by our id or by an external id."""

    named: ClassVar[type[StrictSerializer]] = ExternalRef
    default_error_messages = {
        "wrong_type": 'Give an id as text, or {{"system": …, "external_id": …}}.',
        "not_found": "There is nothing with the id {id}.",
    }

    def to_internal_value(self, data: Any) -> Ref:
        if isinstance(data, dict):
            return Ref(**self.named().run_validation(data))
        if not isinstance(data, str):
            self.fail("wrong_type")
        key = key_of(data)
        if key is None:
            self.fail("not_found", id=repr(data[:40]))
        return Ref(key=key)


class UserByEmail(StrictSerializer):
    email = Text(required=True, nullable=False, max_length=254)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "description": "The user's id."},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["email"],
                "properties": {"email": {"type": "string", "format": "email"}},
            },
        ]
    }
)
class UserRef(RowRef):
    """A user, by id or e-mail address."""

    named = UserByEmail
    default_error_messages = {
        "wrong_type": 'Give the id of a user as text, or {{"email": …}}.',
    }


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 255}})
class ExternalIdsWrite(serializers.Field):
    """Names to add: system → id."""

    default_error_messages = {
        "wrong_type": 'Give an object of texts, like {{"crm": "0015-88"}}.',
        "wrong_length": "A system has 1 to 60 characters, an id 1 to 255.",
    }

    def __init__(self) -> None:
        super().__init__(required=False, help_text="Names in other systems to add; those there stay.")

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
            self.fail("wrong_type")
        for system, value in data.items():
            if not 0 < len(system) <= MAX_SYSTEM or not 0 < len(value) <= MAX_EXTERNAL_ID:
                self.fail("wrong_length")
        return dict(data)


class ProductKey(Text):
    def __init__(self) -> None:
        pattern = RegexValidator(r"^[A-Za-z0-9_-]{1,60}$", "A product's key has at most 60 of a–z, 0–9, - and _.")
        super().__init__(validators=[pattern], help_text="Key of a product; made on its first mention.")


@extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}})
class Attributes(serializers.Field):
    """Values of defined attributes by key; null clears one, keys left out stay."""

    def __init__(self) -> None:
        super().__init__(
            required=False, help_text="Attributes by key, as defined under Settings. null clears; the rest stay."
        )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("Give an object of attributes by key.", "wrong_type")
        wrong = {
            key: ["An attribute is text, a number, true, false or null."]
            for key, value in data.items()
            if isinstance(value, dict | list)
        }
        if wrong:
            raise serializers.ValidationError(wrong, "wrong_type")
        return dict(data)


@extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}})
class AttributesRead(serializers.JSONField):
    pass

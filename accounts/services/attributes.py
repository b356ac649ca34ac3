"""Dated values of accounts and contacts, and their projection onto the row."""

import math
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Func, JSONField, TextField, Value
from django.db.models.functions import Cast

from accounts.enums import AttributeType, Entity
from accounts.errors import InvalidInput
from accounts.events import write_events
from accounts.models import (
    Account,
    AccountEvent,
    AttributeDefinition,
    AttributeValue,
    Contact,
)
from accounts.services.context import Context
from accounts.services.fields import clean_text
from team.models import Team, User

BUILTIN = {"stage", "tier", "csm", "team"}
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
MAX_TEXT = 1000


class _RemoveKey(Func):
    """A JSON object without a key."""

    arg_joiner = " - "
    output_field = JSONField()
    template = "%(expressions)s"


@transaction.atomic
def define_attribute(
    *,
    entity: str,
    key: str,
    label: str,
    type: str = AttributeType.TEXT,
    choices: list[str] | None = None,
) -> AttributeDefinition:
    """Create an attribute. Raises InvalidInput for a key that is taken or no snake_case word."""
    if not KEY.fullmatch(key):
        msg = "A key is a word of a–z, 0–9 and _, at most 60 characters, starting with a letter."
        raise InvalidInput(msg, "key")
    if AttributeDefinition.objects.filter(entity=entity, key=key).exists():
        msg = f"There is already an attribute {key!r}."
        raise InvalidInput(msg, "key")
    cleaned = _clean_choices(choices) if type == AttributeType.CHOICE else []
    return AttributeDefinition.objects.create(entity=entity, key=key, label=label[:80], type=type, choices=cleaned)


@transaction.atomic
def update_attribute(
    *, definition: AttributeDefinition, label: str, choices: list[str] | None = None
) -> AttributeDefinition:
    """Change label and choices. Values that are no longer a choice stay what they were. Raises InvalidInput."""
    definition.label = clean_text(label, "label", limit=80, required=True)
    if definition.type == AttributeType.CHOICE and not definition.is_builtin:
        definition.choices = _clean_choices(choices)
    definition.save(update_fields=["label", "choices"])
    return definition


@transaction.atomic
def delete_attribute(*, definition: AttributeDefinition) -> None:
    """Delete an attribute with all its values, past ones too. Raises InvalidInput for a built-in one.

    Conditions that ask about it say so from then on; accounts.conditions.uses finds them.
    """
    if definition.is_builtin:
        msg = f"{definition.label} is built in and cannot be deleted."
        raise InvalidInput(msg)
    rows: type[Account | Contact] = Account if definition.entity == Entity.ACCOUNT else Contact
    rows.all_objects.filter(attributes__has_key=definition.key).update(
        attributes=_RemoveKey("attributes", Cast(Value(definition.key), TextField()))
    )
    definition.delete()


def _clean_choices(choices: list[str] | None) -> list[str]:
    cleaned = list(dict.fromkeys(clean_text(choice, "choices", limit=80) for choice in choices or []))
    if not any(cleaned):
        msg = "A choice needs at least one value to choose."
        raise InvalidInput(msg, "choices")
    return [choice for choice in cleaned if choice]


@transaction.atomic
def set_attributes(
    *,
    row: Account | Contact,
    values: dict[str, Any],
    now: datetime,
    occurred_at: datetime | None = None,
    backfill: bool = False,
    actor: User | None = None,
    define_missing: bool = False,
) -> list[AttributeValue]:
    """Set dated values from occurred_at on (default: now); None clears, keys left out stay.

    Writes only what differs from the value at that time, projects the newest values onto the row,
    and for accounts writes one event per change. With `define_missing`, unknown keys are defined
    by the type of their first value. Raises InvalidInput naming the key.
    """
    if not values:
        return []
    entity = Entity.ACCOUNT if isinstance(row, Account) else Entity.CONTACT
    context = Context(now=now, backfill=backfill, actor=actor)
    occurred_at = occurred_at or now
    definitions = find_definitions(entity, values, define_missing=define_missing)
    history = _history(row, definitions)
    fresh: list[AttributeValue] = []
    for key, raw in values.items():
        definition = definitions[key]
        value = clean_value(definition, raw)
        if value == value_at(history.get(definition.pk, []), occurred_at):
            continue
        fresh.append(
            AttributeValue(
                definition=definition,
                **{entity.value: row},
                value=value,
                actor=actor,
                **context.times(occurred_at),
            )
        )
    if not fresh:
        return []
    newest = {pk: rows[-1].occurred_at for pk, rows in history.items()}
    AttributeValue.objects.bulk_create(fresh)
    current = [v for v in fresh if v.occurred_at >= newest.get(v.definition_id, v.occurred_at)]
    if current:
        _project(row, current)
    if isinstance(row, Account):
        write_events(change_event(value, history, context) for value in fresh)
    return fresh


def clean_value(definition: AttributeDefinition, value: Any) -> Any:
    """Return the value as stored (JSON scalar; dates as ISO text). Raises InvalidInput."""
    if value is None or value == "":
        return None
    cleaned = _CLEANERS[AttributeType(definition.type)](value)
    if cleaned is None:
        msg = f"{definition.label}: {value!r} is not {_WANTED[AttributeType(definition.type)]}."
        raise InvalidInput(msg, definition.key)
    if definition.type == AttributeType.CHOICE and cleaned not in definition.choices:
        msg = f"{definition.label}: {value!r} is none of {', '.join(definition.choices)}."
        raise InvalidInput(msg, definition.key)
    if definition.key == "csm" and not User.objects.filter(pk=int(cleaned)).exists():
        msg = f"CSM: there is no user {value!r}."
        raise InvalidInput(msg, "csm")
    if definition.key == "team" and definition.is_builtin and not Team.objects.filter(pk=int(cleaned)).exists():
        msg = f"Team: there is no team {value!r}."
        raise InvalidInput(msg, "team")
    return cleaned


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    return text if len(text) <= MAX_TEXT and "\x00" not in text else None


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e15:
        return None
    return int(value) if float(value).is_integer() else value


def _boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        return {
            "true": True,
            "yes": True,
            "1": True,
            "false": False,
            "no": False,
            "0": False,
        }.get(value.lower())
    return value if isinstance(value, bool) else None


def _date(value: Any) -> str | None:
    if isinstance(value, date):
        return value.isoformat()[:10]
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        return None


def _key(value: Any) -> int | None:
    if isinstance(value, User | Team):
        return value.pk
    number = _number(value)
    return number if isinstance(number, int) and number > 0 else None


_CLEANERS = {
    AttributeType.TEXT: _text,
    AttributeType.NUMBER: _number,
    AttributeType.BOOLEAN: _boolean,
    AttributeType.DATE: _date,
    AttributeType.CHOICE: _text,
    AttributeType.USER: _key,
}
_WANTED = {
    AttributeType.TEXT: f"a text of at most {MAX_TEXT} characters",
    AttributeType.NUMBER: "a number",
    AttributeType.BOOLEAN: "true or false",
    AttributeType.DATE: "a date like 2026-11-24",
    AttributeType.CHOICE: "one of the choices",
    AttributeType.USER: "the id of a user",
}


def known_definitions(entity: Entity, keys: Iterable[str]) -> dict[str, AttributeDefinition]:
    return {d.key: d for d in AttributeDefinition.objects.filter(entity=entity, key__in=list(keys))}


def find_definitions(entity: Entity, values: dict[str, Any], *, define_missing: bool) -> dict[str, AttributeDefinition]:
    """Return the definitions of the keys; unknown ones are defined by their value, or refused by InvalidInput."""
    found = known_definitions(entity, values)
    for key in values.keys() - found.keys():
        if not define_missing:
            raise unknown_attribute(entity, key)
        found[key] = define_attribute(
            entity=entity,
            key=key,
            label=key.replace("_", " ").capitalize(),
            type=_type_of(values[key]),
        )
    return found


def unknown_attribute(entity: Entity, key: str) -> InvalidInput:
    return InvalidInput(
        f"There is no {entity.label.lower()} attribute {key!r}. Define it under Settings → Fields first.", key
    )


def _type_of(value: object) -> AttributeType:
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    return AttributeType.NUMBER if isinstance(value, int | float) else AttributeType.TEXT


def _history(row: Account | Contact, definitions: dict[str, AttributeDefinition]) -> dict[int, list[AttributeValue]]:
    """Return the values of each definition, oldest first."""
    history: dict[int, list[AttributeValue]] = {}
    for value in row.attribute_values.filter(definition__in=definitions.values()).order_by("occurred_at", "id"):
        history.setdefault(value.definition_id, []).append(value)
    return history


def value_at(values: list[AttributeValue], moment: datetime) -> Any:
    """Return the value at a moment of values given oldest first; None when there was none."""
    earlier = [value.value for value in values if value.occurred_at <= moment]
    return earlier[-1] if earlier else None


def _project(row: Account | Contact, values: list[AttributeValue]) -> None:
    """Bring the row's columns and `attributes` up to the newest values."""
    fields = {put_value(row, value.definition, value.value) for value in values}
    row.save(update_fields=sorted(fields))


def put_value(row: Account | Contact, definition: AttributeDefinition, value: Any) -> str:
    """Set a current value on the row, unsaved; returns the field that holds it."""
    key = definition.key
    if definition.is_builtin:
        column = f"{key}_id" if key in {"csm", "team"} else key
        setattr(row, column, value if value is not None or column.endswith("_id") else "")
        return key
    row.attributes.pop(key, None)
    if value is not None:
        row.attributes[key] = value
    return "attributes"


def change_event(value: AttributeValue, history: dict[int, list[AttributeValue]], context: Context) -> AccountEvent:
    """Return the event, unsaved, of an account's new value; `history` has the values before it."""
    definition = value.definition
    payload: dict[str, object] = {
        "attribute": definition.key,
        "attribute_value_id": value.pk,
    }
    if definition.is_builtin:
        payload |= {
            "from": value_at(history.get(definition.pk, []), value.occurred_at),
            "to": value.value,
        }
    kind = f"{definition.key}.changed" if definition.is_builtin else "attribute.changed"
    return context.event(value.account_id or 0, kind, value.occurred_at, payload)

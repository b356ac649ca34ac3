"""One field for every attribute that an admin defined, of accounts and of contacts."""

from collections.abc import Iterable

from accounts.conditions.account_fields import users
from accounts.conditions.catalogue import Choices, Field, FieldType, Source, register_family
from accounts.conditions.moment import Sql
from accounts.enums import AttributeType, Entity
from accounts.models import AttributeDefinition
from accounts.models.times import VISIBLE

TYPES = {
    AttributeType.TEXT: FieldType.TEXT,
    AttributeType.NUMBER: FieldType.NUMBER,
    AttributeType.BOOLEAN: FieldType.BOOLEAN,
    AttributeType.DATE: FieldType.DATE,
    AttributeType.CHOICE: FieldType.CHOICE,
    AttributeType.USER: FieldType.REFERENCE,
}
# From JSON ({json}) to the type in SQL. What does not fit, as after a change of type, is unknown.
_CASTS = {
    FieldType.TEXT: "NULLIF({json} #>> '{}', '')",
    FieldType.CHOICE: "{json} #>> '{}'",
    FieldType.NUMBER: "CASE WHEN jsonb_typeof({json}) = 'number' THEN ({json})::numeric END",
    FieldType.REFERENCE: "CASE WHEN jsonb_typeof({json}) = 'number' THEN ({json})::bigint END",
    FieldType.BOOLEAN: "CASE WHEN jsonb_typeof({json}) = 'boolean' THEN ({json})::boolean END",
    FieldType.DATE: "CASE WHEN pg_input_is_valid({json} #>> '{}', 'date') THEN ({json} #>> '{}')::date END",
}


def attribute_fields() -> Iterable[Field]:
    for definition in AttributeDefinition.objects.filter(is_builtin=False):
        entity, kind = Entity(definition.entity), TYPES[AttributeType(definition.type)]
        if entity not in {Entity.ACCOUNT, Entity.CONTACT}:
            continue
        key = definition.key.replace("'", "''").replace("%", "%%")
        column = _CASTS[kind].replace("{json}", f"({{row}}.attributes -> '{key}')")
        yield Field(
            key=f"attribute.{definition.key}",
            label=definition.label,
            type=kind,
            group=f"{entity.label} attributes",
            source=_dated(definition.pk, entity, kind),
            entity=entity,
            choices=_choices(definition, kind),
            column=f"({column})",
            has_since=True,
        )


def _dated(pk: int, entity: Entity, kind: FieldType) -> Source:
    owner, cast = f"v.{entity.value}_id", _CASTS[kind].replace("{json}", "v.value")
    text = (
        f"SELECT DISTINCT ON ({owner}) {owner} AS id, {cast} AS value, v.occurred_at AS since"  # noqa: S608 -- constants
        f" FROM accounts_attributevalue AS v"
        f" WHERE v.definition_id = %(definition)s AND {owner} IS NOT NULL AND {VISIBLE.format(t='v')}"
        f" ORDER BY {owner}, v.occurred_at DESC, v.id DESC"
    )
    return lambda _params, _moment: Sql(text, {"definition": pk})


def _choices(definition: AttributeDefinition, kind: FieldType) -> Choices | None:
    if kind == FieldType.REFERENCE:
        return users
    if kind == FieldType.CHOICE:
        return lambda: [(choice, choice) for choice in definition.choices]
    return None


register_family(attribute_fields)

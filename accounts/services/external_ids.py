"""What other systems call our rows."""

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection
from django.db.models import Model

from accounts.enums import Entity
from accounts.errors import InvalidInput
from accounts.models import (
    Account,
    Activity,
    Contact,
    ExternalId,
    Subscription,
    SurveyResponse,
    Ticket,
)

Name = tuple[str, str]  # a system, and what it calls a row
MODELS: dict[str, type[Model]] = {
    Entity.ACCOUNT: Account,
    Entity.CONTACT: Contact,
    Entity.SUBSCRIPTION: Subscription,
    Entity.ACTIVITY: Activity,
    Entity.TICKET: Ticket,
    Entity.SURVEY_RESPONSE: SurveyResponse,
}


def find_by_external_id(entity: str, system: str, value: str) -> int | None:
    """Return the primary key of the row another system calls `value`, or None."""
    return (
        ExternalId.objects.filter(entity=entity, system=system, value=value).values_list("object_id", flat=True).first()
    )


def find_all_by_external_id(entity: str, system: str, values: Iterable[str]) -> dict[str, int]:
    """Return the keys of the rows another system calls `values`, by value; the unknown are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT value, object_id FROM accounts_externalid WHERE entity = %s AND system = %s AND value = ANY(%s)",
            [entity, system, list(values)],
        )
        return dict(cursor.fetchall())


def give_external_id(*, entity: str, system: str, value: str, object_id: int) -> ExternalId:
    """Name a row as another system does. Raises InvalidInput when the name belongs to another row."""
    check_external_id(system, value)
    row, _ = ExternalId.objects.get_or_create(
        entity=entity, system=system, value=value, defaults={"object_id": object_id}
    )
    if row.object_id != object_id:
        msg = f"{system} id {value!r} already belongs to another {entity}."
        raise InvalidInput(msg, "external_id")
    return row


def give_external_ids(*, entity: str, names: Mapping[Name, int]) -> None:
    """Give rows further names; one that is taken stays whose it is. Raises InvalidInput."""
    for name in names:
        check_external_id(*name)
    ExternalId.objects.bulk_create(
        [
            ExternalId(entity=entity, system=system, value=value, object_id=key)
            for (system, value), key in sorted(names.items())
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )


def claim_external_ids(entity: str, names: Sequence[Name]) -> dict[Name, int]:
    """Reserve the keys of rows about to be created, by name.

    The name decides: one that somebody else has taken meanwhile is left out, and so is its row to be.
    """
    if not names:
        return {}
    table = MODELS[entity]._meta.db_table  # noqa: SLF001 -- Django's public name
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_externalid (entity, system, value, object_id, created_at)"
            " SELECT %s, name.system, name.value, nextval(pg_get_serial_sequence(%s, 'id')), statement_timestamp()"
            " FROM unnest(%s::text[], %s::text[]) AS name (system, value)"
            " ON CONFLICT DO NOTHING RETURNING system, value, object_id",
            [entity, table, *map(list, zip(*names, strict=True))],
        )
        return {(system, value): key for system, value, key in cursor.fetchall()}


def check_external_id(system: str, value: str) -> None:
    """Raise InvalidInput for names that cannot be stored."""
    if not system or len(system) > 60 or "\x00" in system:
        msg = "The system's name must have 1 to 60 characters."
        raise InvalidInput(msg, "system")
    if not value or len(value) > 255 or "\x00" in value:
        msg = "An external id must have 1 to 255 characters."
        raise InvalidInput(msg, "external_id")


def lock_external_id(entity: str, system: str, value: str) -> None:
    """Let one transaction at a time create the row of an external id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{entity}\x1f{system}\x1f{value}"],
        )

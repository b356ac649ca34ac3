"""What other systems call our rows."""

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

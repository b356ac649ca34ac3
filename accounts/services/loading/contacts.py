"""New contacts, many at once, with the account they work for and their persona."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import ContactRole, Entity
from accounts.errors import InvalidInput
from accounts.models import (
    Account,
    AttributeDefinition,
    AttributeValue,
    Contact,
    ContactPersona,
    Persona,
)
from accounts.services.attributes import put_value
from accounts.services.contacts import FIELDS, clean_texts
from accounts.services.context import Context
from accounts.services.fields import clean_choice, refuse_unknown
from accounts.services.loading.batch import BATCH_SIZE, AlreadyHereError, Attributes, Batch
from accounts.services.loading.memberships import Joining, write_memberships
from team.models import User


@dataclass(frozen=True, kw_only=True)
class NewContact:
    """Fields as of `create_contact`. With an account: a member of it from occurred_at until left_at.
    With a persona: pinned to it from occurred_at on.
    """

    fields: dict[str, Any]
    account: Account | None = None
    role: str | None = None
    persona: Persona | None = None
    occurred_at: datetime | None = None
    left_at: datetime | None = None
    system: str = ""
    external_id: str = ""


@transaction.atomic
def create_contacts(
    rows: Sequence[NewContact],
    *,
    now: datetime,
    backfill: bool = False,
    actor: User | None = None,
    define_missing: bool = False,
) -> list[Contact | InvalidInput | None]:
    """Create contacts and their memberships; see the package for what is returned."""
    context = Context(now=now, backfill=backfill, actor=actor)
    attributes = Attributes(
        Entity.CONTACT, [row.fields.get("attributes") or {} for row in rows], define_missing=define_missing
    )
    dated: dict[int, list[tuple[AttributeDefinition, Any]]] = {}
    emails = _known_emails(rows)

    def build(row: NewContact) -> Contact:
        refuse_unknown(row.fields, FIELDS)
        if row.role is not None:
            clean_choice(row.role, "role", ContactRole.values)
        contact = Contact(**clean_texts(row.fields), persona=row.persona)
        if contact.email:
            if row.external_id and contact.email in emails:
                raise AlreadyHereError
            emails.add(contact.email)
        pairs = [pair for pair in attributes.clean(row.fields.get("attributes") or {}) if pair[1] is not None]
        for definition, value in pairs:
            put_value(contact, definition, value)
        dated[id(contact)] = pairs
        return contact

    batch = Batch(Entity.CONTACT, rows, build)
    batch.save()
    AttributeValue.objects.bulk_create(
        [
            AttributeValue(
                definition=definition,
                contact=contact,
                value=value,
                actor=actor,
                **context.times(row.occurred_at or now),
            )
            for row, contact in batch.made
            for definition, value in dated[id(contact)]
        ],
        batch_size=BATCH_SIZE,
    )
    write_memberships(
        [
            Joining(contact.pk, row.account.pk, row.occurred_at or now, row.role or ContactRole.END_USER, row.left_at)
            for row, contact in batch.made
            if row.account is not None
        ],
        context,
    )
    ContactPersona.objects.bulk_create(
        [
            ContactPersona(
                contact=contact,
                persona=row.persona,
                is_pinned=True,
                actor=actor,
                **context.times(row.occurred_at or now),
            )
            for row, contact in batch.made
            if row.persona is not None
        ],
        batch_size=BATCH_SIZE,
    )
    return batch.results


def _known_emails(rows: Sequence[NewContact]) -> set[str]:
    """Return the addresses of contacts we have: a new name with one of them is the same person."""
    emails = {str(row.fields.get("email") or "").strip().lower() for row in rows} - {""}
    return set(Contact.objects.filter(email__in=emails).values_list("email", flat=True)) if emails else set()

"""Contacts, where they work, and their persona."""

from datetime import datetime
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet

from accounts.enums import ContactRole, Entity
from accounts.errors import InvalidInput
from accounts.models import Account, Contact, ContactPersona, Membership, Persona
from accounts.services.attributes import set_attributes
from accounts.services.context import Context, Options
from accounts.services.external_ids import (
    find_by_external_id,
    give_external_id,
    lock_external_id,
)
from accounts.services.fields import clean_choice, clean_text, refuse_unknown
from team.models import User

TEXTS = {"name": 200, "email": 254, "title": 150, "phone": 40, "time_zone": 64}
FIELDS = set(TEXTS) | {"attributes"}


@transaction.atomic
def create_contact(
    *,
    fields: dict[str, Any],
    **options: Unpack[Options],
) -> Contact:
    """Create a contact, at no account yet. `fields`: FIELDS. Raises InvalidInput."""
    refuse_unknown(fields, FIELDS)
    contact = Contact.objects.create(**clean_texts(fields))
    set_attributes(row=contact, values=fields.get("attributes") or {}, **options)
    return contact


@transaction.atomic
def update_contact(
    *,
    contact: Contact,
    fields: dict[str, Any],
    **options: Unpack[Options],
) -> Contact:
    """Change the given fields; fields left out stay. Raises InvalidInput."""
    refuse_unknown(fields, FIELDS)
    contact = Contact.objects.select_for_update().get(pk=contact.pk)
    texts = clean_texts(fields)
    changed = [name for name, value in texts.items() if getattr(contact, name) != value]
    for name in changed:
        setattr(contact, name, texts[name])
    if changed:
        contact.save(update_fields=changed)
    set_attributes(row=contact, values=fields.get("attributes") or {}, **options)
    return contact


@transaction.atomic
def upsert_contact(
    *,
    system: str,
    external_id: str,
    fields: dict[str, Any],
    **options: Unpack[Options],
) -> tuple[Contact, bool]:
    """Create or change the contact another system calls `external_id`.

    A new name with the e-mail address of a contact we have is the same person: it is added to them.
    Returns (contact, whether it is new). Raises InvalidInput.
    """
    lock_external_id(Entity.CONTACT, system, external_id)
    pk = find_by_external_id(Entity.CONTACT, system, external_id)
    if pk is not None:
        Contact.all_objects.filter(pk=pk).exclude(deleted_at=None).update(deleted_at=None)
    known = Contact.objects.get(pk=pk) if pk is not None else _same_email(fields.get("email"))
    if known is None:
        contact = create_contact(fields=fields, **options)
    else:
        contact = update_contact(contact=known, fields=fields, **options)
    if pk is None:
        give_external_id(entity=Entity.CONTACT, system=system, value=external_id, object_id=contact.pk)
    return contact, known is None


@transaction.atomic
def delete_contact(*, contact: Contact, now: datetime, actor: User | None = None) -> None:
    """Leave a tombstone and end the memberships."""
    for membership in contact.memberships.filter(until=None).select_related("account"):
        leave_account(membership=membership, at=now, now=now, actor=actor)
    Contact.objects.filter(pk=contact.pk).update(deleted_at=now)


@transaction.atomic
def join_account(
    *,
    contact: Contact,
    account: Account,
    occurred_at: datetime,
    now: datetime,
    role: str | None = None,
    backfill: bool = False,
    actor: User | None = None,
) -> Membership:
    """Make a contact a member of an account; a change of role closes the old membership.

    Does nothing for a member whose role stays (None: whatever it is). Raises InvalidInput.
    """
    context = Context(now=now, backfill=backfill, actor=actor)
    if role is not None:
        clean_choice(role, "role", ContactRole.values)
    current = Membership.objects.select_for_update().filter(contact=contact, account=account, until=None).first()
    if current is not None and role in {None, current.role}:
        return current
    if current is not None:
        current.until = max(occurred_at, current.occurred_at)
        current.until_received_at = now
        current.save(update_fields=["until", "until_received_at"])
    membership = Membership.objects.create(
        contact=contact,
        account=account,
        role=role or ContactRole.END_USER,
        **context.times(occurred_at),
    )
    kind = "contact.role_changed" if current else "contact.joined"
    context.tell(account.pk, kind, occurred_at, {"contact_id": contact.pk, "role": membership.role})
    return membership


@transaction.atomic
def leave_account(
    *,
    membership: Membership,
    at: datetime,
    now: datetime,
    backfill: bool = False,
    actor: User | None = None,
) -> Membership:
    """End a membership at a time not before it began. Does nothing when it has ended."""
    changed = Membership.objects.filter(pk=membership.pk, until=None).update(
        until=max(at, membership.occurred_at), until_received_at=at if backfill else now
    )
    if changed:
        payload = {"contact_id": membership.contact_id, "role": membership.role}
        Context(now=now, backfill=backfill, actor=actor).tell(membership.account_id, "contact.left", at, payload)
    membership.refresh_from_db()
    return membership


@transaction.atomic
def set_memberships(
    *,
    contact: Contact,
    roles: dict[Account, str | None],
    among: QuerySet[Account],
    occurred_at: datetime,
    now: datetime,
    backfill: bool = False,
    actor: User | None = None,
) -> None:
    """Make the accounts of `roles` the contact's only ones among `among`; None keeps a role.

    Raises InvalidInput.
    """
    options: dict[str, Any] = {"now": now, "backfill": backfill, "actor": actor}
    for membership in contact.memberships.filter(until=None, account__in=among).select_related("account"):
        if membership.account not in roles:
            leave_account(membership=membership, at=occurred_at, **options)
    for account, role in roles.items():
        join_account(contact=contact, account=account, role=role, occurred_at=occurred_at, **options)


@transaction.atomic
def pin_persona(
    *,
    contact: Contact,
    persona: Persona | None,
    now: datetime,
    occurred_at: datetime | None = None,
    backfill: bool = False,
    actor: User | None = None,
) -> ContactPersona:
    """Give a contact a persona by hand; None takes it away."""
    row = ContactPersona.objects.create(
        contact=contact,
        persona=persona,
        is_pinned=persona is not None,
        actor=actor,
        **Context(now=now, backfill=backfill).times(occurred_at or now),
    )
    newest = contact.persona_history.order_by("-occurred_at", "-id").first()
    if newest == row:
        contact.persona = persona
        contact.save(update_fields=["persona"])
    return row


def clean_texts(fields: dict[str, Any]) -> dict[str, str]:
    texts = {name: clean_text(fields[name], name, limit=limit) for name, limit in TEXTS.items() if name in fields}
    if texts.get("email"):
        texts["email"] = texts["email"].lower()
        try:
            validate_email(texts["email"])
        except ValidationError:
            msg = f"{texts['email']!r} is not an e-mail address."
            raise InvalidInput(msg, "email") from None
    return texts


def _same_email(email: object) -> Contact | None:
    if not isinstance(email, str) or not email.strip():
        return None
    return Contact.objects.filter(email=email.strip().lower()).order_by("pk").first()

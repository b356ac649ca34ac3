"""Tickets: opened once, every change of state a dated row."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from accounts.enums import Entity, Priority, TicketStatus
from accounts.errors import InvalidInput
from accounts.models import Account, Ticket, TicketChange
from accounts.models.facts import TICKET_STATE
from accounts.services.context import Context
from accounts.services.external_ids import (
    find_by_external_id,
    give_external_id,
    lock_external_id,
)
from accounts.services.fields import clean_choice, clean_text, refuse_unknown
from team.models import User

TEXTS = {"subject": 300, "source": 60}
MOMENTS = {"first_responded_at", "resolved_at"}
FIELDS = {*TICKET_STATE, *TEXTS, *MOMENTS, "url", "contact", "product"}
RESOLVED = {TicketStatus.SOLVED, TicketStatus.CLOSED}


@transaction.atomic
def upsert_ticket(
    *,
    account: Account,
    fields: dict[str, Any],
    occurred_at: datetime,
    now: datetime,
    changed_at: datetime | None = None,
    ticket: Ticket | None = None,
    system: str = "",
    external_id: str = "",
    backfill: bool = False,
    actor: User | None = None,
) -> tuple[Ticket, bool]:
    """Open a ticket at `occurred_at`, or change the one found by `ticket` or external id at `changed_at`.

    A ticket that arrives already solved gets its history from first_responded_at and resolved_at.
    Returns (ticket, whether it is new). Raises InvalidInput.
    """
    cleaned = clean_ticket(fields)
    context = Context(now=now, backfill=backfill, actor=actor)
    if external_id:
        lock_external_id(Entity.TICKET, system, external_id)
    if ticket is None and external_id:
        pk = find_by_external_id(Entity.TICKET, system, external_id)
        ticket = Ticket.all_objects.filter(pk=pk).first() if pk else None
    is_new = ticket is None
    if ticket is None:
        ticket = _open(account, cleaned, occurred_at, context)
        if external_id:
            give_external_id(entity=Entity.TICKET, system=system, value=external_id, object_id=ticket.pk)
    ticket = Ticket.all_objects.select_for_update().get(pk=ticket.pk)
    _change(ticket, cleaned, at=changed_at, context=context)
    return ticket, is_new


@transaction.atomic
def delete_ticket(*, ticket: Ticket, now: datetime, actor: User | None = None) -> None:
    if Ticket.objects.filter(pk=ticket.pk).update(deleted_at=now):
        _tell(ticket, "ticket.deleted", now, Context(now=now, actor=actor))


def _open(account: Account, cleaned: dict[str, Any], occurred_at: datetime, context: Context) -> Ticket:
    columns = {name: cleaned[name] for name in {*TEXTS, "url", "contact", "product"} & cleaned.keys()}
    first = {"priority": cleaned.get("priority", Priority.NORMAL)}
    times = context.times(occurred_at)
    ticket = Ticket.objects.create(account=account, **columns, **first, **times)
    TicketChange.objects.create(ticket=ticket, **first, **times)
    _tell(ticket, "ticket.opened", occurred_at, context)
    return ticket


def _change(ticket: Ticket, cleaned: dict[str, Any], *, at: datetime | None, context: Context) -> None:
    """Write what differs from the current state, at the moments the fields name."""
    for moment, state, is_first_response in ticket_steps(ticket, cleaned, at=at, now=context.now):
        kinds = apply_state(ticket, state, moment)
        TicketChange.objects.create(
            ticket=ticket,
            is_first_response=is_first_response,
            **{name: getattr(ticket, name) for name in TICKET_STATE},
            **context.times(moment),
        )
        for kind in kinds:
            _tell(ticket, kind, moment, context)
    ticket.save()


def ticket_steps(
    ticket: Ticket, cleaned: dict[str, Any], *, at: datetime | None, now: datetime
) -> Iterator[tuple[datetime, dict[str, Any], bool]]:
    """Set a ticket's plain columns and yield its changes of state: when, what, whether a first response.

    Each is to be applied before the next is asked for. Raises InvalidInput.
    """
    for name in {*TEXTS, "url", "contact", "product"} & cleaned.keys():
        setattr(ticket, name, cleaned[name])
    ticket.deleted_at = None
    responded_at, resolved_at = (
        cleaned.get("first_responded_at"),
        cleaned.get("resolved_at"),
    )
    for name, moment in [
        ("first_responded_at", responded_at),
        ("resolved_at", resolved_at),
    ]:
        if moment is not None and moment < ticket.occurred_at:
            opened = f"{ticket.occurred_at:%Y-%m-%d %H:%M}"
            msg = f"{name} {moment:%Y-%m-%d %H:%M} lies before the ticket was opened ({opened})."
            raise InvalidInput(msg, name)
    if responded_at and ticket.first_responded_at is None:
        ticket.first_responded_at = responded_at
        yield responded_at, {}, True
    state = {name: cleaned[name] for name in TICKET_STATE if name in cleaned}
    if resolved_at and "status" not in state:
        state["status"] = TicketStatus.SOLVED
    moment = at or (resolved_at if state.get("status") in RESOLVED and resolved_at else None) or now
    if any(getattr(ticket, name) != value for name, value in state.items()):
        yield max(moment, ticket.occurred_at), state, False


def apply_state(ticket: Ticket, state: dict[str, Any], at: datetime) -> list[str]:
    """Put a state on the row, unsaved; returns the kinds of events that makes."""
    was_resolved, was_escalated = ticket.status in RESOLVED, ticket.is_escalated
    for name, value in state.items():
        setattr(ticket, name, value)
    is_resolved = ticket.status in RESOLVED
    ticket.resolved_at = (ticket.resolved_at or at) if is_resolved else None
    kinds = []
    if is_resolved and not was_resolved:
        kinds.append("ticket.solved")
    if was_resolved and not is_resolved:
        kinds.append("ticket.reopened")
    if ticket.is_escalated and not was_escalated:
        kinds.append("ticket.escalated")
    return kinds


def _tell(ticket: Ticket, kind: str, at: datetime, context: Context) -> None:
    context.tell(ticket.account_id, kind, at, {"ticket_id": ticket.pk, "priority": ticket.priority})


def clean_ticket(fields: dict[str, Any]) -> dict[str, Any]:
    refuse_unknown(fields, FIELDS)
    cleaned = dict(fields)
    for name, limit in TEXTS.items():
        if name in fields:
            cleaned[name] = clean_text(fields[name], name, limit=limit)
    if "status" in fields:
        cleaned["status"] = clean_choice(fields["status"], "status", TicketStatus.values)
    if "priority" in fields:
        cleaned["priority"] = clean_choice(fields["priority"], "priority", Priority.values)
    if "is_escalated" in fields and not isinstance(fields["is_escalated"], bool):
        msg = "is_escalated must be true or false."
        raise InvalidInput(msg, "is_escalated")
    if fields.get("url"):
        try:
            URLValidator(schemes=["http", "https"])(fields["url"])
        except ValidationError:
            msg = f"url: {fields['url']!r} is not a web address."
            raise InvalidInput(msg, "url") from None
    return cleaned

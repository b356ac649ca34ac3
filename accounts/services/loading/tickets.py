"""New tickets, many at once, each with what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import Entity, Priority
from accounts.errors import InvalidInput
from accounts.models import Account, Ticket, TicketChange
from accounts.models.facts import TICKET_STATE
from accounts.services.loading.batch import BATCH_SIZE, Batch, Context, write_all
from accounts.services.tickets import apply_state, clean_ticket, ticket_steps
from team.models import User


@dataclass(frozen=True, kw_only=True)
class NewTicket:
    """Fields as of `upsert_ticket`: as it was opened, and what changed later, at `changed_at`."""

    account: Account
    fields: dict[str, Any]
    occurred_at: datetime
    later: dict[str, Any] = field(default_factory=dict)
    changed_at: datetime | None = None
    system: str = ""
    external_id: str = ""


@dataclass(frozen=True)
class _Happening:
    ticket: Ticket
    kind: str
    at: datetime
    priority: str


@transaction.atomic
def open_tickets(
    rows: Sequence[NewTicket], *, now: datetime, backfill: bool = False, actor: User | None = None
) -> list[Ticket | InvalidInput | None]:
    """Open tickets and play what happened to them; see the package for what is returned."""
    context = Context(now=now, backfill=backfill, actor=actor)
    changes: list[TicketChange] = []
    happenings: list[_Happening] = []

    def build(row: NewTicket) -> Ticket:
        ticket, history, happened = _build(row, context)
        changes.extend(history)
        happenings.extend(happened)
        return ticket

    batch = Batch(Entity.TICKET, rows, build)
    batch.save()
    TicketChange.objects.bulk_create(changes, batch_size=BATCH_SIZE)
    write_all(
        context.event(it.ticket.account, it.kind, it.at, {"ticket_id": it.ticket.pk, "priority": it.priority})
        for it in happenings
    )
    return batch.results


def _build(row: NewTicket, context: Context) -> tuple[Ticket, list[TicketChange], list[_Happening]]:
    """Return an unsaved ticket in its latest state, with all its states. Raises InvalidInput."""
    opening = clean_ticket(row.fields)
    priority = opening.get("priority", Priority.NORMAL)
    times = context.times(row.occurred_at)
    ticket = Ticket(account=row.account, priority=priority, **times)
    changes = [TicketChange(ticket=ticket, priority=priority, **times)]
    happenings = [_Happening(ticket, "ticket.opened", row.occurred_at, priority)]
    for fields, at in ((opening, row.occurred_at), (clean_ticket(row.later), row.changed_at)):
        for moment, state, is_first_response in ticket_steps(ticket, fields, at=at, now=context.now):
            kinds = apply_state(ticket, state, moment)
            now_state = {name: getattr(ticket, name) for name in TICKET_STATE}
            changes.append(
                TicketChange(ticket=ticket, is_first_response=is_first_response, **now_state, **context.times(moment))
            )
            happenings += [_Happening(ticket, kind, moment, ticket.priority) for kind in kinds]
    return ticket, changes, happenings

"""New tickets, many at once, each with what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.enums import Entity, Priority
from accounts.errors import InvalidInput
from accounts.events import write_events
from accounts.models import Account, Ticket, TicketChange
from accounts.models.facts import TICKET_STATE
from accounts.services.context import Context
from accounts.services.loading.batch import BATCH_SIZE, Batch
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
    kind: str
    at: datetime
    priority: str


@transaction.atomic
def open_tickets(
    rows: Sequence[NewTicket], *, now: datetime, backfill: bool = False, actor: User | None = None
) -> list[Ticket | InvalidInput | None]:
    """Open tickets and play what happened to them; see the package for what is returned."""
    context = Context(now=now, backfill=backfill, actor=actor)
    histories: dict[int, list[TicketChange]] = {}
    happenings: dict[int, list[_Happening]] = {}

    def build(row: NewTicket) -> Ticket:
        ticket, histories[id(ticket)], happenings[id(ticket)] = _build(row, context)
        return ticket

    batch = Batch(Entity.TICKET, rows, build)
    batch.save()
    tickets = [ticket for _, ticket in batch.made]
    TicketChange.objects.bulk_create(
        [change for ticket in tickets for change in histories[id(ticket)]], batch_size=BATCH_SIZE
    )
    write_events(
        context.event(ticket.account_id, it.kind, it.at, {"ticket_id": ticket.pk, "priority": it.priority})
        for ticket in tickets
        for it in happenings[id(ticket)]
    )
    return batch.results


def _build(row: NewTicket, context: Context) -> tuple[Ticket, list[TicketChange], list[_Happening]]:
    """Return an unsaved ticket in its latest state, with all its states. Raises InvalidInput."""
    opening = clean_ticket(row.fields)
    priority = opening.get("priority", Priority.NORMAL)
    times = context.times(row.occurred_at)
    ticket = Ticket(account=row.account, priority=priority, **times)
    changes = [TicketChange(ticket=ticket, priority=priority, **times)]
    happenings = [_Happening("ticket.opened", row.occurred_at, priority)]
    for fields, at in ((opening, row.occurred_at), (clean_ticket(row.later), row.changed_at)):
        for moment, state, is_first_response in ticket_steps(ticket, fields, at=at, now=context.now):
            kinds = apply_state(ticket, state, moment)
            now_state = {name: getattr(ticket, name) for name in TICKET_STATE}
            changes.append(
                TicketChange(ticket=ticket, is_first_response=is_first_response, **now_state, **context.times(moment))
            )
            happenings += [_Happening(kind, moment, ticket.priority) for kind in kinds]
    return ticket, changes, happenings

"""Who joins which account, many at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from accounts.enums import ContactRole
from accounts.events import write_events
from accounts.models import AccountEvent, Membership
from accounts.services.context import Context
from accounts.services.loading.batch import BATCH_SIZE
from team.models import User


class Joining(NamedTuple):
    """A contact becomes a member of an account, and may have left it since."""

    contact_id: int
    account_id: int
    occurred_at: datetime
    role: str = ContactRole.END_USER
    left_at: datetime | None = None


@transaction.atomic
def join_accounts(rows: Iterable[Joining], *, now: datetime, backfill: bool = False, actor: User | None = None) -> int:
    """Make contacts members of accounts where they are not at present. Returns how many joined.

    The caller makes sure that nobody else makes the same contacts members at the same time.
    """
    wanted = {(row.contact_id, row.account_id): row for row in rows}
    current = Membership.objects.filter(contact__in={contact for contact, _ in wanted}, until=None)
    for pair in current.values_list("contact_id", "account_id"):
        wanted.pop(pair, None)
    write_memberships(list(wanted.values()), Context(now=now, backfill=backfill, actor=actor))
    return len(wanted)


def write_memberships(rows: Sequence[Joining], context: Context) -> None:
    """Write memberships that are new, with their events."""
    memberships: list[Membership] = []
    events: list[AccountEvent] = []
    for row in rows:
        membership = Membership(
            contact_id=row.contact_id, account_id=row.account_id, role=row.role, **context.times(row.occurred_at)
        )
        payload: dict[str, object] = {"contact_id": row.contact_id, "role": row.role}
        events.append(context.event(row.account_id, "contact.joined", row.occurred_at, payload))
        if row.left_at is not None:
            membership.until = max(row.left_at, row.occurred_at)
            membership.until_received_at = row.left_at if context.backfill else context.now
            events.append(context.event(row.account_id, "contact.left", row.left_at, payload))
        memberships.append(membership)
    Membership.objects.bulk_create(memberships, batch_size=BATCH_SIZE)
    write_events(events)

from datetime import UTC, datetime, timedelta

import pytest

from accounts.errors import InvalidInput
from accounts.models import Ticket, TicketChange
from accounts.services import delete_ticket, upsert_ticket
from tests.factories import AccountFactory

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
OPENED = NOW - timedelta(days=2)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def ticket(account, now=NOW, **fields):
    return upsert_ticket(
        account=account,
        fields=fields,
        occurred_at=OPENED,
        now=now,
        system="desk",
        external_id="7",
    )[0]


def test_upsert_ticket_opens_it():
    account = AccountFactory()
    ticket(account, subject="Export fails", priority="high")
    row = Ticket.objects.get()
    assert (row.status, row.priority, row.occurred_at, row.known_at) == (
        "open",
        "high",
        OPENED,
        NOW,
    )
    assert list(account.events.values_list("kind", flat=True)) == ["ticket.opened"]


def test_upsert_ticket_arriving_solved_has_its_history():
    account = AccountFactory()
    ticket(
        account,
        status="solved",
        first_responded_at=OPENED + HOUR,
        resolved_at=OPENED + 5 * HOUR,
    )
    changes = TicketChange.objects.order_by("occurred_at").values_list("status", "occurred_at", "is_first_response")
    assert list(changes) == [
        ("open", OPENED, False),
        ("open", OPENED + HOUR, True),
        ("solved", OPENED + 5 * HOUR, False),
    ]
    assert Ticket.objects.get().resolved_at == OPENED + 5 * HOUR


def test_upsert_ticket_again_changes_nothing():
    account = AccountFactory()
    for _ in range(2):
        ticket(account, status="solved", resolved_at=OPENED + HOUR)
    assert TicketChange.objects.count() == 2
    assert account.events.count() == 2


def test_upsert_ticket_reopened_and_escalated_writes_both_events():
    account = AccountFactory()
    ticket(account, status="solved")
    ticket(account, status="open", is_escalated=True, now=NOW + HOUR)
    row = Ticket.objects.get()
    assert (row.status, row.resolved_at, row.is_escalated) == ("open", None, True)
    kinds = list(account.events.order_by("id").values_list("kind", flat=True))
    assert kinds == [
        "ticket.opened",
        "ticket.solved",
        "ticket.reopened",
        "ticket.escalated",
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "gone"}, "none of open, waiting"),
        ({"first_responded_at": OPENED - HOUR}, "lies before the ticket was opened"),
        ({"url": "javascript:alert(1)"}, "not a web address"),
        ({"is_escalated": "yes"}, "true or false"),
        ({"mood": "bad"}, "no field 'mood'"),
    ],
)
def test_upsert_ticket_refuses_bad_input(fields, words):
    with pytest.raises(InvalidInput, match=words):
        ticket(AccountFactory(), **fields)
    assert not Ticket.objects.exists()


def test_delete_ticket_leaves_a_tombstone():
    account = AccountFactory()
    row = ticket(account)
    delete_ticket(ticket=row, now=NOW)
    assert not Ticket.objects.exists()
    assert account.events.filter(kind="ticket.deleted").count() == 1

from datetime import UTC, datetime, timedelta

import pytest

from accounts.errors import InvalidInput
from accounts.models import Contact, ExternalId, Membership
from accounts.services import (
    delete_contact,
    join_account,
    leave_account,
    pin_persona,
    upsert_contact,
)
from tests.factories import AccountFactory, ContactFactory, PersonaFactory

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


def test_upsert_contact_finds_the_same_person_by_email():
    known = ContactFactory(email="ann@acme.example")
    contact, is_new = upsert_contact(
        system="segment",
        external_id="u1",
        fields={"email": "Ann@Acme.example", "name": "Ann"},
        now=NOW,
    )
    assert (contact.pk, is_new, Contact.objects.get().name) == (known.pk, False, "Ann")
    assert ExternalId.objects.get().value == "u1"


def test_upsert_contact_refuses_a_broken_email():
    with pytest.raises(InvalidInput, match="not an e-mail address"):
        upsert_contact(system="s", external_id="u1", fields={"email": "ann at acme"}, now=NOW)
    assert not Contact.objects.exists()


def test_join_account_twice_is_one_membership():
    contact, account = ContactFactory(), AccountFactory()
    join_account(contact=contact, account=account, occurred_at=NOW, now=NOW)
    join_account(contact=contact, account=account, occurred_at=NOW + DAY, now=NOW + DAY)
    assert Membership.objects.count() == 1
    assert list(account.events.values_list("kind", flat=True)) == ["contact.joined"]


def test_join_account_in_a_new_role_keeps_the_old_membership_as_history():
    contact, account = ContactFactory(), AccountFactory()
    join_account(contact=contact, account=account, occurred_at=NOW, now=NOW)
    join_account(
        contact=contact,
        account=account,
        role="champion",
        occurred_at=NOW + DAY,
        now=NOW + DAY,
    )
    rows = Membership.objects.order_by("id").values_list("role", "occurred_at", "until")
    assert list(rows) == [("end_user", NOW, NOW + DAY), ("champion", NOW + DAY, None)]


def test_leave_account_ends_once():
    contact, account = ContactFactory(), AccountFactory()
    membership = join_account(contact=contact, account=account, occurred_at=NOW, now=NOW)
    leave_account(membership=membership, at=NOW + DAY, now=NOW + 2 * DAY)
    leave_account(membership=membership, at=NOW + 3 * DAY, now=NOW + 3 * DAY)
    membership.refresh_from_db()
    assert (membership.until, membership.until_received_at) == (
        NOW + DAY,
        NOW + 2 * DAY,
    )
    assert account.events.filter(kind="contact.left").count() == 1


def test_delete_contact_leaves_every_account():
    contact = ContactFactory()
    for account in (AccountFactory(), AccountFactory()):
        join_account(contact=contact, account=account, occurred_at=NOW, now=NOW)
    delete_contact(contact=contact, now=NOW + DAY)
    assert not Contact.objects.exists()
    assert not Membership.objects.filter(until=None).exists()


def test_pin_persona_projects_the_newest():
    contact, admin, buyer = ContactFactory(), PersonaFactory(), PersonaFactory()
    pin_persona(contact=contact, persona=admin, now=NOW)
    pin_persona(contact=contact, persona=buyer, now=NOW, occurred_at=NOW - DAY)
    contact.refresh_from_db()
    assert contact.persona == admin

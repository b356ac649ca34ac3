import pytest
from django.utils import timezone

from accounts.models import Account, Contact, ExternalId, Membership
from health.models import (
    DirtyAccount,
    EventType,
    IngestBatch,
    SeenMessage,
    UsageDay,
    UsageEvent,
)
from tests.health.wire import deliver, group, identify, process, track

pytestmark = pytest.mark.django_db


def days():
    """Return {(account name, contact id given by the system or '', event name, day): count}."""
    accounts = dict(Account.all_objects.values_list("pk", "name"))
    people = dict(ExternalId.objects.filter(entity="contact", system="product").values_list("object_id", "value"))
    types = dict(EventType.objects.values_list("pk", "name"))
    return {
        (accounts[row.account_id], people.get(row.contact_id, ""), types[row.event_type_id], str(row.day)): row.count
        for row in UsageDay.objects.all()
    }


def test_events_become_usage_of_account_and_contact(source):
    now = timezone.now()
    deliver(
        source,
        [
            identify("u1", name="Ann", email="ANN@acme.example"),
            group("u1", "acme", name="Acme", plan="pro"),
            track("u1", "Report viewed", value=2.5),
            track("u1", "Report viewed", value=1),
            track("u1", "Export"),
        ],
    )
    process()
    account, contact = Account.objects.get(), Contact.objects.get()
    assert (account.name, account.attributes, contact.name, contact.email) == (
        "Acme",
        {"plan": "pro"},
        "Ann",
        "ann@acme.example",
    )
    assert Membership.objects.get().account == account
    day = str(now.date())
    assert days() == {("Acme", "u1", "Report viewed", day): 2, ("Acme", "u1", "Export", day): 1}
    assert UsageDay.objects.get(count=2).value == 3.5
    assert UsageEvent.objects.count() == 3
    assert SeenMessage.objects.count() == 5
    source.refresh_from_db()
    assert (source.accepted_count, source.duplicate_count, source.rejected_count) == (5, 0, 0)
    assert source.last_event_at is not None
    assert DirtyAccount.objects.get().account_id == account.pk
    assert IngestBatch.objects.get().processed_at is not None

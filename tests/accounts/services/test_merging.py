"""Two rows that turn out to be one."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.errors import InvalidInput
from accounts.models import Account, AccountEvent, Contact, ExternalId, Membership, SurveyResponse
from accounts.services import (
    assign_team_member,
    define_attribute,
    give_external_id,
    join_account,
    merge_accounts,
    merge_contacts,
    record_activity,
    record_survey_response,
    update_account,
    update_contact,
    upsert_contact,
    upsert_subscription,
    upsert_ticket,
)
from tests.conftest import NOW
from tests.factories import AccountFactory, ContactFactory, PersonaFactory, UserFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def cleo():
    return ContactFactory(name="Cleo", email="")


@pytest.fixture
def twin():
    return ContactFactory(name="C. Roe", email="cleo@x.example", title="CTO", persona=PersonaFactory())


def test_kept_contact_gets_what_the_other_knows_and_its_names(cleo, twin):
    for key in ("plan", "seat"):
        define_attribute(entity="contact", key=key, label=key)
    cleo = update_contact(contact=cleo, fields={"attributes": {"plan": "Pro"}}, now=NOW - DAY)
    twin = update_contact(contact=twin, fields={"attributes": {"plan": "Free", "seat": "3"}}, now=NOW - DAY)
    give_external_id(entity="contact", system="crm", value="7", object_id=twin.pk)
    kept = merge_contacts(kept=cleo, gone=twin, now=NOW)
    assert (kept.name, kept.email, kept.title, kept.persona) == ("Cleo", "cleo@x.example", "CTO", twin.persona)
    assert kept.attributes == {"plan": "Pro", "seat": "3"}
    assert ExternalId.objects.get().object_id == cleo.pk
    gone = Contact.all_objects.get(pk=twin.pk)
    assert (gone.deleted_at, gone.merged_into) == (NOW, cleo)
    again, is_new = upsert_contact(system="crm", external_id="7", fields={"phone": "1"}, now=NOW)
    assert (again.pk, is_new) == (cleo.pk, False)


def test_memberships_pass_over_as_learned_now(cleo, twin):
    both, theirs = AccountFactory(), AccountFactory()
    join_account(contact=cleo, account=both, role="champion", occurred_at=NOW - 9 * DAY, now=NOW - 9 * DAY)
    for account in (both, theirs):
        join_account(contact=twin, account=account, occurred_at=NOW - 5 * DAY, now=NOW - 5 * DAY)
    before = AccountEvent.objects.count()
    merge_contacts(kept=cleo, gone=twin, now=NOW)
    current = Membership.objects.filter(until=None)
    assert set(current.values_list("contact", "account", "role", "occurred_at", "known_at")) == {
        (cleo.pk, both.pk, "champion", NOW - 9 * DAY, NOW - 9 * DAY),
        (cleo.pk, theirs.pk, "end_user", NOW - 5 * DAY, NOW),
    }
    assert set(twin.memberships.values_list("until", "until_received_at")) == {(NOW, NOW)}
    (event,) = AccountEvent.objects.order_by("pk")[before:]
    assert (event.kind, event.account, event.payload["contact_id"], event.payload["gone_id"]) == (
        "contact.merged", theirs, cleo.pk, twin.pk,
    )  # fmt: skip


def test_what_they_did_is_the_kept_ones(cleo, twin):
    account, other = AccountFactory(), ContactFactory()
    times = {"account": account, "occurred_at": NOW - DAY, "now": NOW - DAY}
    activity, _ = record_activity(kind="call", body="x", contacts=[twin, other], **times)
    ticket, _ = upsert_ticket(fields={"contact": twin}, **times)
    response, _ = record_survey_response(kind="nps", score=9, contact=twin, **times)
    merge_contacts(kept=cleo, gone=twin, now=NOW)
    ticket.refresh_from_db()
    response.refresh_from_db()
    assert set(activity.contacts.all()) == {cleo, other}
    assert (ticket.contact, response.contact) == (cleo, cleo)
    # What was said, for whoever replays the time before.
    assert SurveyResponse.all_objects.exclude(pk=response.pk).get().contact_id == twin.pk


def test_contacts_that_are_not_two_are_refused(cleo, twin):
    with pytest.raises(InvalidInput, match="the same already"):
        merge_contacts(kept=cleo, gone=cleo, now=NOW)
    merge_contacts(kept=cleo, gone=twin, now=NOW)
    with pytest.raises(InvalidInput, match="deleted meanwhile"):
        merge_contacts(kept=cleo, gone=twin, now=NOW)


def test_kept_account_gets_facts_names_and_what_it_did_not_say():
    csm, helper = UserFactory(), UserFactory()
    kept, gone = AccountFactory(domain="", csm=None, tier="growth"), AccountFactory(domain="acme.example", csm=None)
    update_account(account=gone, fields={"csm": csm.pk, "tier": "starter"}, now=NOW - DAY)
    child = AccountFactory(parent=gone)
    give_external_id(entity="account", system="crm", value="7", object_id=gone.pk)
    person = ContactFactory()
    join_account(contact=person, account=gone, occurred_at=NOW - 5 * DAY, now=NOW - 5 * DAY)
    assign_team_member(account=gone, user=helper, function="support", now=NOW - DAY)
    times = {"account": gone, "now": NOW - DAY}
    upsert_subscription(fields={"mrr": 100, "started_on": (NOW - DAY).date()}, **times)
    ticket, _ = upsert_ticket(fields={}, occurred_at=NOW - DAY, **times)
    result = merge_accounts(kept=kept, gone=gone, now=NOW, actor=csm)
    kept.refresh_from_db()
    ticket.refresh_from_db()
    child.refresh_from_db()
    assert result == kept == ticket.account == child.parent
    assert (kept.domain, kept.csm, kept.tier, kept.arr) == ("acme.example", csm, "growth", Decimal(1200))
    assert ExternalId.objects.get(entity="account").object_id == kept.pk
    assert kept.memberships.get().occurred_at == NOW - 5 * DAY
    assert list(kept.team_members.current().values_list("user", flat=True)) == [helper.pk]
    assert Account.all_objects.get(pk=gone.pk).merged_into == kept
    events = AccountEvent.objects.filter(recorded_at=NOW).values_list("kind", "account", "actor")
    assert {("account.merged", kept.pk, csm.pk), ("account.deleted", gone.pk, csm.pk)} <= set(events)


def test_accounts_one_below_the_other_are_refused():
    top = AccountFactory()
    below = AccountFactory(parent=AccountFactory(parent=top))
    for kept, gone in ((top, below), (below, top)):
        with pytest.raises(InvalidInput, match="one below the other"):
            merge_accounts(kept=kept, gone=gone, now=NOW)
    assert Account.objects.count() == 3

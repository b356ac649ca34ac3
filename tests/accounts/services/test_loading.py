"""The set-wise services write what the single ones do."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.errors import InvalidInput
from accounts.models import (
    Account,
    AccountEvent,
    Activity,
    AttributeDefinition,
    AttributeValue,
    Contact,
    ContactPersona,
    ExternalId,
    Membership,
    Sentiment,
    Subscription,
    SubscriptionChange,
    SurveyResponse,
    Ticket,
    TicketChange,
)
from accounts.services import (
    join_account,
    leave_account,
    pin_persona,
    record_activity,
    record_sentiment,
    record_survey_response,
    set_attributes,
    set_exchange_rate,
    upsert_account,
    upsert_contact,
    upsert_subscription,
    upsert_ticket,
)
from accounts.services.loading import (
    Joining,
    NewAccount,
    NewActivity,
    NewContact,
    NewResponse,
    NewSentiment,
    NewSubscription,
    NewTicket,
    create_accounts,
    create_contacts,
    create_subscriptions,
    join_accounts,
    open_tickets,
    record_activities,
    record_sentiments,
    record_survey_responses,
)
from tests.factories import AccountFactory, ContactFactory, PersonaFactory, ProductFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
THEN = NOW - timedelta(days=400)
DAY = timedelta(days=1)
TABLES = [
    Account,
    AccountEvent,
    Activity,
    Activity.contacts.through,
    AttributeDefinition,
    AttributeValue,
    Contact,
    ContactPersona,
    ExternalId,
    Membership,
    Sentiment,
    Subscription,
    SubscriptionChange,
    SurveyResponse,
    Ticket,
    TicketChange,
]
# Keys and counters of the database, and its own clock.
UNLIKE = {
    "id",
    "position",
    "created_at",
    "updated_at",
    "row_version",
    "change_xid",
    "change_seq",
    "object_id",
    "definition_id",
    "subscription_id",
    "ticket_id",
    "activity_id",
}
FRESH_KEYS = {"account_id", "contact_id"}
REFERENCES = {"attribute_value_id", "subscription_id", "ticket_id", "activity_id", "survey_response_id", "sentiment_id"}


def written(fresh_keys=frozenset()):
    """Return what stands in the tables, without keys; `fresh_keys` are dropped too."""
    found = {}
    for model in TABLES:
        rows = model._base_manager.order_by("pk").values()
        found[model.__name__] = Counter(
            str(sorted((k, _plain(k, v, fresh_keys)) for k, v in row.items() if k not in UNLIKE | fresh_keys))
            for row in rows
        )
    return found


def _plain(key, value, fresh_keys):
    if key == "payload":
        return sorted((k, v) for k, v in value.items() if k not in REFERENCES | fresh_keys)
    return value


def same(bulk, single, fresh_keys=frozenset()):
    """Assert that both write the same; each runs in a transaction of its own that is taken back."""
    results = []
    for write in (bulk, single):
        with transaction.atomic():
            write()
            results.append(written(fresh_keys))
            transaction.set_rollback(True)
    for name, rows in results[1].items():
        assert results[0][name] == rows, name


@pytest.mark.parametrize("backfill", [False, True])
def test_accounts_are_the_same_as_one_by_one(backfill):
    user, team, parent = UserFactory(), TeamFactory(), AccountFactory()
    rows = [
        NewAccount(
            fields={
                "name": "One",
                "domain": "One.example",
                "parent": parent,
                "customer_since": date(2025, 1, 1),
                "stage": "adoption",
                "tier": "growth",
                "csm": user.pk,
                "team": team.pk,
                "attributes": {"industry": "Food", "employees": 12, "is_public": True, "note": None},
            },
            occurred_at=THEN,
            changes=[
                (THEN + 60 * DAY, {"stage": "mature", "industry": "Food"}),
                (THEN + 90 * DAY, {"tier": None, "employees": 40}),
            ],
            system="crm",
            external_id="1",
        ),
        NewAccount(fields={"attributes": {"industry": "Retail"}}, system="crm", external_id="2"),
    ]

    def single():
        for row in rows:
            upsert_account(
                system=row.system,
                external_id=row.external_id,
                fields=row.fields,
                now=NOW,
                occurred_at=row.occurred_at,
                backfill=backfill,
                actor=user,
                define_missing=True,
            )
            for at, values in row.changes:
                account = Account.objects.get(name="One")
                set_attributes(row=account, values=values, occurred_at=at, now=NOW, backfill=backfill, actor=user)

    same(
        lambda: create_accounts(rows, now=NOW, backfill=backfill, actor=user, define_missing=True),
        single,
        FRESH_KEYS,
    )


@pytest.mark.parametrize("backfill", [False, True])
def test_contacts_are_the_same_as_one_by_one(backfill):
    account, persona = AccountFactory(), PersonaFactory()
    rows = [
        NewContact(
            fields={"name": "Cleo", "email": "Cleo@One.example", "title": "Lead", "attributes": {"score": 3}},
            account=account,
            role="champion",
            persona=persona,
            occurred_at=THEN,
            system="crm",
            external_id="1",
        ),
        NewContact(
            fields={"name": "Dan"}, account=account, occurred_at=THEN, left_at=THEN + DAY, system="crm", external_id="2"
        ),
        NewContact(fields={"name": "Eve"}, system="crm", external_id="3"),
    ]

    def single():
        times = {"now": NOW, "backfill": backfill}
        for row in rows:
            contact, _ = upsert_contact(
                system=row.system,
                external_id=row.external_id,
                fields=row.fields,
                occurred_at=row.occurred_at,
                define_missing=True,
                **times,
            )
            if row.account:
                member = join_account(
                    contact=contact, account=row.account, role=row.role, occurred_at=row.occurred_at, **times
                )
                if row.left_at:
                    leave_account(membership=member, at=row.left_at, **times)
            if row.persona:
                pin_persona(contact=contact, persona=row.persona, occurred_at=row.occurred_at, **times)

    same(lambda: create_contacts(rows, now=NOW, backfill=backfill, define_missing=True), single, {"contact_id"})


@pytest.mark.parametrize("backfill", [False, True])
def test_subscriptions_are_the_same_as_one_by_one(backfill):
    set_exchange_rate(currency="EUR", on=date(2025, 1, 1), rate=Decimal("1.1"))
    first, second, third = AccountFactory(), AccountFactory(), AccountFactory()
    product = ProductFactory()
    rows = [
        NewSubscription(
            account=first,
            fields={"product": product, "plan": "Pro", "mrr": "100", "currency": "EUR", "seats": 5, "started_on": THEN},
            changes=[
                (THEN + 30 * DAY, {"seats": 8, "mrr": "160.00"}),
                (THEN + 60 * DAY, {"seats": 8}),
                (THEN + 90 * DAY, {"renews_on": date(2027, 1, 1), "notice_on": date(2026, 10, 1)}),
            ],
            system="billing",
            external_id="1",
        ),
        NewSubscription(
            account=first,
            fields={"mrr": 20, "renews_on": "2026-09-01"},
            effective_at=THEN,
            system="billing",
            external_id="2",
        ),
        NewSubscription(
            account=second,
            fields={"mrr": 50, "started_on": THEN},
            changes=[(THEN + 200 * DAY, {"ended_on": (THEN + 200 * DAY).date()})],
            system="billing",
            external_id="3",
        ),
        NewSubscription(account=third, fields={"mrr": 50, "currency": "CHF"}, system="billing", external_id="4"),
    ]

    def single():
        for row in rows:
            options = {
                "account": row.account,
                "now": NOW,
                "backfill": backfill,
                "system": "billing",
                "external_id": row.external_id,
            }
            upsert_subscription(fields=row.fields, effective_at=row.effective_at, **options)
            for at, fields in row.changes:
                upsert_subscription(fields=fields, effective_at=at, **options)

    same(lambda: create_subscriptions(rows, now=NOW, backfill=backfill), single)
    create_subscriptions(rows, now=NOW)
    assert list(Account.objects.order_by("pk").values_list("arr", "renews_on")) == [
        (Decimal("2352.00"), date(2026, 9, 1)),
        (Decimal("0.00"), None),
        (None, None),
    ]


@pytest.mark.parametrize("backfill", [False, True])
def test_tickets_are_the_same_as_two_calls_each(backfill):
    account, contact, product = AccountFactory(), ContactFactory(), ProductFactory()
    hour = timedelta(hours=1)
    fields = {"subject": "Export fails", "priority": "high", "contact": contact, "product": product, "source": "desk"}
    laters = [
        ({}, None),
        ({"first_responded_at": THEN + hour, "resolved_at": THEN + 5 * hour}, None),
        ({"status": "waiting"}, THEN + hour),
        ({"status": "closed", "is_escalated": True, "resolved_at": THEN + 9 * hour}, THEN + 2 * hour),
    ]
    rows = [
        NewTicket(
            account=account,
            fields=fields | {"is_escalated": n == 1},
            occurred_at=THEN,
            later=later,
            changed_at=changed_at,
            system="desk",
            external_id=str(n),
        )
        for n, (later, changed_at) in enumerate(laters)
    ]

    def single():
        for row in rows:
            options = {
                "account": account,
                "occurred_at": row.occurred_at,
                "now": NOW,
                "backfill": backfill,
                "system": "desk",
                "external_id": row.external_id,
            }
            upsert_ticket(fields=row.fields, changed_at=row.occurred_at, **options)
            upsert_ticket(fields=row.later, changed_at=row.changed_at, **options)

    same(lambda: open_tickets(rows, now=NOW, backfill=backfill), single)


@pytest.mark.parametrize("backfill", [False, True])
def test_facts_are_the_same_as_one_by_one(backfill):
    account, contact, user = AccountFactory(), ContactFactory(), UserFactory()
    times = {"now": NOW, "backfill": backfill}
    activity = {
        "account": account,
        "kind": "call",
        "occurred_at": THEN,
        "subject": " Check-in ",
        "body": "All well.",
        "contacts": [contact],
        "function": "support",
        "initiative": "proactive",
        "author": user,
        "source": "phone",
        "system": "phone",
        "external_id": "1",
    }
    response = {"account": account, "kind": "nps", "score": "9", "occurred_at": THEN, "comment": "Good", "source": "s"}
    sentiment = {"account": account, "user": user, "level": 4, "note": "Calm", "occurred_at": THEN}

    def bulk():
        record_activities(
            [NewActivity(**activity), NewActivity(account=account, kind="note", occurred_at=NOW)], **times
        )
        record_survey_responses([NewResponse(**response, contact=contact)], **times)
        record_sentiments([NewSentiment(**sentiment)], **times)

    def single():
        record_activity(**activity, **times)
        record_activity(account=account, kind="note", occurred_at=NOW, **times)
        record_survey_response(**response, contact=contact, **times)
        record_sentiment(**sentiment, **times)

    same(bulk, single)


def test_row_that_cannot_be_taken_leaves_its_neighbours_alone():
    good = {"fields": {"name": "Good"}, "system": "crm"}
    results = create_accounts(
        [
            NewAccount(external_id="1", **good),
            NewAccount(fields={"name": "x", "stage": "flying"}, system="crm", external_id="2"),
            NewAccount(fields={"name": "x", "colour": "red"}, system="crm", external_id="3"),
            NewAccount(fields={"attributes": {"stage": "x"}}, system="crm", external_id="4"),
            NewAccount(external_id="9" * 300, **good),
            NewAccount(fields={}),
            NewAccount(fields={"name": "x"}, changes=[(NOW, {"stage": "mature"}), (THEN, {"stage": "churned"})]),
            NewAccount(external_id="5", **good),
        ],
        now=NOW,
    )
    assert [type(result) for result in results] == [Account, *[InvalidInput] * 6, Account]
    assert Account.objects.count() == ExternalId.objects.count() == 2


def test_row_that_is_not_new_is_left_to_the_single_service():
    rows = [NewAccount(fields={"name": "One"}, system="crm", external_id="1")] * 2
    first, second = create_accounts(rows, now=NOW)
    assert (first.name, second) == ("One", None)
    assert create_accounts(rows[:1], now=NOW) == [None]
    ContactFactory(email="cleo@one.example")
    results = create_contacts(
        [
            NewContact(fields={"email": "Cleo@one.example"}, system="crm", external_id="1"),
            NewContact(fields={"email": "dan@one.example"}, system="crm", external_id="2"),
            NewContact(fields={"email": "dan@one.example"}, system="crm", external_id="3"),
        ],
        now=NOW,
    )
    assert [result is None for result in results] == [True, False, True]


def test_row_whose_name_is_taken_meanwhile_is_not_written(monkeypatch):
    account = AccountFactory()
    monkeypatch.setattr("accounts.services.loading.batch._known_names", lambda entity, rows: set())
    for entity in ("account", "contact", "subscription", "ticket"):
        ExternalId.objects.create(entity=entity, system="s", value="taken", object_id=account.pk)
    before = written()
    names = {"system": "s", "external_id": "taken"}
    free = {"system": "s", "external_id": "free"}
    assert create_accounts([NewAccount(fields={"attributes": {}}, **names)], now=NOW) == [None]
    assert create_contacts([NewContact(fields={}, account=account, **names)], now=NOW) == [None]
    assert create_subscriptions([NewSubscription(account=account, fields={}, **names)], now=NOW) == [None]
    assert open_tickets([NewTicket(account=account, fields={}, occurred_at=NOW, **names)], now=NOW) == [None]
    assert written() == before
    first, second = create_contacts([NewContact(fields={}, **names), NewContact(fields={}, **free)], now=NOW)
    assert (first, second.pk) == (None, ExternalId.objects.get(entity="contact", value="free").object_id)


def test_joining_accounts_passes_over_those_who_are_there():
    account, there, left, fresh = AccountFactory(), ContactFactory(), ContactFactory(), ContactFactory()
    for contact in (there, left):
        join_account(contact=contact, account=account, role="champion", occurred_at=THEN, now=NOW)
    leave_account(membership=left.memberships.get(), at=THEN + DAY, now=NOW)
    before = AccountEvent.objects.count()
    rows = [Joining(contact.pk, account.pk, NOW - DAY) for contact in (there, left, fresh)]
    assert join_accounts(rows, now=NOW) == 2
    current = account.memberships.filter(until=None).values_list("contact", "role")
    assert set(current) == {(there.pk, "champion"), (left.pk, "end_user"), (fresh.pk, "end_user")}
    events = AccountEvent.objects.order_by("pk")[before:]
    assert [(event.kind, event.occurred_at, event.payload["contact_id"]) for event in events] == [
        ("contact.joined", NOW - DAY, left.pk),
        ("contact.joined", NOW - DAY, fresh.pk),
    ]


def test_other_kinds_refuse_bad_rows_too():
    account, user = AccountFactory(), UserFactory()
    refused = [
        *create_contacts([NewContact(fields={"email": "x"}), NewContact(fields={}, role="king")], now=NOW),
        *create_subscriptions(
            [
                NewSubscription(account=account, fields={"mrr": "much"}),
                NewSubscription(account=account, fields={}, changes=[(NOW, {"seats": 1}), (THEN, {"seats": 2})]),
            ],
            now=NOW,
        ),
        *open_tickets([NewTicket(account=account, fields={}, occurred_at=NOW, later={"resolved_at": THEN})], now=NOW),
        *record_activities([NewActivity(account=account, kind="dance", occurred_at=NOW)], now=NOW),
        *record_survey_responses([NewResponse(account=account, kind="nps", score=11, occurred_at=NOW)], now=NOW),
        *record_sentiments([NewSentiment(account=account, user=user, level=6, occurred_at=NOW)], now=NOW),
    ]
    assert [type(result) for result in refused] == [InvalidInput] * 8
    assert not AccountEvent.objects.exists()


def test_number_of_statements_does_not_grow_with_the_rows(django_assert_num_queries):
    account = AccountFactory()
    for count in (1, 3):
        with django_assert_num_queries(6):
            record_activities(
                [
                    NewActivity(account=account, kind="call", occurred_at=NOW, system="s", external_id=f"{count}-{n}")
                    for n in range(count)
                ],
                now=NOW,
            )

"""Metrics over tickets, feedback, relationship, subscriptions and attributes, as of 16 June 2026.

Facts are written through the services, so that what a metric reads is what the product writes.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.enums import ActivityKind
from accounts.services import (
    create_account,
    define_attribute,
    delete_activity,
    delete_contact,
    delete_subscription,
    delete_survey_response,
    delete_ticket,
    edit_activity,
    join_account,
    leave_account,
    record_activity,
    record_sentiment,
    record_survey_response,
    set_attributes,
    set_exchange_rate,
    upsert_subscription,
    upsert_ticket,
)
from tests.factories import AccountFactory, ContactFactory, ProductFactory, UserFactory
from tests.health.metrics.reading import AS_OF, read, value_of

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def ago(days, hours=0):
    return NOON - timedelta(days=days, hours=hours)


@pytest.fixture
def account():
    return AccountFactory()


# --- Tickets -------------------------------------------------------------------------------------


def ticket(account, opened, **fields):
    return upsert_ticket(account=account, fields=fields, occurred_at=opened, now=opened)[0]


def change(a_ticket, at, now=None, **fields):
    upsert_ticket(
        account=a_ticket.account, ticket=a_ticket, fields=fields, occurred_at=a_ticket.occurred_at,
        changed_at=at, now=now or at,
    )  # fmt: skip


def test_tickets_are_unknown_until_a_help_desk_sends_any(account):
    for metric in ("open_tickets", "escalated_tickets", "reopened_tickets"):
        assert read(metric, account) == (None, None)
    ticket(AccountFactory(), ago(1))
    for metric in ("open_tickets", "escalated_tickets", "reopened_tickets"):
        assert read(metric, account) == (0, None)


def test_open_tickets_are_those_open_as_of_then(account):
    a_ticket = ticket(account, ago(10), is_escalated=True)
    ticket(account, ago(4))
    change(a_ticket, ago(2), status="solved")
    assert read("open_tickets", account) == (1, ago(2))
    assert value_of("open_tickets", account, as_of=ago(3)) == 2
    assert value_of("open_tickets", account, as_of=ago(5)) == 1
    assert value_of("escalated_tickets", account) == 0


def test_escalated_tickets_are_open_ones(account):
    a_ticket = ticket(account, ago(10))
    change(a_ticket, ago(5), is_escalated=True)
    assert value_of("escalated_tickets", account) == 1
    assert value_of("escalated_tickets", account, as_of=ago(6)) == 0
    change(a_ticket, ago(1), status="closed")
    assert value_of("escalated_tickets", account) == 0


def test_a_change_heard_of_late_does_not_alter_what_was_known(account):
    a_ticket = ticket(account, ago(10))
    change(a_ticket, ago(5), now=ago(1), status="solved")
    assert value_of("open_tickets", account, as_of=ago(3)) == 1
    assert value_of("open_tickets", account) == 0
    assert value_of("open_tickets", account, recorded_by=ago(2)) == 1


def test_a_deleted_ticket_stays_in_replays_of_before(account):
    a_ticket = ticket(account, ago(10))
    ticket(AccountFactory(), ago(10))
    delete_ticket(ticket=a_ticket, now=ago(1))
    assert value_of("open_tickets", account) == 0
    assert value_of("open_tickets", account, recorded_by=ago(2)) == 1


def test_tickets_in_scope(account):
    champion, product = ContactFactory(), ProductFactory()
    join_account(contact=champion, account=account, role="champion", occurred_at=ago(50), now=ago(50))
    ticket(account, ago(10), contact=champion)
    ticket(account, ago(10), product=product)
    ticket(account, ago(10))
    assert value_of("open_tickets", account, scope={"role": "champion"}) == 1
    assert value_of("open_tickets", account, scope={"product": product.pk}) == 1


def test_waiting_times_are_means_over_what_ended_in_the_window(account):
    for opened, response, solved in [(20, 2, 10), (10, 4, 20), (200, 50, 100)]:
        a_ticket = ticket(account, ago(opened))
        change(a_ticket, ago(opened, -response), first_responded_at=ago(opened, -response))
        change(a_ticket, ago(opened, -solved), status="solved")
    assert read("first_response_hours", account) == (3, ago(10, -4))
    assert value_of("first_response_hours", account, days=400) == 18.6667
    assert read("resolution_hours", account) == (15, ago(10, -20))
    assert value_of("first_response_hours", account, days=2) is None


def test_reopened_ticket_counts_and_its_resolution_is_the_last_one(account):
    a_ticket = ticket(account, ago(20))
    change(a_ticket, ago(19), status="solved")
    change(a_ticket, ago(18), status="closed")
    assert value_of("reopened_tickets", account) == 0
    assert value_of("resolution_hours", account) == 24
    change(a_ticket, ago(10), status="open")
    assert value_of("reopened_tickets", account) == 1
    assert value_of("resolution_hours", account) is None
    change(a_ticket, ago(5), status="solved")
    assert value_of("reopened_tickets", account) == 1
    assert value_of("reopened_tickets", account, days=5) == 0
    assert value_of("resolution_hours", account) == 360


def test_oldest_open_ticket(account):
    assert value_of("oldest_open_ticket", account) is None
    ticket(account, ago(10))
    ticket(account, ago(3))
    assert value_of("oldest_open_ticket", account) == 10.5


# --- Feedback ------------------------------------------------------------------------------------


def answer(account, kind, score, at, now=None, **options):
    return record_survey_response(account=account, kind=kind, score=score, occurred_at=at, now=now or at, **options)[0]


def test_indispensability_is_the_mean_answer(account):
    for score, days in ((5, 1), (2, 40)):
        answer(account, "indispensable", score, ago(days))
    assert read("indispensability", account) == (3.5, ago(1))
    assert value_of("indispensability", account, days=30) == 5


def test_complaints_are_low_answers_of_any_survey(account):
    assert value_of("complaints", account) is None
    answer(account, "nps", 7, ago(1))
    assert read("complaints", account) == (0, ago(1))
    low, fine = (("nps", 6), ("csat", 2), ("ces", 3)), (("csat", 3), ("ces", 4), ("indispensable", 1))
    for kind, score in (*low, *fine):
        answer(account, kind, score, ago(2))
    assert value_of("complaints", account) == len(low)
    assert value_of("complaints", account, days=2) == 0


def test_nps_is_promoters_less_detractors(account):
    for score, days in [(10, 1), (9, 5), (8, 5), (7, 6), (6, 7), (0, 170), (0, 200)]:
        answer(account, "nps", score, ago(days))
    assert read("nps", account) == (0, ago(1))
    assert value_of("nps", account, days=30) == 20
    assert value_of("nps", account, days=30, minimum=5) == 20
    assert value_of("nps", account, days=30, minimum=6) is None
    assert value_of("csat", account) is None


def test_csat_and_ces_are_means_of_their_own_kind(account):
    answer(account, "csat", 5, ago(1))
    answer(account, "csat", 2, ago(2))
    answer(account, "ces", 6, ago(3))
    assert read("csat", account) == (3.5, ago(1))
    assert read("ces", account) == (6, ago(3))


def test_survey_answers_in_scope(account):
    champion = ContactFactory()
    join_account(contact=champion, account=account, role="champion", occurred_at=ago(50), now=ago(50))
    answer(account, "nps", 10, ago(1), contact=champion)
    answer(account, "nps", 0, ago(1))
    assert value_of("nps", account, scope={"role": "champion"}) == 100


def test_a_late_deleted_or_backfilled_answer_is_seen_as_it_was_known(account):
    late = answer(account, "nps", 10, ago(30), now=ago(5))
    assert value_of("nps", account, as_of=ago(10)) is None
    answer(account, "nps", 0, ago(30), now=ago(2), backfill=True)
    assert value_of("nps", account, as_of=ago(10)) == -100
    assert value_of("nps", account, recorded_by=ago(3)) == 100
    delete_survey_response(response=late, now=ago(1))
    assert value_of("nps", account) == -100
    assert value_of("nps", account, recorded_by=ago(2)) == 0


def test_csm_sentiment_is_the_newest_within_its_limit(account):
    user = UserFactory()
    record_sentiment(account=account, user=user, level=4, now=ago(100))
    assert read("csm_sentiment", account) == (None, ago(100))
    assert value_of("csm_sentiment", account, days=200) == 4
    record_sentiment(account=account, user=user, level=2, now=ago(10))
    assert read("csm_sentiment", account) == (2, ago(10))
    assert value_of("csm_sentiment", account, as_of=ago(20)) == 4


# --- Relationship --------------------------------------------------------------------------------


def activity(account, at, **options):
    return record_activity(account=account, kind=ActivityKind.CALL, occurred_at=at, now=at, **options)[0]


def test_days_since_activity_by_function_and_initiative(account):
    assert value_of("days_since_activity", account) is None
    activity(account, ago(40), initiative="proactive")
    activity(account, ago(20), initiative="reactive", function="support")
    assert read("days_since_activity", account) == (20, ago(20))
    assert value_of("days_since_activity", account, initiative="proactive") == 40
    assert value_of("days_since_activity", account, function="support") == 20
    assert value_of("days_since_activity", account, function="sales") is None
    assert value_of("activity_count", account, days=30) == 1


def test_proactive_share_is_of_those_where_it_is_known(account):
    for initiative in ("proactive", "reactive", "reactive", "reactive", ""):
        activity(account, ago(5), initiative=initiative)
    assert read("proactive_share", account) == (25, ago(5))
    assert value_of("proactive_share", account, days=3) is None


def test_an_edited_or_deleted_activity_stays_in_replays_as_it_was(account, clock):
    clock.move_to(ago(1))
    an_activity = activity(account, ago(5), initiative="reactive")
    edit_activity(activity=an_activity, fields={"initiative": "proactive"}, editor=None)
    assert value_of("proactive_share", account) == 100
    assert value_of("proactive_share", account, recorded_by=ago(2)) == 0
    delete_activity(activity=an_activity, now=ago(0))
    assert value_of("activity_count", account) is None
    assert value_of("activity_count", account, recorded_by=ago(0, 1)) == 1


def test_contacts_are_members_as_of_then(account):
    assert value_of("contacts", account) is None
    join_account(contact=ContactFactory(), account=AccountFactory(), occurred_at=ago(50), now=ago(50))
    assert value_of("contacts", account) == 0
    anna, ben = ContactFactory(), ContactFactory()
    membership = join_account(contact=anna, account=account, role="champion", occurred_at=ago(50), now=ago(50))
    join_account(contact=ben, account=account, occurred_at=ago(30), now=ago(30))
    assert read("contacts", account) == (2, ago(30))
    assert value_of("contacts", account, scope={"role": "champion"}) == 1
    leave_account(membership=membership, at=ago(10), now=ago(5))
    assert value_of("contacts", account, scope={"role": "champion"}) == 0
    assert value_of("contacts", account, as_of=ago(11), scope={"role": "champion"}) == 1
    # That she left ten days ago was heard of five days ago.
    assert value_of("contacts", account, recorded_by=ago(6), scope={"role": "champion"}) == 1
    delete_contact(contact=ben, now=ago(1))
    assert value_of("contacts", account) == 0
    assert value_of("contacts", account, recorded_by=ago(2)) == 1


def test_people_left_are_those_who_are_gone_with_the_role_they_had(account):
    assert value_of("people_left", account) is None
    anna, ben, cleo = ContactFactory(), ContactFactory(), ContactFactory()
    champion = {"scope": {"role": "champion"}}
    theirs = join_account(contact=anna, account=account, role="champion", occurred_at=ago(99), now=ago(99))
    join_account(contact=ben, account=account, role="champion", occurred_at=ago(60), now=ago(60))
    assert read("people_left", account) == (0, None)
    leave_account(membership=theirs, at=ago(10), now=ago(5))
    assert read("people_left", account, **champion) == (1, ago(10))
    assert value_of("people_left", account, scope={"role": "admin"}) == 0
    assert value_of("people_left", account, days=9, **champion) == 0
    assert value_of("people_left", account, recorded_by=ago(6), **champion) == 0
    # Ben is still there; then he changes his role, which is no leaving, but leaves the role open.
    assert value_of("people_left", account, succession="open", **champion) == 0
    join_account(contact=ben, account=account, role="admin", occurred_at=ago(4), now=ago(4))
    assert value_of("people_left", account, **champion) == 1
    assert value_of("people_left", account, succession="open", **champion) == 1
    join_account(contact=cleo, account=account, role="champion", occurred_at=ago(3), now=ago(3))
    assert value_of("people_left", account, succession="open", **champion) == 0
    assert value_of("people_left", account, succession="open", as_of=ago(3), **champion) == 1
    # Who comes back has not left.
    join_account(contact=anna, account=account, occurred_at=ago(2), now=ago(2))
    assert value_of("people_left", account) == 0


def test_grave_tickets_are_open_and_escalated_or_urgent(account):
    urgent = ticket(account, ago(9), priority="urgent")
    escalated = ticket(account, ago(8), is_escalated=True)
    ticket(account, ago(8), priority="high")
    assert value_of("grave_tickets", account) == 2
    change(urgent, ago(5), priority="normal")
    assert value_of("grave_tickets", account) == 1
    assert value_of("grave_tickets", account, as_of=ago(6)) == 2
    change(escalated, ago(4), status="solved")
    assert value_of("grave_tickets", account) == 0


# --- Subscriptions -------------------------------------------------------------------------------


def subscribe(account, at, **fields):
    return upsert_subscription(account=account, fields={"started_on": at.date(), **fields}, effective_at=at, now=at)[0]


def amend(subscription, at, now=None, **fields):
    upsert_subscription(
        account=subscription.account, subscription=subscription, fields=fields, effective_at=at, now=now or at
    )


def test_money_and_seats_are_the_terms_as_of_then(account):
    subscription = subscribe(account, ago(300), mrr=Decimal(100), currency="USD", seats=5)
    amend(subscription, ago(100), mrr=Decimal(250), seats=20)
    assert read("mrr", account) == (250, ago(100))
    assert value_of("arr", account) == 3000
    assert value_of("seats", account) == 20
    assert value_of("mrr", account, as_of=ago(200)) == 100
    assert value_of("mrr", account, as_of=ago(301)) is None


def test_terms_heard_of_late_and_ends(account):
    subscription = subscribe(account, ago(300), mrr=Decimal(100), currency="USD")
    amend(subscription, ago(100), now=ago(50), mrr=Decimal(70))
    assert value_of("mrr", account, as_of=ago(60)) == 100
    assert value_of("mrr", account, recorded_by=ago(51)) == 100
    assert value_of("mrr", account) == 70
    amend(subscription, ago(20), ended_on=date(2026, 6, 15))
    assert value_of("mrr", account) is None
    assert value_of("mrr", account, as_of=AS_OF - timedelta(days=1)) == 70
    other = subscribe(account, ago(10), mrr=Decimal(1), currency="USD")
    delete_subscription(subscription=other, now=ago(1))
    assert value_of("mrr", account) is None
    assert value_of("mrr", account, recorded_by=ago(2)) == 1


def test_a_missing_rate_or_amount_is_unknown_never_one(account):
    subscribe(account, ago(300), mrr=Decimal(100), currency="USD")
    subscribe(account, ago(300), mrr=Decimal(100), currency="EUR")
    assert value_of("mrr", account) is None
    set_exchange_rate(currency="EUR", on=date(2026, 1, 1), rate=Decimal("1.1"))
    set_exchange_rate(currency="EUR", on=date(2026, 6, 1), rate=Decimal("1.25"))
    assert value_of("mrr", account) == 225
    assert value_of("mrr", account, as_of=ago(100)) == 210
    subscribe(account, ago(1), mrr=None, currency="USD")
    assert value_of("mrr", account) is None


def test_days_to_renewal_and_to_the_notice_deadline(account):
    assert value_of("days_to_renewal", account) is None
    one = subscribe(account, ago(300), renews_on=date(2026, 7, 15), notice_on=date(2026, 6, 10), currency="USD")
    subscribe(account, ago(300), renews_on=date(2026, 12, 1), notice_on=date(2026, 11, 1), currency="USD")
    assert read("days_to_renewal", account) == (30, ago(300))
    assert value_of("days_to_renewal", account, as_of=ago(10)) == 40
    assert value_of("days_to_notice", account) == 139
    assert value_of("days_to_notice", account, as_of=ago(10)) == 5
    amend(one, ago(1), renews_on=date(2026, 6, 1))
    assert value_of("days_to_renewal", account) == -14


def test_commercial_metrics_of_a_product(account):
    product = ProductFactory()
    subscribe(account, ago(300), mrr=Decimal(100), currency="USD", seats=5)
    subscribe(account, ago(300), mrr=Decimal(40), currency="USD", seats=2, product=product)
    assert value_of("mrr", account, scope={"product": product.pk}) == 40
    assert value_of("seats", account, scope={"product": product.pk}) == 2


def test_tenure_begins_with_the_first_subscription_or_the_account():
    account = create_account(fields={"name": "A"}, now=ago(20), occurred_at=ago(30))
    assert read("tenure_days", account) == (30, ago(30))
    # What was told twenty days ago was not known before.
    assert value_of("tenure_days", account, as_of=ago(25)) is None
    subscribe(account, ago(500), currency="USD")
    assert value_of("tenure_days", account) == 500


# --- Attributes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("number", 12.5, 12.5),
        ("boolean", True, 1),
        ("boolean", False, 0),
        ("date", "2026-06-05", 10),
        ("date", "2026-06-25", -10),
        ("text", "12", None),
        ("number", None, None),
    ],
)
def test_attribute_of_each_type(account, type_, value, expected):
    define_attribute(entity="account", key="thing", label="Thing", type=type_)
    set_attributes(row=account, values={"thing": value}, occurred_at=ago(3), now=ago(3))
    assert value_of("attribute", account, attribute="thing") == expected


def test_attribute_is_the_value_as_of_then(account):
    define_attribute(entity="account", key="sites", label="Sites", type="number")
    define_attribute(entity="contact", key="sites", label="Sites", type="number")
    set_attributes(row=account, values={"sites": 3}, occurred_at=ago(30), now=ago(30))
    set_attributes(row=account, values={"sites": 9}, occurred_at=ago(10), now=ago(5))
    assert read("attribute", account, attribute="sites") == (9, ago(10))
    assert value_of("attribute", account, attribute="sites", as_of=ago(7)) == 3
    assert value_of("attribute", account, attribute="sites", recorded_by=ago(6)) == 3
    assert value_of("attribute", account, attribute="unheard_of") is None

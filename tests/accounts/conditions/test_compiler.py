"""Sets: three-valued logic, contacts, segments, times, one query."""

from datetime import UTC, date, datetime

import pytest

from accounts.conditions import Moment, filter_accounts, filter_contacts, matching_ids, matching_sql
from accounts.enums import Entity
from accounts.models import Account, Contact, Segment
from accounts.services import set_attributes
from tests.factories import AccountFactory, ContactFactory, MembershipFactory, TicketFactory

pytestmark = pytest.mark.django_db
JAN, FEB, MAR, NOW = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 6))
LIVE = Moment.live(NOW)
ONBOARDING = {"field": "stage", "op": "any_of", "value": ["onboarding"]}


def names(tree, moment=LIVE):
    return {account.name for account in filter_accounts(Account.objects.all(), tree, moment)}


def staged(name, stage):
    return AccountFactory(name=name, stage=stage)


def test_unknown_matches_neither_a_condition_nor_its_negation():
    staged("new", "onboarding")
    staged("old", "mature")
    staged("blank", "")
    assert names(ONBOARDING) == {"new"}
    assert names({"not": ONBOARDING}) == {"old"}
    assert names({"field": "stage", "op": "none_of", "value": ["onboarding"]}) == {"old"}
    assert names({"field": "stage", "op": "unknown"}) == {"blank"}
    assert names({"any": [ONBOARDING, {"not": ONBOARDING}]}) == {"new", "old"}
    assert names({"all": []}) == {"new", "old", "blank"}


def test_deleted_accounts_never_match():
    AccountFactory(name="gone", deleted_at=NOW)
    assert matching_ids({"all": []}, LIVE) == set()


def test_a_queryset_is_narrowed_by_the_rows_a_field_has_and_by_those_it_has_not():
    busy, _, gone = (AccountFactory(name=name) for name in ("busy", "quiet", "gone"))
    for account in (busy, busy, gone):
        TicketFactory(account=account, status="open")
    Account.objects.filter(pk=gone.pk).update(deleted_at=NOW)

    def tickets(op, value):
        return {"field": "open_tickets", "op": op, "value": value}

    assert names(tickets("gt", 1)) == {"busy"}
    assert names(tickets("lt", 1)) == {"quiet"}
    assert names({"all": [tickets("gt", 0), tickets("lt", 5), {"field": "last_activity", "op": "unknown"}]}) == {"busy"}
    assert names({"all": [tickets("gt", 0), {"field": "last_activity", "op": "known"}]}) == set()
    everybody = Account.all_objects.all()
    assert [row.name for row in filter_accounts(everybody, tickets("gt", 0), LIVE)] == ["busy"]


def test_any_contact_and_all_contacts():
    vp = {"field": "title", "op": "contains", "value": "vp"}
    for name, titles in {
        "both": ["VP", "VP Ops"],
        "one": ["VP", "Clerk"],
        "none": ["Clerk"],
        "dim": ["VP", ""],
    }.items():
        account = AccountFactory(name=name)
        for title in titles:
            MembershipFactory(account=account, contact=ContactFactory(title=title), occurred_at=JAN)
    AccountFactory(name="nobody")
    assert names({"contacts": "any", "where": vp}) == {"both", "one", "dim"}
    assert names({"contacts": "all", "where": vp}) == {"both"}
    assert names({"not": {"contacts": "any", "where": vp}}) == {"none", "nobody"}
    assert names({"not": {"contacts": "all", "where": vp}}) == {"one", "none"}


def test_role_is_the_one_at_this_account():
    contact = ContactFactory()
    here, there = AccountFactory(name="here"), AccountFactory(name="there")
    MembershipFactory(account=here, contact=contact, role="champion", occurred_at=JAN)
    MembershipFactory(account=there, contact=contact, role="end_user", occurred_at=JAN)
    champion = {"field": "role", "op": "any_of", "value": ["champion"]}
    assert names({"contacts": "any", "where": champion}) == {"here"}
    assert list(filter_contacts(Contact.objects.all(), champion, LIVE)) == [contact]


def test_segment_membership_is_never_unknown():
    segment = Segment.objects.create(name="New", condition=ONBOARDING)
    staged("new", "onboarding")
    staged("blank", "")
    inside = {"field": "segment", "op": "any_of", "value": [segment.pk]}
    assert names(inside) == {"new"}
    assert names({"not": inside}) == {"blank"}
    assert names({"field": "segment", "op": "none_of", "value": [segment.pk]}) == {"blank"}


def test_dated_values_as_of_and_recorded_by():
    account = AccountFactory(name="acme")
    set_attributes(row=account, values={"stage": "onboarding"}, occurred_at=JAN, now=JAN)
    set_attributes(row=account, values={"stage": "mature"}, occurred_at=FEB, now=MAR)
    backfilled = AccountFactory(name="backfilled")
    set_attributes(row=backfilled, values={"stage": "onboarding"}, occurred_at=JAN, now=MAR, backfill=True)
    mid_february = datetime(2026, 2, 15, tzinfo=UTC)
    # The change of February was not known before March; a backfill counts as known when it happened.
    assert names(ONBOARDING, Moment(mid_february, NOW)) == {"acme", "backfilled"}
    assert names(ONBOARDING, Moment(mid_february, mid_february)) == {"acme"}
    assert names(ONBOARDING, Moment(NOW, NOW)) == {"backfilled"}
    assert names(ONBOARDING, Moment(JAN, NOW)) == set()
    assert names(ONBOARDING) == {"backfilled"}


def test_counts_are_zero_where_nothing_happened():
    busy = AccountFactory(name="busy")
    TicketFactory(account=busy, priority="urgent", occurred_at=JAN)
    AccountFactory(name="quiet")
    few = {"field": "open_tickets", "op": "lt", "value": 1}
    assert names(few) == names(few, Moment(NOW, NOW)) == {"quiet"}
    urgent = {"field": "open_tickets", "params": {"priority": "urgent"}, "op": "eq", "value": 1}
    assert names(urgent) == names(urgent, Moment(NOW, NOW)) == {"busy"}


def test_values_are_parameters_and_never_text():
    evil = "'; DROP TABLE accounts_account; --%s%(x)s"
    AccountFactory(name=evil)
    sql = matching_sql({"field": "name", "op": "is", "value": evil}, LIVE)
    assert evil not in sql.text
    assert names({"field": "name", "op": "is", "value": evil}) == {evil}
    assert names({"field": "name", "op": "contains", "value": "%"}) == {evil}


def test_a_field_asked_twice_is_joined_once():
    since = [{"field": "last_activity", "op": "in_last", "value": days} for days in (30, 60)]
    narrowed = {"field": "last_activity", "params": {"kind": "call"}, "op": "known"}
    text = matching_sql({"all": [*since, narrowed]}, Moment(NOW, NOW)).text
    assert text.count("LEFT JOIN") == 2


def test_a_live_moment_reads_columns_without_a_join():
    tree = {"all": [ONBOARDING, {"field": "renews_on", "op": "in_next", "value": 90}]}
    assert "JOIN" not in matching_sql(tree, LIVE).text


def test_filter_is_one_query(django_assert_num_queries):
    staged("new", "onboarding")
    with django_assert_num_queries(1):
        assert names({"all": [ONBOARDING, {"contacts": "all", "where": {"field": "role", "op": "empty"}}]}) == set()


def test_ids_narrow_the_set():
    one, two = staged("one", "onboarding"), staged("two", "onboarding")
    assert matching_ids(ONBOARDING, LIVE, ids=[two.pk]) == {two.pk}
    assert matching_ids({"not": ONBOARDING}, Moment(NOW, NOW), ids=[one.pk, two.pk]) == set()
    assert matching_ids(ONBOARDING, LIVE, ids=[]) == set()


def test_dates_count_from_the_last_day_before_a_midnight():
    AccountFactory(name="today", customer_since=date(2026, 5, 31))
    assert names({"field": "customer_since", "op": "in_last", "value": 0}, Moment(NOW, NOW)) == {"today"}
    assert names({"field": "tenure", "op": "eq", "value": 0}, Moment(NOW, NOW)) == {"today"}


def test_contact_conditions_stand_alone():
    anna = ContactFactory(name="Anna", email="anna@acme.example")
    ContactFactory(name="Ben", email="ben@other.example")
    tree = {"field": "email_domain", "op": "is", "value": "ACME.example"}
    assert matching_ids(tree, LIVE, entity=Entity.CONTACT) == {anna.pk}

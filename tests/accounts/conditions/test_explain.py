"""What an explanation says, and how conditions read."""

from datetime import UTC, date, datetime

import pytest

from accounts.conditions import Moment, describe, explain, explain_many
from accounts.conditions.explain import Explanation, conjunction, disjunction, negate
from accounts.enums import Entity
from accounts.models import AttributeDefinition, Segment
from accounts.services import set_attributes
from tests.factories import AccountFactory, ContactFactory, MembershipFactory, ProductFactory, UserFactory

MAY, NOW = datetime(2026, 5, 3, 9, tzinfo=UTC), datetime(2026, 6, 15, 12, tzinfo=UTC)
LIVE = Moment.live(NOW)


@pytest.mark.parametrize(
    ("verdicts", "all_of", "any_of"),
    [
        ([True, True], True, True),
        ([True, None], None, True),
        ([False, None], False, None),
        ([False, True, None], False, True),
        ([None], None, None),
        ([], True, False),
    ],
)
def test_three_valued_logic(verdicts, all_of, any_of):
    assert conjunction(verdicts) is all_of
    assert disjunction(verdicts) is any_of
    assert conjunction(map(negate, verdicts)) is negate(any_of)


@pytest.mark.django_db
def test_explain_says_since_when():
    account = AccountFactory()
    set_attributes(row=account, values={"stage": "onboarding"}, occurred_at=MAY, now=MAY)
    tree = {"field": "stage", "op": "any_of", "value": ["onboarding"]}
    assert explain(tree, account.pk, LIVE) == Explanation(
        True, "Lifecycle stage is Onboarding — yes: it is Onboarding since 3 May 2026"
    )
    assert explain({"not": tree}, account.pk, LIVE).verdict is False
    assert explain(tree, account.pk, Moment(MAY, NOW)) == Explanation(
        None, "Lifecycle stage is Onboarding — unknown: nothing is known"
    )


@pytest.mark.django_db
def test_explain_shows_the_contacts_who_decide_first():
    account = AccountFactory()
    for name, role in [("Ann", "end_user"), ("Bob", "champion")]:
        MembershipFactory(account=account, contact=ContactFactory(name=name), role=role, occurred_at=MAY)
    tree = {"contacts": "any", "where": {"field": "role", "op": "any_of", "value": ["champion"]}}
    why = explain(tree, account.pk, LIVE)
    assert (why.verdict, why.text) == (True, "any contact has (Role is Champion) — yes")
    assert [child.text for child in why.children] == ["Bob — yes", "Ann — no"]
    assert why.children[0].children[0].text == "Role is Champion — yes: it is Champion"
    nobody = explain({**tree, "contacts": "all"}, AccountFactory().pk, LIVE)
    assert (nobody.verdict, nobody.text) == (
        None,
        "all contacts have (Role is Champion) — unknown: it has no contacts",
    )


@pytest.mark.django_db
def test_explain_looks_into_segments():
    segment = Segment.objects.create(name="Big", condition={"field": "arr", "op": "gt", "value": 1000})
    account = AccountFactory()
    why = explain({"field": "segment", "op": "any_of", "value": [segment.pk]}, account.pk, LIVE)
    assert (why.verdict, why.text) == (False, "Segment is Big — no")
    assert why.children[0].text == "Segment Big — not in it"
    assert why.children[0].children[0].text == "ARR is more than 1,000 — unknown: nothing is known"


@pytest.mark.django_db
def test_explain_needs_the_same_queries_for_many_contacts(django_assert_num_queries):
    account = AccountFactory()
    tree = {"contacts": "any", "where": {"field": "title", "op": "is", "value": "VP"}}
    for count in (1, 3):
        for _ in range(count):
            MembershipFactory(account=account, occurred_at=MAY)
        with django_assert_num_queries(4):
            explain(tree, account.pk, LIVE)


@pytest.mark.django_db
def test_describe_reads_as_a_sentence():
    mira = UserFactory(name="Mira Kent")
    crm = ProductFactory(name="CRM")
    AttributeDefinition.objects.create(entity=Entity.ACCOUNT, key="sso", label="SSO", type="boolean")
    tree = {
        "all": [
            {"any": [{"field": "arr", "op": "gte", "value": 25000}, {"field": "tier", "op": "known"}]},
            {"field": "csm", "op": "any_of", "value": [mira.pk]},
            {"field": "product", "op": "any_of", "value": [str(crm.pk)]},
            {"not": {"field": "attribute.sso", "op": "is", "value": True}},
            {"field": "renews_on", "op": "in_next", "value": 90},
            {"field": "open_tickets", "params": {"priority": "urgent"}, "op": "between", "value": [1, 2.5]},
            {"field": "name", "op": "any_of", "value": ["Acme", "Bolt"]},
            {"field": "last_activity", "params": {"kind": "meeting"}, "op": "before", "value": "2026-05-03"},
            {"contacts": "any", "where": {"field": "role", "op": "any_of", "value": ["champion", "admin"]}},
        ]
    }
    assert describe(tree) == (
        "(ARR is at least 25,000 or Tier is known) and CSM is Mira Kent and Product owned is CRM"
        " and not (SSO is yes) and Renewal is in the next 90 days and Open tickets (Urgent) is between 1 and 2.5"
        " and Name is “Acme” or “Bolt” and Last activity (Meeting) is before 3 May 2026"
        " and any contact has (Role is Champion or Admin)"
    )


@pytest.mark.django_db
def test_describe_shows_the_key_of_a_choice_that_is_gone():
    assert describe({"field": "csm", "op": "any_of", "value": [9]}) == "CSM is 9"


@pytest.mark.django_db
def test_days_are_one_or_many():
    account = AccountFactory(customer_since=date(2026, 6, 14))
    why = explain({"field": "tenure", "op": "lte", "value": 1}, account.pk, LIVE)
    assert why.text == "Time as a customer is at most 1 day — yes: it is 1 day"


@pytest.mark.django_db
def test_explain_many_asks_as_often_for_three_as_for_one(django_assert_num_queries):
    accounts = [AccountFactory(name=f"Acme {n}") for n in range(3)]
    shared = ContactFactory(name="Bob")
    for account, role in zip(accounts, ["champion", "end_user", "champion"], strict=True):
        MembershipFactory(account=account, contact=shared, role=role, occurred_at=MAY)
    tree = {
        "all": [
            {"field": "name", "op": "starts_with", "value": "acme"},
            {"contacts": "any", "where": {"field": "role", "op": "any_of", "value": ["champion"]}},
        ]
    }
    with django_assert_num_queries(5):
        explain_many(tree, [accounts[0].pk], LIVE)
    with django_assert_num_queries(5):
        found = explain_many(tree, [account.pk for account in accounts], LIVE)
    assert [found[account.pk].verdict for account in accounts] == [True, False, True]
    assert [found[account.pk].children[1].children[0].contact_id for account in accounts] == [shared.pk] * 3

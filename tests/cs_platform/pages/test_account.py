from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.services import record_activity
from tests.factories import (
    NOW,
    AccountFactory,
    CurrentScoreFactory,
    MembershipFactory,
    SubscriptionFactory,
    TeamFactory,
    TicketFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
TABS = ["account", "account_people", "account_tickets", "account_timeline", "account_revenue"]


@pytest.fixture
def viewer(client):
    user = UserFactory(access_level="viewer")
    client.force_login(user)
    return user


def page(client, name, account, **query):
    response = client.get(reverse(name, args=[account.pk]), query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("name", TABS)
def test_every_tab_opens_for_an_empty_account(client, viewer, name):
    assert "Northwind" in page(client, name, AccountFactory(name="Northwind"))


@pytest.mark.parametrize("name", TABS)
def test_a_hidden_account_is_not_there(client, viewer, name):
    account = AccountFactory(team=TeamFactory())
    assert client.get(reverse(name, args=[account.pk])).status_code == 404


def test_the_header_tells_score_revenue_and_renewal(client, viewer, clock):
    account = AccountFactory(arr=Decimal(184000), renews_on=date(2026, 7, 6), csm=UserFactory(name="Mira K"))
    CurrentScoreFactory(account=account, score=Decimal("38.4"), band=1, previous_score=Decimal(55))
    text = page(client, "account", account)
    for words in ("At risk · 38", "$184k", "Mira K", "−17"):
        assert words in text


def test_people_tell_role_and_last_activity(client, viewer):
    membership = MembershipFactory(role="champion", contact__name="Priya Nair", contact__title="VP Operations")
    text = page(client, "account_people", membership.account)
    assert "Priya Nair" in text
    assert "VP Operations" in text
    assert "Champion" in text
    assert "Never" in text


def test_tickets_can_be_limited_to_open_ones(client, viewer):
    account = AccountFactory()
    TicketFactory(account=account, subject="Still open")
    TicketFactory(account=account, subject="Long done", status="solved")
    assert "Long done" in page(client, "account_tickets", account)
    assert "Long done" not in page(client, "account_tickets", account, show="open")


def test_the_timeline_pages_and_survives_a_broken_cursor(client, viewer, clock):
    account = AccountFactory()
    for number in range(25):
        moment = NOW - timedelta(hours=number)
        record_activity(account=account, kind="note", subject=f"Note {number:02}", occurred_at=moment, now=NOW)
    first = page(client, "account_timeline", account)
    assert "Note 00" in first
    assert "Note 24" not in first
    cursor = client.get(reverse("account_timeline", args=[account.pk])).context["next_cursor"]
    assert "Note 24" in page(client, "account_timeline", account, before=cursor)
    for broken in ("x", "2026-99-99~event-1", "2026-06-15~activity-x", f"{cursor}x"):
        assert "Note 00" in page(client, "account_timeline", account, before=broken)


def test_only_contributors_see_the_composer(client, viewer):
    account = AccountFactory()
    assert "Log an activity" not in page(client, "account_timeline", account)
    client.force_login(UserFactory())
    assert "Log an activity" in page(client, "account_timeline", account)


def test_revenue_lists_subscriptions(client, viewer):
    subscription = SubscriptionFactory(plan="Enterprise")
    assert "Enterprise" in page(client, "account_revenue", subscription.account)


@pytest.mark.parametrize(("name", "count"), [("account_people", 12), ("account_tickets", 8)])
def test_queries_do_not_grow(client, viewer, django_assert_num_queries, name, count):
    account = AccountFactory()
    MembershipFactory(account=account)
    TicketFactory(account=account)
    url = reverse(name, args=[account.pk])
    client.get(url)
    with django_assert_num_queries(count):
        client.get(url)
    for _ in range(2):
        MembershipFactory(account=account)
        TicketFactory(account=account)
    with django_assert_num_queries(count):
        client.get(url)

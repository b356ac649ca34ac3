from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.books import book_of
from accounts.models import Account
from accounts.services import record_activity, set_attributes
from cs_platform.pages.my_day import book_figures, greeting
from tests.factories import NOW, AccountFactory, CurrentScoreFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_greeting_follows_the_local_hour():
    assert [greeting(NOW.replace(hour=hour)) for hour in (0, 11, 12, 17, 18, 23)] == [
        "Good morning",
        "Good morning",
        "Good afternoon",
        "Good afternoon",
        "Good evening",
        "Good evening",
    ]


def test_book_of_is_mine_my_teams_or_all_i_may_see():
    team = TeamFactory()
    me, mate = UserFactory(), UserFactory()
    me.teams.add(team)
    mate.teams.add(team)
    AccountFactory(csm=me, stage="churned")
    mine, his, ours, free, hidden = (
        AccountFactory(csm=me),
        AccountFactory(csm=mate),
        AccountFactory(team=team),
        AccountFactory(),
        AccountFactory(team=TeamFactory()),
    )
    assert set(book_of(me, "mine")) == {mine}
    assert set(book_of(me, "team")) == {mine, his, ours}
    assert set(book_of(me, "all")) == {mine, his, ours, free}
    assert hidden in set(book_of(UserFactory(access_level="editor"), "all"))


def test_book_figures_leave_out_the_unknown():
    today = NOW.date()
    reached = AccountFactory(arr=Decimal(100), renews_on=today + 90 * DAY)
    AccountFactory(arr=None, renews_on=today + 91 * DAY)
    AccountFactory(arr=Decimal(7), renews_on=today - DAY)
    record_activity(account=reached, kind="call", subject="x", initiative="proactive", occurred_at=NOW, now=NOW)
    figures = book_figures(Account.objects.all(), now=NOW, today=today)
    assert (figures.count, figures.arr, figures.arr_unknown_count) == (3, Decimal(107), 1)
    assert (figures.renewal_count, figures.renewal_arr, figures.reached_pct) == (1, Decimal(100), 33)


def test_my_day_shows_what_needs_me_and_what_changed(client, clock):
    me = UserFactory(name="Mira")
    account = AccountFactory(name="Northwind", csm=me, arr=Decimal(5000))
    CurrentScoreFactory(account=account, score=Decimal(31), band=1)
    for stage, days in [("mature", 3), ("renewal", 1)]:
        set_attributes(row=account, values={"stage": stage}, occurred_at=NOW - days * DAY, now=NOW)
    client.force_login(me)
    text = client.get(reverse("my_day")).content.decode()
    for words in ("Good afternoon, Mira", "Northwind", "Lifecycle stage: Mature → Renewal", "$5k"):
        assert words in text


def test_my_day_without_accounts_says_what_to_do(client):
    client.force_login(UserFactory())
    assert "No accounts in this book yet" in client.get(reverse("my_day")).content.decode()


def test_my_day_queries_do_not_grow(client, django_assert_num_queries):
    me = UserFactory()
    client.force_login(me)

    def add():
        account = AccountFactory(csm=me, renews_on=NOW.date())
        CurrentScoreFactory(account=account, score=Decimal(31), band=1)

    add()
    client.get(reverse("my_day"))
    with django_assert_num_queries(12):
        client.get(reverse("my_day"))
    add()
    add()
    with django_assert_num_queries(12):
        client.get(reverse("my_day"))

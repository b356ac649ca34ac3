from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.books import book_of
from accounts.models import Account
from accounts.services import record_activity, set_attributes
from cs_platform.pages.my_day import book_figures, greeting
from health.models import Alert, AlertRule
from health.services.alert_rules import create_rule
from health.services.alerts import acknowledge_alert, set_budget
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


def open_alert(account, name, kind="risk"):
    never = {"field": "name", "op": "is", "value": "No such account"}
    rule = AlertRule.objects.filter(name=name).first() or create_rule(
        fields={"name": name, "kind": kind, "enter": never}, now=NOW
    )
    return Alert.objects.create(
        account=account, rule=rule, rule_version=1, state="open", entered_at=NOW, due_at=NOW, raised_at=NOW,
        evidence={"lines": [{"text": "Health score is 31", "contacts": []}]},
    )  # fmt: skip


def lines(client, **query):
    response = client.get(reverse("my_day"), query)
    found = response.context["attention"]
    return [(line.account.name, [need.text for need in line.reasons]) for line in found], response.context["waiting"]


def test_my_day_has_one_line_for_each_account_with_all_its_reasons(client, clock):
    me = UserFactory()
    client.force_login(me)
    today = NOW.date()
    overdue = AccountFactory(name="Overdue", csm=me, arr=100, renews_on=today - 3 * DAY)
    troubled = AccountFactory(name="Troubled", csm=me, arr=9000, renews_on=today + 12 * DAY)
    growing = AccountFactory(name="Growing", csm=me, arr=500)
    AccountFactory(name="Fine", csm=me, renews_on=today + 31 * DAY)
    CurrentScoreFactory(account=troubled, score=Decimal(31), band=1)
    open_alert(troubled, "Turned red")
    open_alert(troubled, "Champion left")
    open_alert(growing, "Seats", "opportunity")
    assert lines(client) == (
        [
            ("Troubled", ["Turned red", "Champion left", "Renews in 12 days", "Low score without a single cause"]),
            ("Overdue", ["Renewal overdue by 3 days"]),
            ("Growing", ["Seats"]),
        ],
        0,
    )
    page = client.get(reverse("my_day")).content.decode()
    assert 'title="Health score is 31"' in page
    assert page.count("Troubled</a>") == 2  # the list, and the next renewals
    assert overdue.name in page


def test_my_day_keeps_to_the_budget_and_says_what_waits(client, clock):
    me = UserFactory()
    client.force_login(me)
    set_budget(user=me, accounts_per_day=2)
    for n in range(4):
        open_alert(AccountFactory(name=f"A{n}", csm=me, arr=1000 - n), "Turned red")
    assert lines(client) == ([("A0", ["Turned red"]), ("A1", ["Turned red"])], 2)
    for alert in Alert.objects.filter(account__name__in=["A0", "A1"]):
        acknowledge_alert(alert=alert, now=NOW, actor=me)
    assert lines(client) == ([], 2)
    assert "The day is full" in client.get(reverse("my_day")).content.decode()


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
    with django_assert_num_queries(20):
        client.get(reverse("my_day"))
    add()
    add()
    with django_assert_num_queries(20):
        client.get(reverse("my_day"))

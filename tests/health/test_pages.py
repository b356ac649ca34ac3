"""The pages of health: history, measures, receipt, usage, and scorecards to read."""

import re
from copy import deepcopy
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.services import join_account, record_sentiment
from health.account_health import account_health
from health.models import Scorecard, ScoreSnapshot
from health.scorecard_report import known_shares, scorecard_list
from health.services import publish_version, score_accounts
from health.usage.report import usage_report
from tests.factories import (
    AccountFactory,
    ContactFactory,
    ProductFactory,
    SubscriptionFactory,
    TeamFactory,
    UserFactory,
)
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import event_type, use

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def viewer(client):
    user = UserFactory(access_level="viewer")
    client.force_login(user)
    return user


@pytest.fixture
def account(now):
    """Three days of history, the last by another version, and today's live score."""
    card = make_scorecard()
    account = AccountFactory(name="Northwind")
    use(account, now.date() - timedelta(days=6), 60)
    today = now.date()
    for back in (2, 1):
        score_accounts(scorecard=card, now=now, as_of=today - timedelta(days=back))
    publish_version(scorecard=card, config=deepcopy(CONFIG) | {"minimum_confidence": 10}, now=now, note="Braver")
    score_accounts(scorecard=card, now=now, as_of=today)
    use(account, now.date() - timedelta(days=1), 20)
    score_accounts(scorecard=card, now=now)
    return account


def page(client, name, account, **query):
    response = client.get(reverse(name, args=[account.pk]), query)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# --- What the health page is made of -------------------------------------------------------------


def test_account_health_has_history_markers_and_trend(account, now):
    health = account_health(account)
    today = now.date()
    assert health.history == [
        (today - timedelta(days=3), 60.0),
        (today - timedelta(days=2), 60.0),
        (today - timedelta(days=1), 60.0),
        (today, 80.0),
    ]
    assert health.markers == [(today - timedelta(days=1), "v2")]
    assert [(row.part.label if row.part else row.line.measure.label, row.weight, row.moves) for row in health.rows] == [
        ("Usage", "100 % (of 75 %)", "+30.00"),
        ("Events", "100 % (of 75 %)", "+30.00"),
        ("CSM sentiment", "0 % (of 25 %)", "–"),
    ]
    assert [row.trend for row in health.rows] == [(), (60.0, 80.0), (None, None)]
    assert [line.measure.key for line in health.gaps] == ["sentiment"]
    assert health.problems == []
    assert health.is_newest is True


def test_account_health_of_a_day_is_its_newest_revision_and_history_up_to_it(account, now):
    day = now.date() - timedelta(days=2)
    health = account_health(account, day=day)
    assert (health.receipt.last_day, health.receipt.score, health.is_newest) == (day, 60, False)
    assert [d for d, _ in health.history] == [day - timedelta(days=1), day]
    assert account_health(account, day=day - timedelta(days=30)).receipt is None


def test_account_health_of_a_day_without_a_score_is_the_day_before(account, now):
    gap = account_health(account, day=now.date() + timedelta(days=9))
    assert gap.receipt.last_day == now.date()


def test_a_kept_score_stands_until_the_next_a_week_at_most(account, now):
    today = now.date()
    ScoreSnapshot.objects.filter(as_of=today - timedelta(days=1)).delete()
    assert [score for _, score in account_health(account).history] == [60.0, 60.0, 60.0, 80.0]
    use(account, today - timedelta(days=12), 30)
    score_accounts(scorecard=Scorecard.objects.get(), now=now, as_of=today - timedelta(days=10))
    old = account_health(account).history[:9]
    assert [score for _, score in old] == [30.0] * 7 + [None, 60.0]


def test_account_health_by_another_scorecard(account, now):
    other = make_scorecard("Success", kind="success")
    score_accounts(scorecard=other, now=now)
    assert account_health(account).current.scorecard.name == "Health"
    health = account_health(account, scorecard_id=other.pk)
    assert (health.current.scorecard, health.receipt.version.scorecard) == (other, other)
    assert [score.scorecard.name for score in health.scores] == ["Health", "Success"]


def test_account_health_without_any_score():
    health = account_health(AccountFactory())
    assert (health.scores, health.current, health.receipt, health.rows) == ([], None, None, [])


def test_account_health_asks_as_often_for_long_and_short_histories(account, now, django_assert_num_queries):
    with django_assert_num_queries(7):
        account_health(account)
    make_history = [now.date() - timedelta(days=back) for back in range(3, 12)]
    for day in make_history:
        score_accounts(scorecard=account_health(account).current.scorecard, now=now, as_of=day)
    with django_assert_num_queries(7):
        account_health(account)


# --- The health page -----------------------------------------------------------------------------


def test_health_page_explains_the_score(client, viewer, account, now):
    text = page(client, "account_health", account)
    for words in (
        "7 days",
        "80 events",
        "100 % (of 75 %)",
        "+30.00",
        "No data",
        "75 % of the weight has fresh data.",
        "No judgement within the limit.",
        "Computed again from these inputs: the same score.",
        "Health v2",
    ):
        assert words in text
    assert "Replayed" not in text


def test_health_page_replays_from_the_facts(client, viewer, account):
    assert "Replayed from the facts as they were known then: the same result." in page(
        client, "account_health", account, replay=1
    )


def test_health_page_of_a_stored_day(client, viewer, account, now):
    day = now.date() - timedelta(days=2)
    text = page(client, "account_health", account, day=day.isoformat())
    assert "60 events" in text
    assert "Health v1" in text
    none = page(client, "account_health", account, day=(day - timedelta(days=90)).isoformat())
    assert "No score of that day" in none


@pytest.mark.parametrize("query", [{"day": "yesterday"}, {"scorecard": "9" * 30}, {"scorecard": "x"}])
def test_health_page_bears_a_broken_query(client, viewer, account, query):
    assert "How this was calculated" in page(client, "account_health", account, **query)


def test_health_page_without_score(client, viewer):
    assert "No score yet" in page(client, "account_health", AccountFactory())


def test_health_page_tells_of_data_that_is_too_old(client, viewer, now):
    card = make_scorecard()
    account = AccountFactory()
    use(account, now.date(), 1)
    record_sentiment(account=account, user=UserFactory(), level=4, now=now - timedelta(days=70))
    score_accounts(scorecard=card, now=now)
    text = page(client, "account_health", account)
    assert "Too old" in text
    assert "Its newest input is older than 60 days." in text


@pytest.mark.parametrize("name", ["account_health", "account_usage"])
def test_pages_of_a_hidden_account_are_not_there(client, viewer, name):
    account = AccountFactory(team=TeamFactory())
    assert client.get(reverse(name, args=[account.pk])).status_code == 404
    assert client.post(reverse(name, args=[account.pk])).status_code == 405


# --- Usage ---------------------------------------------------------------------------------------


def test_usage_report_by_week_type_and_contact(now):
    account, product = AccountFactory(), ProductFactory(name="Fleet")
    anna, ben, gone = ContactFactory(name="Anna"), ContactFactory(name="Ben"), ContactFactory()
    join_account(contact=anna, account=account, role="champion", occurred_at=now - timedelta(days=90), now=now)
    today = now.date()
    monday = today - timedelta(days=today.weekday())
    use(account, monday, 3, contact=anna)
    use(account, monday - timedelta(days=1), 4, contact=anna)
    use(account, monday - timedelta(days=7), 2, contact=ben, name="exported", product=product)
    use(account, monday - timedelta(days=7), 9)
    use(account, monday - timedelta(weeks=13), 100)
    use(account, monday, 1, contact=gone)
    use(AccountFactory(), monday, 50)
    gone.delete()
    report = usage_report(account, today=today)
    assert (len(report.mondays), report.mondays[-1]) == (12, monday)
    assert report.heat == [
        ("opened", [0] * 10 + [13, 4]),
        ("exported", [0] * 10 + [2, 0]),
    ]
    assert [(e.name, e.kind, e.product, e.total, e.people, e.last_on) for e in report.events] == [
        ("opened", "Event", "", 17, 2, monday),
        ("exported", "Event", "Fleet", 2, 1, monday - timedelta(days=7)),
    ]
    assert [(str(c.contact), c.role, c.events, c.active_days, c.last_on) for c in report.contacts] == [
        ("Anna", "Champion", 7, 2, monday),
        ("None", "", 1, 1, monday),
        ("Ben", "", 2, 1, monday - timedelta(days=7)),
    ]
    assert report.more_contacts == 0


def test_usage_report_asks_as_often_for_much_and_little(now, django_assert_num_queries):
    account = AccountFactory()
    for count in (1, 3):
        for n in range(count):
            use(account, now.date(), 1, contact=ContactFactory(), name=f"event {n}")
        with django_assert_num_queries(6):
            usage_report(account, today=now.date())


def test_usage_page(client, viewer, now):
    account = AccountFactory()
    SubscriptionFactory(account=account, seats=40)
    use(account, now.date(), 12, contact=ContactFactory(name="Priya Nair"), name="Route planned")
    text = page(client, "account_usage", account)
    for words in ("Route planned", "Priya Nair", "40 seats bought"):
        assert words in text


def test_usage_page_of_an_account_that_sends_none(client, viewer):
    event_type()
    assert "No usage in these weeks" in page(client, "account_usage", AccountFactory())


# --- Scorecards ----------------------------------------------------------------------------------


def test_scorecard_list_tells_who_is_scored_and_how_sure(client, viewer, account, now):
    make_scorecard("Enterprise", applies_to={"field": "tier", "op": "any_of", "value": ["enterprise"]})
    AccountFactory()
    score_accounts(scorecard=account_health(account).current.scorecard, now=now)
    health, enterprise = sorted(scorecard_list(), key=lambda row: row.scorecard.pk)
    assert (health.coverage.accounts, health.coverage.incomplete_percent, health.coverage.confidence) == (2, 100, 37.5)
    assert health.coverage.counts == {"unknown": 1, "red": 0, "yellow": 0, "green": 1}
    assert (enterprise.coverage.accounts, enterprise.coverage.incomplete_percent) == (0, None)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(reverse("scorecard_list")).content.decode()))
    for words in ("Health · 2 measures", "Tier is Enterprise", "All accounts", "38 %"):
        assert words in text


def test_scorecard_list_asks_as_often_for_one_and_three(django_assert_num_queries):
    for names in (["A"], ["B", "C"]):
        for name in names:
            make_scorecard(name)
        with django_assert_num_queries(2):
            scorecard_list()


def test_known_shares_are_of_accounts_with_fresh_data(account, now):
    version = account_health(account).current.version
    other = AccountFactory()
    record_sentiment(account=other, user=UserFactory(), level=4, now=now)
    score_accounts(scorecard=version.scorecard, now=now)
    assert known_shares(version) == {0: 50, 1: 50}


def test_scorecard_page_shows_weights_curves_rules_and_versions(client, viewer, account):
    scorecard = account_health(account).current.scorecard
    text = page(client, "scorecard", scorecard)
    for words in (
        "Version 2",
        "Braver",
        "75.0 %",
        "0 → 0 · 100 → 100",
        "too old after 60 days",
        "under 10 % confidence",
    ):
        assert words in text
    old = page(client, "scorecard", scorecard, version=1)
    assert "(not in force)" in old
    assert "under 40 % confidence" in old
    assert client.get(reverse("scorecard", args=[scorecard.pk]), {"version": "9"}).status_code == 404
    assert client.get(reverse("scorecard", args=[scorecard.pk + 1])).status_code == 404


def test_scorecard_pages_are_for_everybody_who_sees_a_score(client, viewer):
    scorecard = make_scorecard()
    for url in (reverse("scorecard_list"), reverse("scorecard", args=[scorecard.pk])):
        assert client.get(url).status_code == 200
        assert client.post(url).status_code == 405
    client.logout()
    assert client.get(reverse("scorecard_list")).status_code == 302

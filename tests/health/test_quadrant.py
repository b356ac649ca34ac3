"""Where accounts stand between success and happiness, since when they disagree, and who was right."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.conditions import Moment, matching_ids
from accounts.models import Account
from accounts.services import record_activity, record_sentiment, upsert_subscription
from health.corners import Corner
from health.models import ScoreSnapshot
from health.quadrant import corner_shares, disagreements, largest_places, place_of, who_was_right
from health.scorecards import Band
from health.services.scores import SCORE_SNAPSHOT
from health.usage.partitions import ensure_partitions
from tests.factories import AccountFactory, CurrentScoreFactory, UserFactory
from tests.health.cards import make_scorecard

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def cards():
    return {kind: make_scorecard(kind.title(), kind=kind) for kind in ("success", "happiness")}


def stand(account, cards, success, happiness):
    for kind, score in (("success", success), ("happiness", happiness)):
        CurrentScoreFactory(
            account=account, scorecard=cards[kind], version=cards[kind].version, main_of=kind,
            score=None if score is None else Decimal(score), band=Band.GREEN,
        )  # fmt: skip


def stood(account, cards, day, success, happiness, *, revision=1):
    ensure_partitions(SCORE_SNAPSHOT, [day])
    for kind, score in (("success", success), ("happiness", happiness)):
        ScoreSnapshot.objects.create(
            account_id=account.pk, scorecard_id=cards[kind].pk, version_id=cards[kind].version_id, as_of=day,
            recorded_by=NOW, revision=revision, score=score * 100 if score >= 0 else -1, band=Band.GREEN,
            confidence=100, is_band_change=False, value=[1.0], fresh=[0], points=[5000], contribution=[0], hash=b"",
        )  # fmt: skip


def test_corner_shares_count_accounts_and_arr(cards):
    for arr, success, happiness in ((100, 80, 80), (None, 90, 51), (50, 30, 70), (7, 20, 10), (1, None, 80)):
        stand(AccountFactory(arr=arr), cards, success, happiness)
    AccountFactory()
    assert [(share.corner.label, share.count, share.arr) for share in corner_shares(Account.objects.all())] == [
        ("Thriving", 2, 100),
        ("Happy but failing", 1, 50),
        ("Succeeding but unhappy", 0, 0),
        ("In trouble", 1, 7),
    ]


def test_largest_places_come_by_arr_and_none_last(cards):
    small, unknown, large = AccountFactory(arr=1), AccountFactory(arr=None), AccountFactory(arr=9)
    for account in (small, unknown, large):
        stand(account, cards, 60, 40)
    assert [place.account for place in largest_places(Account.objects.all(), limit=5)] == [large, small, unknown]
    assert place_of(large).corner is Corner.UNHAPPY
    assert place_of(AccountFactory()) is None


def test_disagreements_rank_by_distance_and_arr_with_since_and_sentiment(cards, django_assert_num_queries):
    far, rich, agreeing = AccountFactory(arr=100), AccountFactory(arr=1000), AccountFactory(arr=10**6)
    stand(far, cards, 20, 90)
    stand(rich, cards, 60, 49)
    stand(agreeing, cards, 90, 90)
    for days_ago, success, happiness in ((30, 20, 90), (21, 80, 90), (14, 30, 90), (7, 20, -1), (0, 20, 90)):
        stood(far, cards, TODAY - timedelta(days=days_ago), success, happiness)
    # A later revision of a day counts.
    stood(far, cards, TODAY - timedelta(days=14), 70, 90, revision=2)
    record_sentiment(account=far, user=UserFactory(), level=4, note="", occurred_at=NOW - timedelta(days=3), now=NOW)
    # Known only now: it does not count before.
    with django_assert_num_queries(4):
        rows = disagreements(Account.objects.all(), now=NOW + timedelta(minutes=1), limit=9)
    assert [(row.account, row.corner, row.sentiment) for row in rows] == [
        (rich, Corner.UNHAPPY, None),
        (far, Corner.FAILING, 4),
    ]
    assert [row.since for row in rows] == [None, TODAY]


def test_who_was_right_counts_each_account_once_at_its_first_disagreement(cards):
    left, stayed, agreed = AccountFactory(), AccountFactory(), AccountFactory()
    over = TODAY - timedelta(days=90)
    monday = over - timedelta(days=over.weekday())
    days = [monday - timedelta(days=28 * back) for back in range(3)]
    for account in (left, stayed, agreed):
        stand(account, cards, 20, 80)
        begun = NOW - timedelta(days=600)
        terms = {"mrr": 10, "currency": "EUR", "started_on": begun.date()}
        upsert_subscription(account=account, fields=terms, effective_at=begun, now=begun)
    for day in days:
        stood(left, cards, day, 20, 80)
        stood(stayed, cards, day, 20, 80)
        stood(agreed, cards, day, 80, 80)
    ended = days[-1] + timedelta(days=30)
    subscription = left.subscriptions.get()
    at = datetime(ended.year, ended.month, ended.day, tzinfo=UTC)
    upsert_subscription(account=left, subscription=subscription, fields={"ended_on": ended}, effective_at=at, now=at)
    # History is complete up to now as far as anybody can tell.
    record_activity(account=stayed, kind="note", occurred_at=NOW - timedelta(hours=1), now=NOW, subject="Hello")
    found = who_was_right(Account.objects.all(), now=NOW)
    assert set(days) <= set(found.days)
    assert found.corners == {Corner.FAILING: (2, 1), Corner.UNHAPPY: (0, 0)}
    assert [(each.right, each.told) for each in found.judges] == [(1, 2), (1, 2), (0, 0)]


def test_conditions_know_both_scores_and_the_corner(cards):
    failing, thriving = AccountFactory(), AccountFactory()
    stand(failing, cards, 20, 90)
    stand(thriving, cards, 80, 90)
    stood(failing, cards, TODAY, 80, 10)
    stood(thriving, cards, TODAY, 80, 90)
    now, then = Moment.live(NOW), Moment(as_of=datetime(2026, 6, 15, tzinfo=UTC), recorded_by=NOW)
    for tree, live, dated in (
        ({"field": "corner", "op": "any_of", "value": ["happy_but_failing"]}, {failing.pk}, set()),
        ({"field": "corner", "op": "any_of", "value": ["succeeding_but_unhappy"]}, set(), {failing.pk}),
        ({"field": "success_score", "op": "lt", "value": 50}, {failing.pk}, set()),
        ({"field": "happiness_score", "op": "gt", "value": 50}, {failing.pk, thriving.pk}, {thriving.pk}),
    ):
        assert matching_ids(tree, now) == live
        assert matching_ids(tree, then) == dated

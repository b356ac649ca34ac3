"""Conditions about the health score, now and as of a past day; and how scores went by week."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.conditions import Moment, explain, matching_ids
from health.models import ScoreSnapshot
from health.scorecards import Band
from health.services.scores import SCORE_SNAPSHOT
from health.trends import POINTS, weekly_scores
from health.usage.partitions import ensure_partitions
from tests.factories import AccountFactory, CurrentScoreFactory
from tests.health.cards import make_scorecard

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TOMORROW = NOW.date() + timedelta(days=1)
LIVE = Moment.live(NOW)


@pytest.fixture
def version():
    ensure_partitions(SCORE_SNAPSHOT, [TOMORROW - timedelta(weeks=week) for week in range(POINTS + 1)])
    return make_scorecard().version


def snapshot(score, version, days_ago, points, *, revision=1):
    ScoreSnapshot.objects.create(
        account_id=score.account_id, scorecard_id=version.scorecard_id, version_id=version.pk,
        as_of=TOMORROW - timedelta(days=days_ago), recorded_by=NOW - timedelta(days=days_ago), revision=revision,
        score=points, band=Band.RED if 0 <= points < 4000 else Band.GREEN if points >= 0 else Band.UNKNOWN,
        confidence=100, is_band_change=False, value=[1.0], fresh=[0], points=[5000], contribution=[0], hash=b"",
    )  # fmt: skip


@pytest.fixture
def score(version):
    score = CurrentScoreFactory(
        scorecard=version.scorecard, version=version, score=Decimal("38.50"), band=Band.RED,
        previous_score=Decimal(70), as_of=TOMORROW,
    )  # fmt: skip
    for days_ago, points in [(0, 3850), (7, 5000), (14, -1), (30, 7000)]:
        snapshot(score, version, days_ago, points)
    return score


def leaf(field, op, value):
    return {"field": field, "op": op, "value": value}


def test_score_fields_now(score):
    account = score.account_id
    for tree in (
        leaf("health_score", "lt", 40),
        leaf("health_band", "any_of", ["red"]),
        leaf("health_change", "eq", -31.5),
    ):
        assert matching_ids(tree, LIVE) == {account}
        assert explain(tree, account, LIVE).verdict is True


def test_score_fields_as_of_a_past_day(score):
    week_ago = Moment(NOW - timedelta(days=6), NOW)
    assert matching_ids(leaf("health_score", "eq", 50), week_ago) == {score.account_id}
    assert matching_ids(leaf("health_band", "any_of", ["green"]), week_ago) == {score.account_id}
    assert matching_ids(leaf("health_score", "eq", 50), Moment(week_ago.as_of, NOW - timedelta(days=20))) == set()


def test_an_account_nobody_scored_has_no_score(version):
    account = AccountFactory()
    assert matching_ids(leaf("health_band", "any_of", ["unknown"]), LIVE) == {account.pk}
    why = explain(leaf("health_band", "any_of", ["unknown"]), account.pk, LIVE)
    assert why.text == "Health band is No score — yes: it is No score"
    assert matching_ids({"field": "health_score", "op": "unknown"}, LIVE) == {account.pk}


def test_weekly_scores_end_with_the_one_shown(score, version, django_assert_num_queries):
    snapshot(score, version, 7, 4900, revision=2)
    with django_assert_num_queries(1):
        found = weekly_scores([score])
    assert found == {score.account_id: [None] * 12 + [49.0, 38.5]}
    assert weekly_scores([]) == {}

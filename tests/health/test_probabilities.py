"""The chance of churn by which accounts are ranked."""

from datetime import timedelta

import pytest

from health.models import LearnedModel
from health.outcomes import ChurnRule
from health.probabilities import churn_probabilities, measures_hash
from health.services import publish_version, score_accounts
from health.services.backtests import Candidate, create_backtest
from tests.conftest import NOW
from tests.factories import AccountFactory
from tests.health.cards import CONFIG, make_scorecard
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db

TODAY = NOW.date()
# Each standard deviation of 20 points of events halves the odds.
MODEL = {
    "features": [
        {"key": "events", "mean": 60, "deviation": 20, "risk": -0.7, "missing_risk": 0},
        {"key": "sentiment", "mean": 50, "deviation": 20, "risk": 0, "missing_risk": 1.1},
    ],
    "intercept": -1.1, "slope": 1.0, "offset": 0.0, "strength": 1.0,
}  # fmt: skip


@pytest.fixture
def scorecard():
    return make_scorecard()


@pytest.fixture
def account():
    account = AccountFactory()
    use(account, TODAY - timedelta(days=1), 80)
    return account


def learn(scorecard, **options):
    backtest = create_backtest(
        candidates=[Candidate.of_version(scorecard.version)], rule=ChurnRule("lapse"),
        dates=[TODAY - timedelta(days=200)], now=NOW, scorecard=scorecard, in_background=False,
    )  # fmt: skip
    return LearnedModel.objects.create(
        scorecard=scorecard, backtest=backtest, config=CONFIG, model=MODEL, shares={}, is_usable=True,
        measures_hash=measures_hash(scorecard.version.card()), is_in_force=True, **options,
    )  # fmt: skip


def test_without_a_model_the_score_says_it(scorecard, account):
    score_accounts(scorecard=scorecard, now=NOW)
    unscored = AccountFactory()
    assert churn_probabilities() == {account.pk: pytest.approx(0.2)}
    assert churn_probabilities([account.pk, unscored.pk]) == {account.pk: pytest.approx(0.2)}
    assert churn_probabilities([unscored.pk]) == {}


def test_the_model_in_force_says_it(scorecard, account):
    score_accounts(scorecard=scorecard, now=NOW)
    model = learn(scorecard)
    # 80 points are one deviation above the mean; unknown sentiment takes the intercept away.
    assert churn_probabilities() == {account.pk: pytest.approx(1 / (1 + 2.71828**0.7), abs=1e-4)}
    LearnedModel.objects.filter(pk=model.pk).update(is_in_force=False)
    assert churn_probabilities() == {account.pk: pytest.approx(0.2)}


def test_a_version_with_other_measures_is_not_what_it_learned_from(scorecard, account):
    learn(scorecard)
    other = {**CONFIG, "children": CONFIG["children"][:1]}
    publish_version(scorecard=scorecard, config=other, now=NOW)
    score_accounts(scorecard=scorecard, now=NOW)
    assert churn_probabilities() == {account.pk: pytest.approx(0.2)}


def test_other_weights_leave_the_points_alone(scorecard, account):
    learn(scorecard)
    usage, sentiment = CONFIG["children"]
    other = {**CONFIG, "children": [{**usage, "weight": 9}, sentiment]}
    publish_version(scorecard=scorecard, config=other, now=NOW)
    score_accounts(scorecard=scorecard, now=NOW)
    assert churn_probabilities()[account.pk] == pytest.approx(1 / (1 + 2.71828**0.7), abs=1e-4)

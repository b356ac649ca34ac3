"""Weights and probabilities learned from made-up books whose truth is known."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from health.learning import (
    CannotLearn,
    Model,
    learn,
    points_of,
    probabilities,
    read_model,
    score_points,
    shares,
    with_weights,
)
from health.probabilities import probability
from health.scorecards import read_card
from health.scoring import BASELINE

CONFIG = {
    "children": [
        {
            "key": "use",
            "label": "Use",
            "weight": 3,
            "children": [
                {
                    "key": key, "label": key.title(), "weight": 1, "metric": "event_count",
                    "curve": [[0, 0], [50, 100]], "fresh_days": 30,
                }
                for key in ("strong", "weak")
            ],
        },
        {
            "key": "rest",
            "label": "Rest",
            "weight": 1,
            "children": [
                {"key": key, "label": key.title(), "weight": 1, "metric": "csat", "curve": [[1, 0], [5, 100]]}
                for key in ("noise", "wrong")
            ],
        },
    ]
}  # fmt: skip


def book(accounts=1500, days=3, seed=3):
    """Two points in `strong` count like four in `weak`; `noise` says nothing, `wrong` falls with loyalty."""
    chance = np.random.default_rng(seed)
    size = accounts * days
    points = pd.DataFrame(
        np.tile(chance.uniform(0, 100, (accounts, 4)), (days, 1)), columns=["strong", "weak", "noise", "wrong"]
    )
    odds = 1.0 - 0.04 * points["strong"] - 0.02 * points["weak"] + 0.02 * points["wrong"]
    rows = pd.DataFrame(
        {
            "account": np.tile(np.arange(accounts), days),
            "day": np.repeat(20_000 + 30 * np.arange(days), accounts),
            "churned": chance.uniform(size=size) < 1 / (1 + np.exp(-odds)),
        }
    )
    return rows, points


@pytest.fixture(scope="module")
def model():
    return learn(*book())


def test_weights_follow_the_truth(model):
    share = shares(model)
    assert list(share)[:2] == ["strong", "weak"]
    assert share["strong"] / share["weak"] == pytest.approx(2, rel=0.25)
    assert "wrong" not in share
    assert share.get("noise", 0) < 0.06
    assert sum(share.values()) == pytest.approx(1)


def test_more_points_never_mean_more_risk(model):
    assert max(feature.risk for feature in model.features) <= 0
    _, points = book()
    better = points + 1
    assert (probabilities(model, better) <= probabilities(model, points)).all()


def test_it_ranks_and_is_calibrated_on_accounts_it_has_not_seen(model):
    rows, points = book(seed=4)
    chance = probabilities(model, points)
    assert roc_auc_score(rows["churned"], chance) > 0.75
    assert chance.mean() == pytest.approx(rows["churned"].mean(), abs=0.02)
    for part in np.array_split(np.argsort(chance), 5):
        assert chance[part].mean() == pytest.approx(rows["churned"].to_numpy()[part].mean(), abs=0.06)


def test_coefficients_are_those_of_scikit_learn():
    """With strength, calibration and signs out of the way it is its regression on standardised columns."""
    rows, points = book()
    points = points[["strong", "weak"]]
    model = learn(rows, points)
    early = (rows["day"] < rows["day"].max()).to_numpy()
    seen = points[early]
    standard = (seen - seen.mean()) / seen.std(ddof=0)
    fitted = LogisticRegression(C=model.strength).fit(standard, rows["churned"][early])
    assert [each.risk for each in model.features] == pytest.approx(list(fitted.coef_[0]), rel=1e-3)


def test_what_is_missing_says_something_too():
    rows, points = book()
    is_silent = np.random.default_rng(5).uniform(size=len(rows)) < 0.3
    rows["churned"] |= is_silent
    points.loc[is_silent, "weak"] = np.nan
    model = learn(rows, points)
    weak = next(feature for feature in model.features if feature.key == "weak")
    assert weak.missing_risk > 1
    chance = probabilities(model, points)
    assert chance[is_silent].mean() > chance[~is_silent].mean() + 0.3


def test_measures_that_never_vary_or_are_never_known_count_nothing():
    rows, points = book()
    model = learn(rows, points.assign(noise=50.0, wrong=np.nan))
    assert set(shares(model)) == {"strong", "weak"}
    assert np.isfinite(probabilities(model, points.assign(noise=50.0, wrong=np.nan))).all()


def test_noise_makes_no_scorecard_worth_having():
    rows, points = book()
    shuffled = np.random.default_rng(6).permutation(len(rows))
    rows["churned"] = rows["churned"].to_numpy()[shuffled]
    model = learn(rows, points)
    later, later_points = book(seed=7)
    auc = roc_auc_score(later["churned"].sample(frac=1, random_state=1), probabilities(model, later_points))
    assert auc == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"day": 20_000}, "Learning needs 2 earlier dates with known outcomes and has 1."),
        ({"churned": False}, "Of the accounts on the earlier dates, 0 churned and 1500 stayed: too few"),
    ],
)
def test_what_cannot_carry_it_is_refused(change, message):
    rows, points = book()
    with pytest.raises(CannotLearn, match=message):
        learn(rows.assign(**change), points)


def test_a_last_date_without_churn_is_refused():
    rows, points = book()
    rows.loc[rows["day"] == rows["day"].max(), "churned"] = False
    with pytest.raises(CannotLearn, match="all accounts fared alike"):
        learn(rows, points)


def test_the_model_is_plain_numbers_and_comes_back(model):
    data = json.loads(json.dumps(model.as_dict(), allow_nan=False))
    assert read_model(data) == model
    assert isinstance(read_model(data), Model)


def test_the_plain_form_says_the_same_without_pandas(model):
    _, points = book()
    points.loc[:9, "weak"] = np.nan
    chance = probabilities(model, points.round(2))
    for place in range(20):
        hundredths = {key: -1 if np.isnan(value) else round(value * 100) for key, value in points.iloc[place].items()}
        assert probability(model.as_dict(), hundredths) == pytest.approx(chance[place], abs=1e-9)


def test_learned_weights_make_a_scorecard():
    config = with_weights(CONFIG, {"strong": 0.7, "weak": 0.2, "noise": 0.1})
    card = read_card(config)
    assert card.shares() == pytest.approx({"strong": 0.7, "weak": 0.2, "noise": 0.1})
    assert [(child["key"], child["weight"]) for child in config["children"]] == [("use", 90.0), ("rest", 10.0)]
    assert card.measures[0].fresh_days == 30
    assert with_weights(CONFIG, {}) is None


def test_locks_go_since_learned_weights_replace_them():
    locked = {
        "children": [{**CONFIG["children"][0], "locked": True, "weight": 75}, {**CONFIG["children"][1], "weight": 25}]
    }
    assert "locked" not in with_weights(locked, {"strong": 1.0})["children"][0]


def test_scores_from_points_are_scores():
    """What was too old when the points were made stays unknown; the weight of it goes to the others."""
    points = points_of(
        pd.DataFrame({"strong": [8000, -1], "weak": [4000, 2000], "noise": [5000, -1], "wrong": [0, -1]})
    )
    found = score_points(read_card(CONFIG), points)
    assert list(found.accounts["score"]) == [5125, -1]
    assert found.contributions.sum(axis=1).iloc[0] == 5125 - BASELINE
    assert list(found.accounts["confidence"]) == [100, 38]


def test_limits_hold_as_they_did_when_the_points_were_made():
    veto = {
        "key": "left", "label": "Champion left", "metric": "open_tickets", "is": "at_least", "value": 1, "then": "cap",
        "score": 20,
    }  # fmt: skip
    card = read_card({**CONFIG, "limits": [veto]})
    hundredths = {key: [8000, 8000, 8000] for key in ("strong", "weak", "noise", "wrong")} | {"left": [10000, 0, -1]}
    found = score_points(card, points_of(pd.DataFrame(hundredths)))
    assert list(found.accounts["score"]) == [2000, 8000, 8000]

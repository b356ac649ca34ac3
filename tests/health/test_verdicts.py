"""What may be said, and when nothing may."""

import pytest

from health.backtest import Estimate, judge
from health.verdicts import interval, is_usable, verdicts
from tests.health.backtest_frames import CARD, COUNT, OTHER, bands_of, book


def said(contenders=(CARD, OTHER, COUNT), samples=100, **options):
    rows, risks = book(**options)
    return verdicts(judge(rows, risks, bands_of(risks), contenders, capacity=20, samples=samples))


def test_a_signal_is_told_from_chance_and_compared():
    card, other = said(accounts=600)
    assert card.state == "signal"
    assert card.sentences[0].startswith("It ranks who will churn better than chance: ROC-AUC 0.7")
    assert card.sentences[1].startswith("It ranks better than “Number of events” on the same rows: difference +0.")
    assert other.state == "no_signal"
    assert other.sentences[0].startswith("No usable signal: ROC-AUC 0.")
    assert other.sentences[1].startswith("It ranks worse than “Card” on the same rows: difference −0.")


def test_what_cannot_be_told_apart_is_not_ranked():
    card, other = said(contenders=(CARD, OTHER), skill=0.0)
    assert (card.state, other.state) == ("no_signal", "no_signal")
    assert other.sentences[1].startswith("It cannot be told apart from “Card” on the same rows: difference ")


def test_too_few_churned_to_tell():
    rows, risks = book(accounts=400, days=1)
    keep = ~rows["churned"] | (rows["churned"].cumsum() <= 14)
    found = judge(rows[keep], risks[keep], bands_of(risks[keep]), [CARD, COUNT], capacity=20, samples=20)
    (verdict,) = verdicts(found)
    assert verdict.state == "too_few"
    (sentence,) = verdict.sentences
    assert sentence == (
        "14 accounts churned: too few to tell. With so few, ROC-AUC may be off by ±0.15."
        " A verdict needs 30: take more dates, a longer horizon, or wait."
    )


def test_nobody_churned():
    rows, risks = book()
    found = judge(rows.assign(churned=False), risks, bands_of(risks), [CARD], capacity=20, samples=5)
    assert (
        verdicts(found)[0]
        .sentences[0]
        .startswith("0 accounts churned: too few to tell. Nobody left whom a score could have found.")
    )


def test_too_few_stayed_to_tell():
    rows, risks = book()
    found = judge(rows.assign(churned=rows["account"] > 3), risks, bands_of(risks), [CARD], capacity=20, samples=5)
    assert verdicts(found)[0].sentences[0].startswith("Only 4 accounts stayed: too few to tell.")


def test_nothing_to_judge():
    rows, risks = book()
    found = judge(rows[:0], risks[:0], bands_of(risks)[:0], [CARD], capacity=20)
    (verdict,) = verdicts(found)
    assert (verdict.state, verdict.sentences) == (
        "empty",
        ["Nothing to judge: no account was eligible and scored on these dates with a known outcome."],
    )


@pytest.mark.parametrize(
    ("estimate", "usable"),
    [
        (Estimate(0.6, 0.51, 0.69), True),
        (Estimate(0.6, 0.5, 0.7), False),
        (Estimate(0.549, 0.53, 0.57), False),
        (Estimate(None, None, None), False),
    ],
)
def test_usable(estimate, usable):
    assert is_usable(estimate) is usable


def test_interval_as_text():
    assert interval(Estimate(0.7449, 0.727, 0.763)) == "0.745 (0.727 to 0.763)"
    assert interval(Estimate(-0.01, -0.02, 0.001), signed=True) == "−0.010 (−0.020 to +0.001)"
    assert interval(Estimate(0.5, None, None)) == "0.500"
    assert interval(Estimate(None, None, None)) == "unknown"


def test_worse_than_chance_is_said():
    rows, risks = book(accounts=600)
    risks["card"] = 1 - risks["card"]
    (verdict,) = verdicts(judge(rows, risks, bands_of(risks), [CARD], capacity=20, samples=50))
    assert verdict.state == "no_signal"
    assert "is below chance (0.50). Whom it calls healthy churned more often." in verdict.sentences[0]

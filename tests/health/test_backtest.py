"""What a backtest finds, by hand on a few rows and beside scikit-learn on many."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from health.backtest import Apart, Estimate, judge
from health.scorecards import Band
from tests.health.backtest_frames import CARD, COUNT, FIRST_DAY, OTHER, bands_of, book


@pytest.fixture(scope="module")
def judgement():
    rows, risks = book()
    return judge(rows, risks, bands_of(risks), [CARD, OTHER, COUNT], capacity=20, samples=50)


def test_figures_are_those_of_scikit_learn(judgement):
    rows, risks = book()
    for judged in judgement.judged:
        risk, churned = risks[judged.contender["key"]], rows["churned"]
        figures = judged.figures
        assert figures["roc_auc"].value == pytest.approx(roc_auc_score(churned, risk))
        assert figures["pr_auc"].value == pytest.approx(average_precision_score(churned, risk))
        weighted = roc_auc_score(churned, risk, sample_weight=rows["revenue"])
        assert figures["revenue_roc_auc"].value == pytest.approx(weighted)
        top = pd.concat([each.nlargest(20) for _, each in risk.groupby(rows["day"])]).index
        assert figures["precision"].value == pytest.approx(churned[top].mean())
        assert figures["recall"].value == pytest.approx(churned[top].sum() / churned.sum())
        assert figures["lift"].value == pytest.approx(churned[top].mean() / churned.mean())
        lost = rows["revenue"][churned]
        assert figures["revenue_recall"].value == pytest.approx(lost[lost.index.isin(top)].sum() / lost.sum())
        assert figures["roc_auc"].low < figures["roc_auc"].value < figures["roc_auc"].high


def test_brier_and_reliability(judgement):
    rows, risks = book()
    card, _, count = judgement.judged
    assert card.brier == pytest.approx(brier_score_loss(rows["churned"], risks["card"]))
    assert [each.rows for each in card.reliability] == [90] * 10
    for bin_, risk in zip(card.reliability, np.sort(risks["card"]).reshape(10, 90), strict=True):
        assert bin_.predicted == pytest.approx(risk.mean())
    assert sum(each.rows * each.observed for each in card.reliability) == pytest.approx(rows["churned"].sum())
    assert (count.brier, count.reliability, count.bands, count.lead) == (None, [], [], None)


def test_counts(judgement):
    rows, _ = book()
    churned = rows["churned"]
    assert (judgement.rows, judgement.rows_unscored, judgement.accounts) == (900, 0, 300)
    assert judgement.churned_rows == churned.sum()
    assert judgement.churned_accounts == rows["account"][churned].nunique()
    assert judgement.base_rate == pytest.approx(churned.mean())
    days = judgement.judged[0].by_day
    assert [day["as_of"] for day in days] == ["2024-10-04", "2024-11-03", "2024-12-03"]
    assert [day["rows"] for day in days] == [300, 300, 300]
    assert sum(day["churned"] for day in days) == churned.sum()


def test_differences_are_paired_on_the_same_rows(judgement):
    pairs = [(each.of, each.than) for each in judgement.differences]
    assert pairs == [("other", "card"), ("card", "count"), ("other", "count")]
    auc = {each.contender["key"]: each.figures["roc_auc"].value for each in judgement.judged}
    for each in judgement.differences:
        assert each.difference.value == pytest.approx(auc[each.of] - auc[each.than])
    alone = judgement.judged[1].figures["roc_auc"]
    with_itself = judge(*_twins(), capacity=20, samples=50).differences[0].difference
    assert with_itself == Estimate(0.0, 0.0, 0.0)
    assert alone.high - alone.low > 0


def _twins():
    rows, risks = book()
    risks = risks.assign(other=risks["card"])
    return rows, risks, bands_of(risks), [CARD, OTHER]


def test_rows_of_one_account_are_no_independent_evidence():
    """Nine copies of each row, under the same accounts: the interval must not shrink."""
    rows, risks = book(days=1)
    many, many_risks = (pd.concat([frame] * 9, ignore_index=True) for frame in (rows, risks))
    once = judge(rows, risks, bands_of(risks), [CARD], capacity=20, samples=100).judged[0].figures["roc_auc"]
    often = judge(many, many_risks, bands_of(many_risks), [CARD], capacity=20, samples=100).judged[0].figures["roc_auc"]
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_rows_without_a_score_are_left_out_for_all():
    rows, risks = book()
    risks.loc[rows.index[:100], "other"] = np.nan
    found = judge(rows, risks, bands_of(risks), [CARD, OTHER], capacity=20, samples=5)
    assert (found.rows, found.rows_unscored) == (800, 100)
    assert found.unscored_rate == pytest.approx(rows["churned"][:100].mean())
    assert found.judged[0].figures["roc_auc"].value == pytest.approx(
        roc_auc_score(rows["churned"][100:], risks["card"][100:])
    )


def small(**columns):
    return pd.DataFrame({"churned_on": np.nan, "revenue": np.nan, "is_treated": False, **columns})


def test_bands_and_alarms_and_lead_times():
    """Account 1 was red for two dates before it churned, 2 yellow, 3 green; 4 is red and stays."""
    day = [FIRST_DAY, FIRST_DAY + 30, FIRST_DAY + 60]
    rows = small(
        account=np.tile([1, 2, 3, 4], 3),
        day=np.repeat(day, 4),
        churned=[False] * 8 + [True, True, True, False],
        churned_on=[np.nan] * 8 + [FIRST_DAY + 100] * 3 + [np.nan],
        revenue=np.tile([10.0, 20.0, 30.0, np.nan], 3),
    )
    green, yellow, red = Band.GREEN, Band.YELLOW, Band.RED
    bands = pd.DataFrame(
        {"card": [red, yellow, green, red, green, green, red, red, red, yellow, green, red]}, dtype="int8"
    )
    risks = pd.DataFrame({"card": np.select([bands["card"] == red, bands["card"] == yellow], [0.8, 0.5], 0.2)})
    found = judge(rows, risks, bands, [CARD], capacity=1, samples=5).judged[0]
    assert [(row.band, row.rows, row.churned) for row in found.bands] == [
        ("red", 6, 1), ("yellow", 2, 1), ("green", 4, 1),
    ]  # fmt: skip
    assert [row.recall for row in found.bands] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert [row.revenue_recall for row in found.bands] == pytest.approx([10 / 60, 20 / 60, 30 / 60])
    lead = found.lead
    assert (lead.episodes, lead.red, lead.below_green, lead.early) == (3, 1, 2, 0)
    assert (lead.median_red, lead.median_below_green) == (40, 40)
    assert found.missed == [
        {
            "account": 3, "as_of": "2024-12-03", "score": 80.0, "churned_on": "2025-01-12", "revenue": 30.0,
            "is_treated": False,
        }
    ]  # fmt: skip
    assert [(row["account"], row["revenue"]) for row in found.false] == [(4, None)]
    assert (found.missed_count, found.false_count) == (1, 1)


def test_lead_time_counts_back_over_an_unbroken_streak():
    rows = small(
        account=[1, 1, 1, 1],
        day=[FIRST_DAY, FIRST_DAY + 30, FIRST_DAY + 60, FIRST_DAY + 120],
        churned=[False, False, True, True],
        churned_on=[np.nan, np.nan, FIRST_DAY + 100, FIRST_DAY + 100],
    )
    bands = pd.DataFrame({"card": [Band.RED, Band.YELLOW, Band.RED, Band.GREEN]}, dtype="int8")
    risks = pd.DataFrame({"card": [0.9, 0.5, 0.9, 0.1]})
    lead = judge(rows, risks, bands, [CARD], capacity=1, samples=5).judged[0].lead
    assert (lead.episodes, lead.median_red, lead.median_below_green, lead.early) == (1, 40, 100, 1)


def test_interventions_are_told_apart():
    rows, risks = book()
    rows["is_treated"] = rows["account"] % 3 == 0
    found = judge(rows, risks, bands_of(risks), [CARD], capacity=20, samples=20)
    for apart, chosen in ((found.treated, rows["is_treated"]), (found.untreated, ~rows["is_treated"])):
        assert isinstance(apart, Apart)
        churned = rows["churned"][chosen]
        assert (apart.rows, apart.churned, apart.accounts) == (chosen.sum(), churned.sum(), chosen.sum() / 3)
        assert apart.roc_auc["card"].value == pytest.approx(roc_auc_score(churned, risks["card"][chosen]))
    without = judge(rows.assign(is_treated=False), risks, bands_of(risks), [CARD], capacity=20, samples=2)
    assert (without.treated, without.untreated) == (None, None)


def test_no_rows_at_all():
    rows, risks = book()
    found = judge(rows[:0], risks[:0], bands_of(risks)[:0], [CARD, COUNT], capacity=20)
    assert (found.rows, found.base_rate, found.differences) == (0, None, [])
    assert found.judged[0].figures == {}


def test_the_result_is_plain_data(judgement):
    assert json.loads(json.dumps(judgement.as_dict(), allow_nan=False)) == judgement.as_dict()


def test_no_revenue_no_figures_by_revenue():
    rows, risks = book()
    found = judge(rows.assign(revenue=np.nan), risks, bands_of(risks), [CARD], capacity=20, samples=5)
    assert found.has_revenue is False
    assert found.judged[0].figures["revenue_roc_auc"] == Estimate(None, None, None)

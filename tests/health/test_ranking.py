"""The figures of a ranking, beside scikit-learn's and a plain count."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from health.ranking import Ranking, bootstrap_weights

ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=40
)


def ranking(risk, churned, day=None):
    day = np.zeros(len(risk), int) if day is None else np.array(day)
    return Ranking(np.array(risk, float), np.array(churned, bool), day)


@settings(max_examples=50)
@given(ROWS)
def test_figures_are_those_of_scikit_learn_with_ties_and_weights(rows):
    risk, churned, day, weights = (np.array(column) for column in zip(*rows, strict=True))
    weights = weights.astype(float)
    found = ranking(risk, churned, day)
    if weights[churned].sum() and weights[~churned].sum():
        kept = weights > 0
        options = {"sample_weight": weights[kept]}
        assert found.roc_auc(weights) == pytest.approx(roc_auc_score(churned[kept], risk[kept], **options))
        assert found.average_precision(weights) == pytest.approx(
            average_precision_score(churned[kept], risk[kept], **options)
        )


def test_figures_without_both_kinds_are_unknown():
    assert np.isnan(ranking([1, 2], [True, True]).roc_auc(np.ones(2)))
    assert np.isnan(ranking([1, 2], [False, False]).average_precision(np.ones(2)))


def test_top_takes_the_capacity_of_each_day():
    found = ranking([9, 8, 7, 3, 2, 1], [True, False, True, True, False, False], [0, 0, 0, 1, 1, 1])
    assert found.top(np.ones(6), 1) == (2, 2)
    assert found.top(np.ones(6), 2) == (2, 4)
    assert found.top(np.ones(6), 3) == (3, 6)
    assert found.top(np.ones(6), 100) == (3, 6)


def test_top_takes_a_share_of_equals():
    found = ranking([5, 1, 1, 1, 1], [False, True, False, False, False])
    assert found.top(np.ones(5), 3) == (0.5, 3)


def test_top_counts_what_rows_are_worth():
    found = ranking([3, 2, 1], [True, True, False])
    assert found.top(np.ones(3), 1, np.array([500.0, 20.0, 7.0])) == (500, 500)


def test_bootstrap_draws_whole_accounts():
    cluster = np.array([0, 0, 1, 2, 2, 2])
    drawn = list(bootstrap_weights(cluster, 20, seed=1))
    assert len(drawn) == 20
    for weights in drawn:
        assert weights[0] == weights[1]
        assert weights[3] == weights[4] == weights[5]
        assert weights[0] + weights[2] + weights[3] == 3
    assert [list(each) for each in drawn] == [list(each) for each in bootstrap_weights(cluster, 20, seed=1)]

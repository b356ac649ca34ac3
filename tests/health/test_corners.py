"""The four corners of success and happiness, and counting who was right."""

from datetime import date

import pytest
from scipy.stats import binomtest

from health.corners import Corner, corner_of
from health.proportions import wilson
from health.quadrant import Precedent, judge

DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("success", "happiness", "corner"),
    [
        (50, 50, Corner.THRIVING),
        (49.99, 50, Corner.FAILING),
        (50, 49.99, Corner.UNHAPPY),
        (0, 0, Corner.TROUBLE),
        (None, 80, None),
        (80, None, None),
    ],
)
def test_corner_of_two_scores(success, happiness, corner):
    assert corner_of(success, happiness) is corner


def test_two_corners_are_disagreements_and_all_say_what_to_do():
    assert [corner for corner in Corner if corner.is_disagreement] == [Corner.FAILING, Corner.UNHAPPY]
    assert [corner.label for corner in Corner] == [
        "Thriving",
        "Happy but failing",
        "Succeeding but unhappy",
        "In trouble",
    ]
    assert all(corner.meaning and corner.advice for corner in Corner)


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (10, 10), (34, 50), (1, 1)])
def test_wilson_is_as_scipy_has_it(hits, total):
    interval = binomtest(hits, total).proportion_ci(method="wilson")
    assert wilson(hits, total) == pytest.approx((interval.low, interval.high), abs=1e-6)


def test_judge_counts_each_voice():
    cases = [
        Precedent(1, DAY, Corner.UNHAPPY, 5, churned=False),  # success and CSM said stays
        Precedent(2, DAY, Corner.UNHAPPY, 2, churned=False),  # happiness and CSM said leaves
        Precedent(3, DAY, Corner.FAILING, 3, churned=True),  # success said leaves, the CSM nothing
        Precedent(4, DAY, Corner.FAILING, None, churned=False),  # happiness said stays
    ]
    verdict = judge(cases, [DAY])
    assert [(each.name, each.right, each.told) for each in verdict.judges] == [
        ("Success score", 3, 4),
        ("Happiness score", 1, 4),
        ("CSM sentiment", 1, 2),
    ]
    assert verdict.corners == {Corner.FAILING: (2, 1), Corner.UNHAPPY: (2, 0)}
    assert (verdict.case_count, verdict.is_enough, verdict.judges[0].interval) == (4, False, None)


def test_judge_gives_an_interval_once_there_are_enough():
    cases = [Precedent(pk, DAY, Corner.UNHAPPY, None, churned=pk > 15) for pk in range(1, 21)]
    success = judge(cases, [DAY]).judges[0]
    assert (success.right, success.told, success.interval) == (15, 20, (53, 89))

"""The pure rules of alerts."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health.alerts import (
    Candidate,
    Precision,
    average,
    churn_probability,
    closeness,
    in_order,
    precision,
    rank,
    within_budget,
)

TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(("score", "expected"), [(None, 0.5), (0, 1), (Decimal("38.25"), 0.6175), (100, 0)])
def test_churn_probability_is_what_the_score_lacks(score, expected):
    assert churn_probability(score) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("renews_on", "expected"),
    [(None, 0.5), (date(2026, 6, 1), 1), (TODAY, 1), (date(2026, 9, 13), 0.5), (date(2027, 3, 12), 0.25)],
)
def test_closeness_halves_every_ninety_days_away(renews_on, expected):
    assert closeness(renews_on, TODAY) == pytest.approx(expected)


def test_rank_multiplies_and_unknown_revenue_comes_last_but_not_at_zero():
    assert rank(probability=0.5, arr=Decimal(1000), renews_on=TODAY, today=TODAY) == 500
    assert rank(probability=0.5, arr=Decimal(1000), renews_on=None, today=TODAY) == 250
    assert rank(probability=1, arr=None, renews_on=TODAY, today=TODAY) == 1
    assert rank(probability=1, arr=Decimal(0), renews_on=TODAY, today=TODAY) == 1


def candidates(*ranks, owner=1, risk=True, first=1):
    return [Candidate(first + n, owner, risk, value) for n, value in enumerate(ranks)]


def test_in_order_by_rank_then_account():
    assert [c.account_id for c in in_order(candidates(5, 9, 5))] == [2, 1, 3]


def test_risks_come_before_opportunities_of_any_rank():
    rows = candidates(900, risk=False) + candidates(1, 2, first=2)
    assert [c.account_id for c in in_order(rows)] == [3, 2, 1]


def test_budget_takes_the_highest_ranks_of_each_owner():
    mine, hers = candidates(1, 2, 3), candidates(10, 20, 30, owner=2, first=11)
    assert within_budget(mine + hers, {1: 2, 2: 1}) == {2, 3, 13}


def test_budget_keeps_a_fifth_for_opportunities_rounded_up():
    risks, chances = candidates(*range(100, 120)), candidates(1, 2, 3, 4, risk=False, first=51)
    shown = within_budget(risks + chances, {1: 10})
    assert shown == {*range(13, 21), 53, 54}
    assert within_budget(risks + chances, {1: 1}) == {54}
    assert within_budget(risks, {1: 3}) == {18, 19, 20}
    assert within_budget(chances + risks[:1], {1: 4}) == {1, 52, 53, 54}


def test_budget_that_is_used_up_shows_nothing_and_nobodys_accounts_have_none():
    assert within_budget(candidates(1, 2), {1: 0}) == set()
    assert within_budget(candidates(1, 2), {1: -3}) == set()
    assert within_budget(candidates(1, 2), {}) == set()
    assert within_budget(candidates(1, 2, owner=None), {}) == {1, 2}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([None, 1, 2]), st.booleans(), st.integers(0, 9)), max_size=30),
    st.integers(0, 12),
)
def test_budget_is_filled_and_never_exceeded(rows, slots):
    given_rows = [Candidate(n, owner, risk, value) for n, (owner, risk, value) in enumerate(rows)]
    shown = within_budget(given_rows, {1: slots, 2: slots})
    for owner in (1, 2):
        of_owner = [c for c in given_rows if c.owner_id == owner]
        assert len([c for c in of_owner if c.account_id in shown]) == min(slots, len(of_owner))
        for kind in (True, False):
            kept = [c.rank for c in of_owner if c.is_risk is kind and c.account_id in shown]
            left = [c.rank for c in of_owner if c.is_risk is kind and c.account_id not in shown]
            assert not kept or not left or min(kept) >= max(left)
    assert {c.account_id for c in given_rows if c.owner_id is None} <= shown


@pytest.mark.parametrize(
    ("useful", "judged", "words"),
    [
        (0, 0, "No verdict yet"),
        (9, 9, "Useful 9 of 9: too few to tell"),
        (34, 50, "Useful 34 of 50, 54–79 %"),
        (0, 10, "Useful 0 of 10, 0–28 %"),
        (10, 10, "Useful 10 of 10, 72–100 %"),
    ],
)
def test_precision_says_how_sure_it_is(useful, judged, words):
    assert precision(useful, judged).words == words


def test_average_counts_verdicts_together():
    assert average([Precision(3, 5), Precision(6, 7)]) == precision(9, 12)
    assert average([]).words == "No verdict yet"

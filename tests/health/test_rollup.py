"""A parent's score from those below: by revenue, the worst, the mean; who is responsible; circles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.rollup import (
    BASELINE,
    UNKNOWN,
    Child,
    above,
    below,
    canonical_children,
    families,
    levels,
    read_children,
    responsible,
    roll_up,
)
from health.scorecards import Rollup


def rolled(policy, *children, minimum=0):
    return roll_up(policy, [Child(*child) for child in children], minimum_confidence=minimum)


@pytest.mark.parametrize(
    ("policy", "score", "contributions", "who"),
    [
        (Rollup.AVERAGE, 6000, [1500, -500], 2),
        (Rollup.WORST_CHILD, 4000, [0, -1000], 2),
        (Rollup.REVENUE_WEIGHTED, 7000, [2250, -250], 2),
    ],
)
def test_the_policies(policy, score, contributions, who):
    found = rolled(policy, (1, 8000, 100, 30.0), (2, 4000, 100, 10.0))
    assert (found.score, found.confidence) == (score, 100)
    assert [child.contribution for child in found.children] == contributions
    assert responsible(found.children).account_id == who


def test_those_without_a_score_are_left_out_and_lower_the_confidence():
    found = rolled(Rollup.AVERAGE, (1, 8000, 90), (2, UNKNOWN, 10), (3, 6000, 60))
    assert (found.score, found.confidence) == (7000, 50)
    weighted = rolled(Rollup.REVENUE_WEIGHTED, (1, 8000, 90, 30.0), (2, UNKNOWN, 0, 60.0), (3, 6000, 60, 0.0))
    assert (weighted.score, weighted.confidence) == (8000, 30)
    unknown_weight = rolled(Rollup.REVENUE_WEIGHTED, (1, 8000, 100, 30.0), (2, 2000, 100, None))
    assert (unknown_weight.score, unknown_weight.confidence) == (8000, 50)
    assert [child.contribution for child in unknown_weight.children] == [3000, 0]


def test_too_little_is_no_score():
    assert rolled(Rollup.AVERAGE, (1, UNKNOWN, 0)).score == UNKNOWN
    assert responsible(rolled(Rollup.AVERAGE, (1, UNKNOWN, 0)).children) is None
    found = rolled(Rollup.AVERAGE, (1, 8000, 100), (2, UNKNOWN, 0), minimum=51)
    assert (found.score, found.confidence) == (UNKNOWN, 50)
    assert [child.contribution for child in found.children] == [0, 0]
    assert rolled(Rollup.REVENUE_WEIGHTED, (1, 8000, 100, 0.0)).score == UNKNOWN
    assert rolled(Rollup.REVENUE_WEIGHTED, (1, 8000, 100, None)).score == UNKNOWN


children = st.lists(
    st.builds(
        Child,
        st.integers(1, 10_000),
        st.just(UNKNOWN) | st.integers(0, 10_000),
        st.integers(0, 100),
        st.none() | st.floats(0, 1e6),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda child: child.account_id,
)


@given(children, st.sampled_from([rule for rule in Rollup if rule is not Rollup.OWN]))
def test_contributions_sum_to_the_score_which_lies_among_the_children(found, policy):
    result = roll_up(policy, found, minimum_confidence=0)
    assert roll_up(policy, reversed(found), minimum_confidence=0) == result
    assert 0 <= result.confidence <= 100
    assert roll_up(policy, read_children([c.as_list() for c in result.children]), minimum_confidence=0) == result
    assert canonical_children([c.as_list() for c in result.children]) == result.canonical()
    if result.score != UNKNOWN:
        scores = [child.score for child in found if child.score != UNKNOWN]
        assert min(scores) <= result.score <= max(scores)
        assert sum(child.contribution for child in result.children) == result.score - BASELINE


def test_levels_come_from_below():
    tree = families([(2, 1), (3, 1), (4, 2), (5, 4), (7, 6)])
    assert tree == {1: (2, 3), 2: (4,), 4: (5,), 6: (7,)}
    assert levels(tree, [1, 6]) == [[4, 6], [2], [1]]
    assert levels(tree, [2]) == [[4], [2]]
    assert levels(tree, [5, 9]) == []
    assert below(tree, [2, 9]) == {4, 5}
    assert above(tree, [5, 7]) == {4, 2, 1, 6}


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=14, unique_by=lambda edge: edge[0]))
def test_circles_end(edges):
    tree = families(edges)
    order = [account for level in levels(tree, tree) for account in level]
    assert set(order) == set(tree)
    for place, account in enumerate(order):
        assert not set(tree[account]) & set(order[place:])
        assert account not in below(tree, [account])


def test_accounts_that_stand_above_themselves_score_by_themselves():
    assert families([(1, 2), (2, 3), (3, 1), (4, 1)]) == {1: (4,)}
    assert families([(1, 1)]) == {}

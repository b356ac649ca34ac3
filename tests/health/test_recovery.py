"""What would turn an account green: each answer is checked by scoring it."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from health.metrics.registry import MetricUse
from health.recovery import recovery
from health.scorecards import Band, Effect, Missing
from health.scoring import score
from tests.health.test_scoring import books, card, frames, limit, measure, property_test

NAN = math.nan


def of(a_card, *values):
    return recovery(a_card, np.array(values, float), np.full(len(values), NAN))


def told(targets):
    return [(t.measure.key, t.value, t.target, t.points) for t in targets]


def test_a_green_account_needs_nothing():
    found = of(card(measure("a")), 80)
    assert (found.is_green, found.alone, found.together, found.blocks) == (True, (), (), ())


def test_each_measure_that_is_enough_alone_names_its_value_the_least_demanding_first():
    a_card = card(measure("a", weight=3), measure("b", weight=1, curve=((0, 100), (10, 0))))
    found = of(a_card, 60, 2)
    # 3/4 × 60 + 1/4 × 80 = 65; 5 points are missing.
    assert found.missing == 5.0
    assert told(found.alone) == [("a", 60.0, 67.0, 5.25), ("b", 2.0, 0.0, 5.0)]


def test_several_together_where_none_is_enough_alone():
    a_card = card(measure("a"), measure("b"), measure("c"))
    found = of(a_card, 10, 20, 40)
    assert (found.missing, found.alone) == (46.67, ())
    assert [(t.measure.key, t.value, t.target) for t in found.together] == [("a", 10.0, 100.0), ("b", 20.0, 100.0)]


def test_nothing_is_promised_where_all_together_are_not_enough():
    a_card = card(measure("a", curve=((0, 0), (10, 60))))
    found = of(a_card, 5)
    assert (found.alone, found.together, found.missing) == ((), (), 40.0)


def test_a_veto_that_alone_holds_it_is_named_and_no_points_are_missing():
    veto = limit("veto", Effect.VETO)
    found = of(card(measure("a"), limits=[veto]), 90, 1)
    assert (found.blocks, found.missing, found.alone) == ((veto,), 0.0, ())
    low = of(card(measure("a"), limits=[veto, limit("floor", Effect.FLOOR, 10)]), 60, 1, 1)
    assert (low.blocks, low.missing, told(low.alone)) == ((veto,), 10.0, [("a", 60.0, 70.0, 10.0)])


def test_a_curve_with_a_peak_is_left_on_the_nearer_side():
    a_card = card(measure("a", curve=((0, 0), (10, 100), (20, 0))))
    assert told(of(a_card, 18).alone) == [("a", 18.0, 13.0, 50.0)]
    assert told(of(a_card, 4).alone) == [("a", 4.0, 7.0, 30.0)]


def test_without_a_score_it_names_the_data_that_are_missing():
    a_card = card(measure("a", weight=1), measure("b", weight=3, missing=Missing.REDISTRIBUTE), confidence=60)
    found = of(a_card, 80, None)
    assert [m.key for m in found.gaps] == ["b"]


@property_test
@given(books(), st.data())
def test_every_target_turns_the_account_green_once_no_limit_blocks(book, data):
    a_card, accounts = book
    keys = [part.key for part in a_card.inputs]
    values, ages = frames(a_card, *([[row[i][key] for key in keys] for row in accounts] for i in (0, 1)))
    for place in range(len(values)):
        row, age = values.iloc[place].to_numpy(), ages.iloc[place].to_numpy()
        found = recovery(a_card, row, age)
        band = score(a_card, values.iloc[[place]], ages.iloc[[place]]).accounts["band"].iloc[0]
        assert found.is_green == (band == Band.GREEN)
        if found.blocks:
            continue
        for group in [*([target] for target in found.alone), list(found.together)]:
            better = values.iloc[[place]].copy()
            for target in group:
                better[target.measure.key] = target.target
            if group:
                assert score(a_card, better, ages.iloc[[place]]).accounts["band"].iloc[0] == Band.GREEN


def test_what_only_time_moves_is_nobodys_target():
    a_card = card(replace(measure("renewal"), use=MetricUse("days_to_renewal")), measure("a"))
    assert [t.measure.key for t in of(a_card, 50, 50).alone] == ["a"]

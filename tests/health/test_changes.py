"""The split of a change: its parts sum to it exactly, and each is zero where its cause is absent."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from health.changes import NO_INPUT, Cause, Inputs, split_change
from health.scorecards import Effect
from health.scoring import BASELINE, UNKNOWN, score
from tests.health.test_scoring import card, cards, frames, limit, measure, numbers, property_test

DAY = 24 * 60
A, B = 100, 110


def inputs(values, days, as_of, frozen=None):
    """Return Inputs whose newest inputs came `days` before day 100 (None: there was none)."""
    minutes = [NO_INPUT if d is None else (A - d) * DAY for d in days]
    ages = [math.nan if m == NO_INPUT else as_of - m / DAY for m in minutes]
    return Inputs(
        np.array([math.nan if v is None else v for v in values], float),
        np.array(minutes, np.int32),
        np.array(ages, float),
    )


def scored(a_card, some):
    values, ages = frames(a_card, [some.value], [some.age])
    return int(score(a_card, values, ages).accounts["score"].iloc[0])


def moved(split):
    return {step.cause: step.moved for step in split.steps if step.moved}


@st.composite
def rows(draw, a_card, as_of):
    width = len(a_card.inputs)
    values = draw(st.lists(st.none() | numbers, min_size=width, max_size=width))
    days = draw(st.lists(st.none() | st.integers(-9, 60), min_size=width, max_size=width))
    return inputs(values, [None if d is None else max(d, A - as_of) for d in days], as_of)


@st.composite
def changes(draw):
    old_card = draw(cards())
    new_card = draw(st.just(old_card) | cards())
    old = draw(rows(old_card, A))
    then = old if new_card == old_card else draw(rows(new_card, A))
    late = draw(st.just(then) | rows(new_card, A))
    new = draw(rows(new_card, B) | st.just(Inputs(late.value, late.minute, late.age + (B - A))))
    override = st.just(UNKNOWN) | st.integers(0, 10_000)
    return {
        "old_card": old_card, "old": old, "new_card": new_card, "old_for_new_card": then, "late": late, "new": new,
        "old_override": draw(override), "new_override": draw(override),
    }  # fmt: skip


@property_test
@given(changes())
def test_the_split_sums_to_the_change(change):
    split = split_change(**change)
    shown_old = scored(change["old_card"], change["old"]) if change["old_override"] == UNKNOWN else split.old
    shown_new = scored(change["new_card"], change["new"]) if change["new_override"] == UNKNOWN else split.new
    assert (split.old, split.new) == (shown_old, shown_new)
    old, new = (BASELINE if each == UNKNOWN else each for each in (split.old, split.new))
    assert sum(part.moved for step in split.steps for part in step.parts) == split.moved == new - old
    assert [step.cause for step in split.steps] == list(Cause)


@property_test
@given(changes())
def test_a_part_is_zero_where_its_cause_is_absent(change):
    found = moved(split_change(**change))
    if change["old_card"] == change["new_card"]:
        assert Cause.CONFIGURATION not in found
    if change["late"] is change["old_for_new_card"]:
        assert Cause.LATE_DATA not in found
    if all(m.fresh_days is None for m in change["new_card"].measures):
        assert Cause.DECAY not in found
    if UNKNOWN == change["old_override"] == change["new_override"]:
        assert Cause.OVERRIDE not in found
    late, new = change["late"], change["new"]
    same = np.array_equal(late.value, new.value, equal_nan=True) and np.array_equal(late.minute, new.minute)
    if same and np.array_equal(new.age, late.age + (B - A), equal_nan=True):
        assert Cause.BEHAVIOUR not in found


def test_each_cause_by_example():
    old_card = card(measure("a"), measure("b", fresh_days=15))
    new_card = card(measure("a"), measure("b", fresh_days=15, weight=3), limits=[limit("cap", Effect.CAP, 60)])
    split = split_change(
        old_card=old_card,
        old=inputs([80, 40], [1, 10], A),
        new_card=new_card,
        old_for_new_card=inputs([80, 40, 0], [1, 10, None], A),
        late=inputs([90, 40, 0], [1, 10, None], A),
        new=inputs([70, 40, 1], [-5, 10, -5], B),
        new_override=5500,
    )
    assert (split.old, split.new) == (6000, 5500)
    assert [(s.cause, [(p.key, p.moved) for p in s.parts]) for s in split.steps] == [
        (Cause.CONFIGURATION, [("a", -750), ("b", -250)]),
        (Cause.LATE_DATA, [("a", 250)]),
        (Cause.DECAY, [("a", 3000), ("b", 750)]),
        (Cause.OVERRIDE, [("override", -500)]),
        (Cause.BEHAVIOUR, [("a", -2000), ("cap", -1000)]),
    ]


def test_a_day_without_a_score_counts_as_the_baseline():
    a_card = card(measure("a"))
    split = split_change(
        old_card=a_card,
        old=inputs([None], [None], A),
        new_card=a_card,
        old_for_new_card=inputs([None], [None], A),
        late=inputs([None], [None], A),
        new=inputs([70], [-5], B),
    )
    assert (split.old, split.new, split.moved, split.is_complete) == (UNKNOWN, 7000, 2000, False)
    assert moved(split) == {Cause.BEHAVIOUR: 2000}


def test_a_parent_changes_by_the_accounts_below_it():
    a_card = card(measure("a"))
    old, new = inputs([80], [1], A), inputs([20], [-5], B)
    split = split_change(
        old_card=a_card, old=replace(old, rolled=UNKNOWN), new_card=a_card,
        old_for_new_card=replace(old, rolled=UNKNOWN), late=replace(old, rolled=UNKNOWN),
        new=replace(new, rolled=4200),
    )  # fmt: skip
    assert (split.old, split.new, split.moved) == (UNKNOWN, 4200, -800)
    assert [(s.cause, [(p.label, p.moved) for p in s.parts]) for s in split.steps if s.parts] == [
        (Cause.BEHAVIOUR, [("The accounts below", -800)])
    ]

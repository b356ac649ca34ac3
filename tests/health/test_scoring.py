"""The rules of scoring against a second implementation in exact fractions, one account at a time."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health.metrics.registry import MetricUse
from health.scorecards import Band, Card, Comparison, Effect, Group, Limit, Measure, Missing
from health.scoring import BASELINE, FIRED, UNKNOWN, canonical, score

USE = MetricUse("event_count")
property_test = settings(deadline=None, max_examples=40)  # frames take milliseconds, and the machine may be busy


def measure(key, curve=((0, 0), (100, 100)), weight=1, **rules):
    return Measure(key, key.title(), weight, USE, curve, **rules)


def limit(key, effect, score=None, *, test=Comparison.AT_LEAST, value=1):
    return Limit(key, key.title(), USE, test, value, effect, score)


def card(*children, confidence=0, limits=()):
    return Card(Group("", "", 1, tuple(children)), 70, 40, confidence, limits=tuple(limits))


def frames(a_card, rows, ages=None):
    columns = [part.key for part in a_card.inputs]
    index = range(101, 101 + len(rows))
    values = pd.DataFrame(rows, index=index, columns=columns, dtype="float64")
    days = pd.DataFrame(
        [[math.nan] * len(columns)] * len(rows) if ages is None else ages, index=index, columns=columns, dtype="float64"
    )
    return values, days


def run(a_card, *rows, ages=None):
    return score(a_card, *frames(a_card, rows, ages))


# --- A second implementation, as plain as can be -------------------------------------------------


def half_even(number):
    return round(number)  # of a Fraction: exact, halves to even


def exact_points(m, value):
    xs, ys = zip(*m.curve, strict=True)
    if value <= xs[0]:
        return half_even(Fraction(ys[0]) * 100)
    if value >= xs[-1]:
        return half_even(Fraction(ys[-1]) * 100)
    i = next(i for i in range(len(xs) - 1) if xs[i] <= value <= xs[i + 1])
    x0, x1, y0, y1 = map(Fraction, (xs[i], xs[i + 1], ys[i], ys[i + 1]))
    return half_even((y0 + (y1 - y0) * (Fraction(value) - x0) / (x1 - x0)) * 100)


def exact_score(a_card, values, ages):
    """Return (score in hundredths or None, confidence) of one account."""
    points, shares_known, refused = {}, Fraction(0), False
    nominal = exact_shares(a_card.root, Fraction(1))
    for m in a_card.measures:
        value, age = values[m.key], ages[m.key]
        old = m.fresh_days is not None and age is not None and age > m.fresh_days
        if value is not None and not old:
            points[m.key] = exact_points(m, value)
            shares_known += nominal[m.key]
        elif m.missing is Missing.NEUTRAL:
            points[m.key] = BASELINE
        elif m.missing is Missing.ZERO:
            points[m.key] = 0
        elif m.missing is Missing.UNKNOWN:
            refused = True
    confidence = half_even(shares_known * 100)
    result = exact_group(a_card.root, points)
    if refused or result is None or confidence < a_card.minimum_confidence:
        return None, confidence
    return exact_limits(a_card, half_even(result), values), confidence


def exact_limits(a_card, result, values):
    fired = []
    for each in a_card.limits:
        value = values[each.key]
        if value is not None and (value >= each.value if each.test is Comparison.AT_LEAST else value <= each.value):
            fired.append(each)
    floors = [round(Fraction(str(each.score)) * 100) for each in fired if each.effect is Effect.FLOOR]
    caps = [round(Fraction(str(each.score)) * 100) for each in fired if each.effect is Effect.CAP]
    vetoes = [6999 for each in fired if each.effect is Effect.VETO]
    return min([max([result, *floors]), *caps, *vetoes])


def exact_group(node, points):
    if isinstance(node, Measure):
        return None if node.key not in points else Fraction(points[node.key])
    inside = [(Fraction(c.weight), exact_group(c, points)) for c in node.children]
    weight = sum(w for w, p in inside if p is not None)
    return sum(w * p for w, p in inside if p is not None) / weight if weight else None


def exact_shares(group, share):
    total = sum(Fraction(c.weight) for c in group.children)
    shares = {}
    for c in group.children:
        part = share * Fraction(c.weight) / total
        shares |= {c.key: part} if isinstance(c, Measure) else exact_shares(c, part)
    return shares


# --- Generated cards and accounts ----------------------------------------------------------------

numbers = st.integers(-50, 150).map(float) | st.floats(-1e3, 1e3).map(lambda x: float(canonical(np.array([x]))[0]))


@st.composite
def curves(draw):
    xs = sorted(draw(st.sets(st.integers(-100, 200), min_size=2, max_size=5)))
    return tuple((x, draw(st.integers(0, 100))) for x in xs)


@st.composite
def measures(draw, key):
    return measure(
        key,
        draw(curves()),
        draw(st.integers(1, 9)),
        missing=draw(st.sampled_from(Missing)),
        fresh_days=draw(st.none() | st.integers(1, 60)),
    )


@st.composite
def groups(draw, key, depth):
    children = []
    for i in range(draw(st.integers(1, 3))):
        is_measure = depth == 0 or draw(st.booleans())
        children.append(draw(measures(f"{key}{i}") if is_measure else groups(f"{key}{i}g", depth - 1)))
    return Group(key, key, draw(st.integers(1, 9)), tuple(children))


@st.composite
def limits(draw, key):
    effect = draw(st.sampled_from(Effect))
    held_at = None if effect is Effect.VETO else draw(st.integers(0, 10_000)) / 100
    return limit(key, effect, held_at, test=draw(st.sampled_from(Comparison)), value=draw(st.integers(-50, 150)))


@st.composite
def cards(draw):
    rules = [draw(limits(f"limit{i}")) for i in range(draw(st.integers(0, 3)))]
    return Card(draw(groups("m", 2)), 70, 40, draw(st.sampled_from([0, 0, 40, 75, 100])), limits=tuple(rules))


@st.composite
def books(draw):
    """Return a card and rows of (values, ages), None for unknown."""
    a_card = draw(cards())
    keys = [part.key for part in a_card.inputs]
    account = st.tuples(
        st.fixed_dictionaries(dict.fromkeys(keys, st.none() | numbers)),
        st.fixed_dictionaries(dict.fromkeys(keys, st.none() | st.integers(0, 90))),
    )
    return a_card, draw(st.lists(account, min_size=1, max_size=5))


def book_frames(a_card, accounts):
    keys = [part.key for part in a_card.inputs]
    return frames(a_card, *([[row[i][key] for key in keys] for row in accounts] for i in (0, 1)))


def score_book(a_card, accounts):
    return score(a_card, *book_frames(a_card, accounts))


@property_test
@given(books())
def test_score_equals_exact_fractions_of_one_account(book):
    a_card, accounts = book
    expected = [exact_score(a_card, values, ages) for values, ages in accounts]
    got = score_book(a_card, accounts).accounts
    assert [(None if s == UNKNOWN else s, c) for s, c in zip(got["score"], got["confidence"], strict=True)] == expected


@property_test
@given(books())
def test_score_contributions_sum_to_it_and_it_stays_in_range(book):
    result = score_book(*book)
    for row, total in zip(result.contributions.to_numpy(), result.accounts["score"], strict=True):
        if total == UNKNOWN:
            assert not row.any()
        else:
            assert 0 <= total <= 10_000
            assert BASELINE + int(row.astype(int).sum()) == total


@property_test
@given(books())
def test_score_contributions_are_within_a_hundredth_of_share_times_distance(book):
    a_card, _ = book
    result = score_book(*book)
    for i, m in enumerate(a_card.measures):
        instead = 0 if m.missing is Missing.ZERO else BASELINE
        points = result.points.iloc[:, i].where(result.points.iloc[:, i] != UNKNOWN, instead)
        moved = result.shares.iloc[:, i] * (points - BASELINE)
        is_scored = result.accounts["score"] != UNKNOWN
        assert (abs(result.contributions.iloc[:, i] - moved)[is_scored] <= 1 + 1e-9).all()


@property_test
@given(books(), st.randoms())
def test_score_does_not_depend_on_the_other_accounts(book, random):
    a_card, accounts = book
    values, ages = book_frames(a_card, accounts)
    whole = score(a_card, values, ages)
    order = list(values.index)
    random.shuffle(order)
    shuffled = score(a_card, values.loc[order], ages.loc[order])
    pd.testing.assert_frame_equal(shuffled.accounts.loc[values.index], whole.accounts)
    pd.testing.assert_frame_equal(shuffled.contributions.loc[values.index], whole.contributions)
    alone = score(a_card, values.iloc[:1], ages.iloc[:1])
    pd.testing.assert_frame_equal(alone.contributions, whole.contributions.iloc[:1])


@property_test
@given(books(), st.sampled_from([2, 0.5, 3, 0.1, 1000]))
def test_score_stays_when_all_weights_are_scaled(book, factor):
    a_card, accounts = book

    def scaled(node):
        fields = {"weight": node.weight * factor}
        if isinstance(node, Group):
            fields["children"] = tuple(scaled(child) for child in node.children)
        return type(node)(**{**node.__dict__, **fields})

    other = Card(scaled(a_card.root), 70, 40, a_card.minimum_confidence, limits=a_card.limits)
    pd.testing.assert_frame_equal(score_book(other, accounts).accounts, score_book(a_card, accounts).accounts)


@property_test
@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=2, max_size=6), st.lists(numbers))
def test_score_rises_where_its_curve_rises(points, values):
    xs = sorted({x for x, _ in points} | {101})
    ys = sorted(y for _, y in points)[: len(xs)]
    ys += [ys[-1]] * (len(xs) - len(ys))
    a_card = card(measure("m", tuple(zip(xs, ys, strict=True))), measure("other"))
    result = run(a_card, *[[value, 30] for value in sorted(values)] or [[1, 30]])
    assert result.accounts["score"].is_monotonic_increasing


@property_test
@given(books())
def test_score_of_canonical_values_is_that_of_the_values(book):
    """What a receipt keeps is enough to compute the score again."""
    a_card, accounts = book
    first = score_book(a_card, accounts)
    again = score(a_card, first.values, book_frames(a_card, accounts)[1])
    pd.testing.assert_frame_equal(again.accounts, first.accounts)
    pd.testing.assert_frame_equal(again.contributions, first.contributions)


@property_test
@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_canonical_is_the_nearest_double_of_six_digits(value):
    (got,) = canonical(np.array([value]))
    assert canonical(np.array([got]))[0] == got
    assert got == pytest.approx(value, rel=5.1e-6, abs=1e-15)
    if abs(value) > 1e-12:
        assert float(f"{got:.6g}") == got


@property_test
@given(st.floats(allow_nan=False, min_value=-1e15, max_value=1e15))
def test_canonical_survives_four_bytes(value):
    """Snapshots keep values as float4, whose shortest text has the same six digits."""
    (got,) = canonical(np.array([value]))
    if abs(got) > 1e-12:
        assert float(str(np.float32(got))) == got


def test_canonical_is_the_same_however_a_sum_was_added():
    cents = [1234.1, 5000.22, 6111.33]
    sums = {sum(cents), sum(reversed(cents)), 12345.65 - 1e-11, 12345.65 + 1e-11}
    assert len(sums) > 1
    assert set(canonical(np.array(list(sums)))) == {12345.6}


# --- Each rule, by example -----------------------------------------------------------------------


def test_score_is_the_weighted_mean_of_points():
    a_card = card(measure("a", weight=3), measure("b", weight=1))
    result = run(a_card, [80, 20])
    assert result.accounts.loc[101].to_dict() == {"score": 6500, "band": Band.YELLOW, "confidence": 100}
    assert result.contributions.loc[101].to_dict() == {"a": 2250, "b": -750}


@pytest.mark.parametrize(
    ("missing", "expected", "contributions"),
    [
        (Missing.REDISTRIBUTE, 8000, {"a": 3000, "b": 0}),
        (Missing.NEUTRAL, 6500, {"a": 1500, "b": 0}),
        (Missing.ZERO, 4000, {"a": 1500, "b": -2500}),
        (Missing.UNKNOWN, UNKNOWN, {"a": 0, "b": 0}),
    ],
)
def test_score_with_a_missing_value_follows_its_rule(missing, expected, contributions):
    result = run(card(measure("a"), measure("b", missing=missing)), [80, None])
    assert result.accounts.loc[101, "score"] == expected
    assert result.accounts.loc[101, "confidence"] == 50
    assert result.contributions.loc[101].to_dict() == contributions
    assert result.points.loc[101, "b"] == UNKNOWN


def test_score_weight_of_an_empty_group_goes_to_its_neighbours():
    usage = Group("g", "G", 3, (measure("a"), measure("b")))
    result = run(card(usage, measure("c", weight=1)), [None, None, 60], [None, 40, 60])
    assert list(result.accounts["score"]) == [6000, 4500]
    assert list(result.shares.loc[102]) == [0, 0.75, 0.25]


@pytest.mark.parametrize(("age", "expected"), [(30, 9000), (30.01, 1000), (None, 9000)])
def test_score_value_past_its_freshness_limit_becomes_unknown(age, expected):
    a_card = card(measure("a", fresh_days=30, missing=Missing.ZERO, weight=4), measure("b"))
    result = run(a_card, [100, 50], ages=[[age, 400]])
    assert result.accounts.loc[101, "score"] == expected
    assert result.values.loc[101, "a"] == 100


@pytest.mark.parametrize(("confidence", "band"), [(50, Band.GREEN), (51, Band.UNKNOWN)])
def test_score_below_the_minimum_confidence_is_unknown(confidence, band):
    result = run(card(measure("a"), measure("b"), confidence=confidence), [90, None])
    assert result.accounts.loc[101, "band"] == band
    assert (result.accounts.loc[101, "score"] == UNKNOWN) == (band == Band.UNKNOWN)


@pytest.mark.parametrize(
    ("value", "band"), [(70, Band.GREEN), (69.99, Band.YELLOW), (40, Band.YELLOW), (39.99, Band.RED), (0, Band.RED)]
)
def test_score_band_starts_at_its_threshold(value, band):
    assert run(card(measure("a")), [value]).accounts.loc[101, "band"] == band


def test_score_with_nothing_known_is_unknown_even_without_a_minimum():
    assert run(card(measure("a")), [None]).accounts.loc[101].to_dict() == {"score": UNKNOWN, "band": 0, "confidence": 0}


@pytest.mark.parametrize(("value", "points"), [(-5, 10), (0, 10), (5, 55), (10, 100), (15, 50), (20, 0), (99, 0)])
def test_points_are_straight_lines_between_the_curve_and_level_outside(value, points):
    a_card = card(measure("a", curve=((0, 10), (10, 100), (20, 0))))
    assert run(a_card, [value]).points.loc[101, "a"] == points * 100


VETO = limit("veto", Effect.VETO)


@pytest.mark.parametrize(
    ("rules", "values", "expected", "moved"),
    [
        ([VETO], [90, 1], 6999, [4000, -2001]),
        ([VETO], [90, 0.99], 9000, [4000, 0]),
        ([VETO], [90, None], 9000, [4000, 0]),
        ([VETO], [60, 5], 6000, [1000, 0]),
        ([limit("cap", Effect.CAP, 39.99, test=Comparison.AT_MOST)], [90, 1], 3999, [4000, -5001]),
        ([limit("cap", Effect.CAP, 39.99, test=Comparison.AT_MOST)], [90, 2], 9000, [4000, 0]),
        ([limit("floor", Effect.FLOOR, 55)], [20, 1], 5500, [-3000, 3500]),
        ([limit("floor", Effect.FLOOR, 55)], [60, 1], 6000, [1000, 0]),
        # The strictest moves it all, wherever it stands; caps beat floors.
        ([limit("a", Effect.CAP, 60), limit("b", Effect.CAP, 40)], [90, 1, 1], 4000, [4000, 0, -5000]),
        ([limit("a", Effect.CAP, 40), limit("b", Effect.FLOOR, 80)], [20, 1, 1], 4000, [-3000, -4000, 6000]),
    ],
)
def test_score_is_held_by_limits(rules, values, expected, moved):
    result = run(card(measure("a"), limits=rules), values)
    assert result.accounts.loc[101, "score"] == expected
    assert list(result.contributions.loc[101]) == moved
    assert BASELINE + sum(moved) == expected


def test_points_of_a_limit_say_whether_it_fired_and_it_counts_for_no_confidence():
    result = run(card(measure("a"), limits=[VETO]), [90, 1], [90, 0], [90, None])
    assert list(result.points["veto"]) == [FIRED, 0, UNKNOWN]
    assert list(result.accounts["confidence"]) == [100, 100, 100]
    assert list(result.shares.columns) == ["a"]


def test_a_veto_stays_below_green_however_fine_its_threshold_is():
    a_card = Card(Group("", "", 1, (measure("a"),)), 70.004, 40, 0, limits=(VETO,))
    assert run(a_card, [90, 1]).accounts.loc[101].to_dict() == {"score": 7000, "band": Band.YELLOW, "confidence": 100}


def test_limits_give_no_score_to_an_account_without_one():
    result = run(card(measure("a"), limits=[limit("floor", Effect.FLOOR, 55)]), [None, 1])
    assert result.accounts.loc[101, "score"] == UNKNOWN
    assert list(result.contributions.loc[101]) == [0, 0]


def test_score_rounds_halves_to_even():
    a_card = card(measure("a"), measure("b"))
    assert list(run(a_card, [0.01, 0], [0.03, 0]).accounts["score"]) == [0, 2]


def test_score_of_no_accounts_is_empty():
    assert run(card(measure("a"))).accounts.empty

"""Editing a configuration: parts keep their ids, weights balance, nothing is lost by a move."""

import copy
import math
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health import drafts
from health.drafts import ROOT, balanced, from_draft, to_draft
from health.scorecards import InvalidScorecard, locked_weights_problem, read_card
from tests.health.cards import CONFIG


@pytest.fixture
def draft():
    return to_draft(CONFIG)


def outline(draft):
    """Return the keys in order, with their depth."""
    return [(place.node["key"], place.depth) for place in drafts.places(draft)]


def id_of(draft, key):
    return next(place.node["id"] for place in drafts.places(draft) if place.node["key"] == key)


def test_to_draft_gives_every_part_an_id_and_from_draft_takes_it_away(draft):
    assert [place.node["id"] for place in drafts.places(draft)] == ["p1", "p2", "p3"]
    assert from_draft(draft) == CONFIG
    assert "id" not in CONFIG["children"][0]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ([], "this must be a set of names and values, not list."),
        ({"children": {}}, "children → this must be a list."),
        ({"children": [1]}, "children → every part must be a set of names and values."),
        ({"children": [], "bands": {1, 2}}, "this holds values that are no text, number, list or set of names."),
        ({"children": [], "bands": math.nan}, "this holds values that are no text, number, list or set of names."),
        ({"children": [{"label": "a\x00"}]}, "there is a NUL character in it; remove it."),
        (
            {"applies_to": "\ud800"},
            "this holds values that are no text, number, list or set of names.",
        ),
        ({"applies_to": reduce(lambda inside, _: [inside], range(70), [])}, "values are nested more than 60 deep."),
        ({"children": [{}] * 401}, "more than 400 parts; split the scorecard."),
        ({"limits": 1}, "limits → this must be a list."),
    ],
)
def test_to_draft_refuses_what_cannot_be_edited(config, message):
    with pytest.raises(InvalidScorecard) as error:
        to_draft(config)
    assert str(error.value) == message


def test_to_draft_refuses_endless_depth():
    node = {"label": "G", "children": []}
    for _ in range(20):
        node = {"label": "G", "children": [node]}
    with pytest.raises(InvalidScorecard, match="groups are nested deeper than 8"):
        to_draft({"children": [node]})


@pytest.mark.parametrize("weight", [10**400, -(10**400), float("nan"), True, "much", None])
def test_a_weight_beyond_all_numbers_counts_as_none(weight):
    assert drafts.weight_of({"weight": weight}) == 0.0


def test_add_parts_to_the_whole_and_to_a_group(draft):
    assert drafts.add_group(draft, ROOT) == "p4"
    assert drafts.add_measure(draft, "p4") == "p5"
    assert drafts.add_measure(draft, id_of(draft, "usage")) == "p6"
    assert drafts.add_limit(draft) == "p7"
    assert drafts.add_measure(draft, "p99") is None
    assert [(p.node["id"], p.depth) for p in drafts.places(draft)] == [
        ("p1", 0), ("p2", 1), ("p6", 1), ("p3", 0), ("p4", 0), ("p5", 1)
    ]  # fmt: skip
    # A new part counts as much as its siblings do on average.
    assert [drafts.find(draft, part).node["weight"] for part in ("p4", "p5", "p6")] == [2, 1, 1]
    assert draft["limits"][0]["then"] == "veto"
    drafts.remove(draft, "p7")
    assert "limits" not in draft


def test_keys_come_from_labels_and_never_twice(draft):
    for label in ("Events", "Events", "1st week", "…"):
        drafts.find(draft, drafts.add_measure(draft, ROOT)).node["label"] = label
    drafts.give_keys(draft)
    assert [key for key, _ in outline(draft)][3:] == ["events_2", "events_3", "m_1st_week", "part"]


def test_move_up_and_down_goes_through_a_group_and_out_of_it(draft):
    events, sentiment = id_of(draft, "events"), id_of(draft, "sentiment")
    drafts.move(draft, sentiment, -1)
    assert outline(draft) == [("sentiment", 0), ("usage", 0), ("events", 1)]
    drafts.move(draft, sentiment, -1)
    assert outline(draft)[0] == ("sentiment", 0)
    drafts.move(draft, events, 1)
    assert outline(draft) == [("sentiment", 0), ("usage", 0), ("events", 0)]
    drafts.move_into(draft, events, id_of(draft, "usage"))
    drafts.move(draft, events, -1)
    assert outline(draft) == [("sentiment", 0), ("events", 0), ("usage", 0)]
    drafts.move(draft, "p99", 1)


def test_move_into_a_group_but_never_into_itself(draft):
    usage, sentiment = id_of(draft, "usage"), id_of(draft, "sentiment")
    inner = drafts.add_group(draft, usage)
    for target in (usage, inner, "p99"):
        drafts.move_into(draft, usage, target)
    assert outline(draft) == [("usage", 0), ("events", 1), ("", 1), ("sentiment", 0)]
    drafts.move_into(draft, sentiment, inner)
    assert outline(draft) == [("usage", 0), ("events", 1), ("", 1), ("sentiment", 2)]
    drafts.move_into(draft, sentiment, ROOT)
    assert outline(draft)[-1] == ("sentiment", 0)


def test_shares_of_the_whole_bear_weights_that_are_no_numbers(draft):
    assert drafts.shares(draft) == {"p1": 0.75, "p2": 0.75, "p3": 0.25}
    draft["children"][0]["weight"] = "much"
    assert drafts.shares(draft) == {"p1": 0.0, "p2": 0.0, "p3": 1.0}
    draft["children"][1]["weight"] = None
    assert set(drafts.shares(draft).values()) == {0.0}


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([(2, False), (1, False)], [67, 33]),
        ([(1, False)] * 3, [34, 33, 33]),
        ([(30, True), (2, False), (1, False)], [30, 47, 23]),
        ([(0, False), (0, False)], [50, 50]),
        ([(99.5, True), (1, False), (1, False)], [99.5, 0.25, 0.25]),
        ([(33.333, True), (1, False)], [33.333, 66.667]),
        ([(60, True), (40, True)], [60, 40]),
        ([(1, False)], [100]),
    ],
)
def test_balanced_examples(weights, expected):
    assert balanced(weights) == expected


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([(60, True), (30, True)], "all weights are locked, and they sum to 90, not 100; unlock one."),
        ([(100, True), (3, False)], "the locked weights sum to 100 and leave too little of 100; lower or unlock one."),
        ([(120, True), (3, False)], "the locked weights sum to 120 and leave too little of 100; lower or unlock one."),
    ],
)
def test_balanced_refuses_what_cannot_sum(weights, message):
    with pytest.raises(InvalidScorecard) as error:
        balanced(weights)
    assert str(error.value) == message


WEIGHTS = st.lists(
    st.tuples(st.floats(0.001, 1000, allow_nan=False) | st.integers(1, 100), st.booleans()), min_size=1, max_size=30
)


@given(WEIGHTS)
def test_balanced_keeps_locked_weights_and_sums_to_100(weights):
    try:
        result = balanced(weights)
    except InvalidScorecard:
        locked = math.fsum(weight for weight, is_locked in weights if is_locked)
        free = [weight for weight, is_locked in weights if not is_locked]
        assert not free or locked > 100 - 0.01 * len(free)
        return
    pairs = list(zip(weights, result, strict=True))
    assert all(after == before for (before, is_locked), after in pairs if is_locked)
    free = sorted((before, after) for (before, is_locked), after in pairs if not is_locked)
    assert all(after > 0 for _, after in free)
    assert locked_weights_problem([(after, True) for after in result]) is None
    # Whoever weighed more weighs no less, and balancing again changes nothing.
    assert all(a <= b + 0.011 for (x, a), (y, b) in pairwise(free) if x < y)
    again = balanced([(after, is_locked) for (_, is_locked), after in pairs])
    assert again == pytest.approx(result, abs=0.011)


def test_balance_of_a_group_leaves_others_alone_and_makes_a_card_that_reads(draft):
    draft["children"][1]["locked"] = True
    draft["children"][1]["weight"] = 40
    before = copy.deepcopy(draft["children"][0]["children"])
    drafts.balance(draft, ROOT)
    assert [child["weight"] for child in draft["children"]] == [60, 40]
    assert draft["children"][0]["children"] == before
    assert read_card(from_draft(draft)).shares() == {"events": 0.6, "sentiment": 0.4}


MOVES = st.lists(st.tuples(st.integers(1, 12), st.sampled_from([-1, 1, "p1", "p4", "p5", "root"])), max_size=25)


@given(MOVES)
def test_moves_lose_nothing(moves):
    draft = to_draft(CONFIG)
    for group in (ROOT, "p1", "p4"):
        drafts.add_group(draft, group)
        drafts.add_measure(draft, group)
    everything = sorted(place.node["id"] for place in drafts.places(draft))
    for number, step in moves:
        if isinstance(step, int):
            drafts.move(draft, f"p{number}", step)
        else:
            drafts.move_into(draft, f"p{number}", step)
    assert sorted(place.node["id"] for place in drafts.places(draft)) == everything

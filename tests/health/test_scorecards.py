"""Reading a scorecard from plain data: defaults, order, and sentences that say what to mend."""

import copy

import pytest

from health.metrics.registry import MetricUse, Scope
from health.scorecards import Comparison, Effect, Group, InvalidScorecard, Limit, Measure, Missing, Rollup, read_card

PEOPLE = {
    "key": "people",
    "label": "Active people",
    "weight": 2,
    "metric": "active_contacts",
    "params": {"days": 7},
    "scope": {"role": "champion"},
    "curve": [[0, 0], [10, 100]],
    "missing": "zero",
    "fresh_days": 30,
}
DATA = {
    "bands": {"green": 80, "yellow": 50},
    "minimum_confidence": 30,
    "children": [
        {"key": "usage", "label": "Usage", "weight": 3, "children": [PEOPLE]},
        {
            "key": "tickets",
            "label": "Open tickets",
            "weight": 1,
            "metric": "open_tickets",
            "curve": [[0, 100], [5.5, 0]],
        },
    ],
}


LEFT = {
    "key": "left",
    "label": "Champion left",
    "metric": "people_left",
    "scope": {"role": "champion"},
    "value": 1,
    "then": "veto",
}


def changed(path, value):
    data = copy.deepcopy(DATA)
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return data


def test_read_card_fills_what_is_left_out():
    card = read_card(DATA)
    people = Measure(
        "people",
        "Active people",
        2,
        MetricUse("active_contacts", (("days", 7), ("events", ())), Scope(role="champion")),
        ((0, 0), (10, 100)),
        Missing.ZERO,
        30,
    )
    tickets = Measure("tickets", "Open tickets", 1, MetricUse("open_tickets"), ((0, 100), (5.5, 0)))
    assert card.root.children == (Group("usage", "Usage", 3, (people,)), tickets)
    assert (card.green_from, card.yellow_from, card.minimum_confidence) == (80, 50, 30)
    assert card.measures == (people, tickets)
    assert card.shares() == {"people": 0.75, "tickets": 0.25}


def test_read_card_takes_back_its_canonical_form_with_the_same_hash():
    card = read_card(DATA)
    again = read_card(card.as_dict())
    assert again == card
    assert again.hash == card.hash
    assert read_card(changed(["children", 1, "weight"], 1.5)).hash != card.hash
    # What is the same number is the same card.
    assert read_card(changed(["children", 1, "weight"], 1.0)).hash == card.hash


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["children"], [], "there is nothing inside; add a measure or remove the group."),
        (
            ["bands", "yellow"],
            80,
            "Bands → yellow must start above 0 and below green, and green at most at 100; not 80 and 80.",
        ),
        (["minimum_confidence"], 101, "Minimum confidence → this is a whole number from 0 to 100, not 101."),
        (
            ["colour"],
            1,
            "'colour' means nothing here; known are applies_to, bands, children, limits, minimum_confidence, rollup.",
        ),
        (
            ["children", 1, "weight"],
            0,
            "Open tickets → weight → a weight must be above 0, not 0; remove what should not count.",
        ),
        (["children", 1, "weight"], float("nan"), "Open tickets → weight → nan is not a number."),
        (["children", 1, "weight"], True, "Open tickets → weight → True is not a number."),
        (["children", 1, "key"], "people", "two parts have the key 'people'; give one of them another."),
        (["children", 1, "key"], "2", "the key '2' is not a word of a–z, 0–9 and _, starting with a letter."),
        (["children", 1, "label"], " ", "tickets → a label of 1 to 80 characters is missing."),
        (
            ["children", 0, "children", 0, "curve"],
            [[0, 0]],
            "Usage → Active people → curve → a curve is a list of 2 to 50 points [value, points].",
        ),
        (
            ["children", 0, "children", 0, "curve"],
            [[0, 0], [5, 10], [5, 20]],
            "Usage → Active people → curve → two points have the value 5; remove one, or give it another value.",
        ),
        (
            ["children", 0, "children", 0, "curve"],
            [[0, 0], [5, 101]],
            "Usage → Active people → curve → points go from 0 to 100, not 101 (at 5).",
        ),
        (
            ["children", 0, "children", 0, "curve"],
            [[0, 0], [5]],
            "Usage → Active people → curve → [5] is not a point [value, points].",
        ),
        (
            ["children", 0, "children", 0, "missing"],
            "skip",
            "Usage → Active people → missing → this is one of redistribute, neutral, zero, unknown, not 'skip'.",
        ),
        (
            ["children", 0, "children", 0, "fresh_days"],
            0,
            "Usage → Active people → fresh_days → this is a number of days from 1 to 3650 or nothing, not 0.",
        ),
        (
            ["children", 0, "children", 0, "params"],
            {"days": 0},
            "Usage → Active people → Window is a whole number from 1 to 400, not 0.",
        ),
        (
            ["children", 0, "children", 0, "params"],
            {"weeks": 4},
            "Usage → Active people → Active people has no parameter 'weeks'; its parameters are days, events.",
        ),
        (
            ["children", 0, "children", 0, "scope"],
            {"team": 1},
            (
                "Usage → Active people → Active people cannot be limited to a team;"
                " it can be limited to persona, product, role."
            ),
        ),
        (
            ["children", 0, "children", 0, "scope"],
            {"persona": "admins"},
            "Usage → Active people → The persona is the number of one, not 'admins'.",
        ),
        (
            ["children", 0, "children", 0, "scope"],
            {"role": "x'; drop"},
            'Usage → Active people → The role "x\'; drop" is not a word like champion.',
        ),
    ],
)
def test_read_card_says_where_and_what_to_mend(path, value, message):
    with pytest.raises(InvalidScorecard) as error:
        read_card(changed(path, value))
    assert str(error.value) == message


def test_read_card_with_limits():
    capped = LEFT | {"key": "capped", "label": "Capped", "is": "at_most", "value": 0.5, "then": "cap", "score": 39.99}
    card = read_card(DATA | {"limits": [LEFT, capped]})
    use = MetricUse("people_left", (("days", 90), ("succession", None)), Scope(role="champion"))
    assert card.limits == (
        Limit("left", "Champion left", use, Comparison.AT_LEAST, 1, Effect.VETO),
        Limit("capped", "Capped", use, Comparison.AT_MOST, 0.5, Effect.CAP, 39.99),
    )
    assert [part.key for part in card.inputs] == ["people", "tickets", "left", "capped"]
    assert [card.held_at(each) for each in card.limits] == [79.99, 39.99]
    assert read_card(card.as_dict()) == card
    # A card without limits is as it was before there were any.
    assert read_card(DATA | {"limits": []}).hash == read_card(DATA).hash != card.hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"then": "stop"}, "Limits → Champion left → then → this is one of cap, floor, veto, not 'stop'."),
        ({"is": "above"}, "Limits → Champion left → is → this is one of at_least, at_most, not 'above'."),
        ({"value": None}, "Limits → Champion left → value → None is not a number."),
        ({"then": "cap"}, "Limits → Champion left → score → None is not a number."),
        (
            {"then": "cap", "score": 39.999},
            (
                "Limits → Champion left → score → this is where it holds, from 0 to 100 with at most two decimals,"
                " not 39.999."
            ),
        ),
        (
            {"score": 60},
            "Limits → Champion left → score → a veto has none, it keeps the score below green; make it a cap.",
        ),
        ({"key": "people"}, "two parts have the key 'people'; give one of them another."),
        (
            {"weight": 2},
            (
                "Limits → Champion left → 'weight' means nothing here;"
                " known are is, key, label, metric, params, scope, score, then, value."
            ),
        ),
        ({"scope": {"team": 1}}, "Limits → Champion left → People who left cannot be limited to a team;"),
    ],
)
def test_read_card_says_what_to_mend_in_a_limit(change, message):
    with pytest.raises(InvalidScorecard) as error:
        read_card(DATA | {"limits": [LEFT | change]})
    assert str(error.value).startswith(message)


def test_read_card_names_the_metrics_there_are():
    with pytest.raises(InvalidScorecard, match=r"There is no metric 'magic'; the metrics are .*active_contacts"):
        read_card(changed(["children", 1, "metric"], "magic"))


@pytest.mark.parametrize("data", [None, [], "card", 7])
def test_read_card_of_something_else(data):
    with pytest.raises(InvalidScorecard, match="this must be a set of names and values"):
        read_card(data)


def test_read_card_refuses_groups_nested_too_deep():
    node = {**PEOPLE}
    for i in range(9):
        node = {"key": f"g{i}", "label": f"G{i}", "children": [node]}
    with pytest.raises(InvalidScorecard, match="groups are nested deeper than 8"):
        read_card({"children": [node]})


# --- Locks, and what belongs to the version -------------------------------------------------------


def group(*weights):
    """Return a card whose only group has measures of (weight, locked)."""
    children = [
        {"key": f"m{n}", "label": f"M{n}", "weight": weight, "locked": locked, "metric": "tenure_days"}
        | {"curve": [[0, 0], [1, 100]]}
        for n, (weight, locked) in enumerate(weights)
    ]
    return {"children": [{"key": "all", "label": "All", "children": children}]}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([(60, True), (30, True)], "all weights are locked, and they sum to 90, not 100; unlock one, or change them."),
        (
            [(60, True), (40, True), (5, False)],
            "the locked weights sum to 100 and leave nothing of 100 to the others; lower or unlock one.",
        ),
        (
            [(60, True), (30, False)],
            "weights beside a locked one must sum to 100, not 90; balance the rest, or change them.",
        ),
    ],
)
def test_read_card_refuses_locked_weights_that_cannot_sum(weights, message):
    with pytest.raises(InvalidScorecard) as error:
        read_card(group(*weights))
    assert str(error.value) == f"All → weight → {message}"


@pytest.mark.parametrize("weights", [[(60, True), (40, True)], [(60.5, True), (39.5, False)], [(2, False), (1, False)]])
def test_read_card_takes_locks_that_sum_and_keeps_them(weights):
    card = read_card(group(*weights))
    assert [(m.weight, m.locked) for m in card.measures] == weights
    assert read_card(card.as_dict()) == card


def test_whom_a_card_applies_to_is_in_its_hash():
    condition = {"field": "tier", "op": "any_of", "value": ["growth"]}
    card = read_card({**DATA, "applies_to": condition})
    assert card.as_dict()["applies_to"] == condition
    assert card.hash != read_card(DATA).hash
    with pytest.raises(InvalidScorecard, match="Applies to → this must be a set of names and values, not list"):
        read_card({**DATA, "applies_to": []})


def test_a_rollup_is_one_of_four_and_its_own_by_default():
    plain = read_card(DATA)
    assert plain.rollup is Rollup.OWN
    assert "rollup" not in plain.as_dict()
    assert read_card(DATA | {"rollup": "own"}).hash == plain.hash
    worst = read_card(DATA | {"rollup": "worst_child"})
    assert worst.rollup is Rollup.WORST_CHILD
    assert read_card(worst.as_dict()) == worst
    assert worst.hash != plain.hash
    with pytest.raises(InvalidScorecard) as error:
        read_card(DATA | {"rollup": "best"})
    assert str(error.value) == "Roll-up → this is one of own, revenue_weighted, worst_child, average, not 'best'."

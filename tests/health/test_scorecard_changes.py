"""What differs between two configurations, in words."""

from copy import deepcopy

from health.scorecard_changes import Change, changes_between
from health.scorecards import read_card
from tests.health.cards import CONFIG


def told(change, before=CONFIG):
    """Return the changes that `change` makes to a copy of the card."""
    config = deepcopy(CONFIG)
    change(config)
    return changes_between(read_card(before), read_card(config), lambda tree: "some" if tree else "all accounts")


def test_nothing_differs():
    assert told(lambda config: None) == []


def test_card_and_measure_changes_are_told_with_before_and_after():
    def change(config):
        config["bands"]["green"] = 80
        config["minimum_confidence"] = 10
        config["applies_to"] = {"field": "tier", "op": "known"}
        config["children"][0] |= {"weight": 60, "locked": True, "label": "Use"}
        config["children"][1] |= {"weight": 40, "fresh_days": None, "missing": "zero", "curve": [[1, 0], [4, 100]]}
        config["children"][1]["params"] = {"days": 30}

    assert told(change) == [
        Change("changed", "Healthy from", "70", "80"),
        Change("changed", "Minimum confidence", "40 %", "10 %"),
        Change("changed", "Applies to", "all accounts", "some"),
        Change("changed", "Group “Use”: name", "Usage", "Use"),
        Change("changed", "Group “Use”: weight", "3", "60 (locked)"),
        Change("changed", "Events: group", "Usage", "Use"),
        Change("changed", "CSM sentiment: weight", "1", "40"),
        Change("changed", "CSM sentiment: parameters", "days 90", "days 30"),
        Change("changed", "CSM sentiment: curve", "1 → 0 · 5 → 100", "1 → 0 · 4 → 100"),
        Change("changed", "CSM sentiment: without data", "weight goes to the others", "counts 0"),
        Change("changed", "CSM sentiment: too old after", "60 days", "never"),
    ]


def test_parts_added_moved_and_removed():
    def change(config):
        config["children"].append(config["children"][0]["children"].pop())
        config["children"][0] = {"key": "tenure", "label": "Tenure", "metric": "tenure_days", "curve": [[0, 0], [9, 9]]}
        config["limits"] = [
            {
                "key": "grave",
                "label": "Grave",
                "metric": "escalated_tickets",
                "is": "at_least",
                "value": 1,
                "then": "veto",
            }
        ]

    assert told(change) == [
        Change("added", "Tenure", after="weight 1 · group none · metric Tenure · curve 0 → 0 · 9 → 9"
               " · without data weight goes to the others · too old after never"),
        Change("changed", "Events: group", "Usage", "none"),
        Change("added", "Limit “Grave”", after="metric Escalated tickets · rule at least 1: veto 69.99"),
        Change("removed", "Group “Usage”", before="weight 3 · group none"),
    ]  # fmt: skip


def test_another_order_alone_is_told():
    assert told(lambda config: config["children"].reverse()) == [Change("changed", "The order of the parts")]


def test_everything_is_added_to_nothing():
    changes = changes_between(None, read_card(CONFIG), str)
    assert [(change.kind, change.what) for change in changes] == [
        ("added", "Group “Usage”"), ("added", "Events"), ("added", "CSM sentiment")
    ]  # fmt: skip

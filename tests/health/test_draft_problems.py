"""Every way a draft can be wrong is told at its place, in a sentence that says what to mend."""

import pytest

from accounts.services import define_attribute
from health import drafts
from health.draft_problems import problems_of
from health.drafts import to_draft
from tests.factories import PersonaFactory, ProductFactory
from tests.health.cards import CONFIG

pytestmark = pytest.mark.django_db


def told(config):
    return [(problem.part, problem.field, problem.message) for problem in problems_of(to_draft(config))]


def changed(**fields):
    """Return a card whose sentiment (part p3) is changed."""
    return {**CONFIG, "children": [CONFIG["children"][0], {**CONFIG["children"][1], **fields}]}


def test_a_good_draft_has_no_problem():
    assert told(CONFIG) == []


def test_an_empty_draft_says_what_to_do():
    assert told({}) == [("root", "children", "There is nothing to measure yet: add a measure, or a group of them.")]


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"weight": "much"}, "weight", "'much' is not a number."),
        ({"weight": 0}, "weight", "A weight must be above 0, not 0; remove what should not count."),
        ({"label": ""}, "label", "A label of 1 to 80 characters is missing."),
        ({"key": "No!"}, "key", "The key 'No!' is not a word of a–z, 0–9 and _, starting with a letter."),
        ({"key": "events"}, "key", "Two parts have the key 'events'; give one of them another."),
        ({"metric": ""}, "metric", "Choose what to measure."),
        ({"curve": [[1, 0], [1, 100]]}, "curve", "Two points have the value 1; remove one, or give it another value."),
        ({"curve": [[2, 0], [1, 100]]}, "curve", "The values must rise from point to point; 1 comes after 2."),
        ({"curve": [[2, 0]]}, "curve", "A curve is a list of 2 to 50 points [value, points]."),
        ({"curve": [["", 0], [1, 5]]}, "curve", "'' is not a number."),
        ({"missing": "guess"}, "missing", "This is one of redistribute, neutral, zero, unknown, not 'guess'."),
        ({"fresh_days": 0}, "fresh_days", "This is a number of days from 1 to 3650 or nothing, not 0."),
        ({"params": {"days": 0}}, "metric", "Limit is a whole number from 1 to 3650, not 0."),
        ({"metric": "nps", "scope": {"persona": 99}}, "metric",
         "There is no persona 99; choose another or remove the limit."),
        ({"metric": "active_days", "scope": {"product": 99}}, "metric",
         "There is no product 99; choose another or remove the limit."),
        ({"metric": "attribute", "params": {"attribute": "gone"}}, "metric",
         "There is no attribute 'gone' of accounts; it was removed, or is spelled otherwise."),
    ],
)  # fmt: skip
def test_a_measure_says_what_to_mend(fields, field, message):
    parts = [problem for problem in told(changed(**fields)) if problem[0] == "p3"]
    assert [(where, why) for _, where, why in parts] == [(field, message)]


def test_an_unknown_metric_is_refused_with_those_there_are():
    ((part, field, message),) = told(changed(metric="luck"))
    assert (part, field) == ("p3", "metric")
    assert message.startswith("There is no metric 'luck'; the metrics are active_contacts, ")


def test_every_fault_of_a_measure_is_told_at_once():
    fields = {"label": "", "weight": -1, "curve": [], "missing": "x", "fresh_days": "soon", "metric": "luck"}
    assert {field for _, field, _ in told(changed(**fields))} == {
        "label", "weight", "curve", "missing", "fresh_days", "metric"
    }  # fmt: skip


def test_references_that_exist_are_fine():
    define_attribute(entity="account", key="fit", label="Fit", type="number")
    scope = {"persona": PersonaFactory().pk, "product": ProductFactory().pk, "role": "champion"}
    assert told(changed(metric="active_days", params={}, scope=scope)) == []
    assert told(changed(metric="attribute", params={"attribute": "fit"})) == []


def test_groups_say_that_they_are_empty_or_too_deep():
    draft = to_draft(CONFIG)
    group = "root"
    for _ in range(9):
        group = drafts.add_group(draft, group)
        drafts.find(draft, group).node["label"] = "G"
    drafts.give_keys(draft)
    assert [(p.part, p.field, p.message) for p in problems_of(draft)] == [
        ("p12", "", "Groups are nested deeper than 8; move it further out."),
        ("p12", "children", "There is nothing inside: add a measure, or remove the group."),
    ]


def test_locked_weights_that_cannot_sum_are_told_at_their_group():
    config = changed(locked=True, weight=60)
    assert told(config) == [
        ("root", "weights", "Weights beside a locked one must sum to 100, not 63; balance the rest, or change them.")
    ]


@pytest.mark.parametrize(
    ("config", "part", "field", "words"),
    [
        ({"bands": {"green": 40, "yellow": 70}}, "card", "bands", "yellow must start above 0 and below green"),
        ({"bands": {"green": "x"}}, "card", "bands", "'x' is not a number."),
        ({"minimum_confidence": 101}, "card", "minimum_confidence", "this is a whole number from 0 to 100, not 101."),
        ({"colour": 1}, "card", "", "'colour' means nothing here"),
        ({"applies_to": []}, "applies", "", "this must be a set of names and values"),
        ({"applies_to": {"field": "luck", "op": "known"}}, "applies", "", "luck"),
        ({"applies_to": {"field": "tier", "op": "sings"}}, "applies", "", "sings"),
    ],
)
def test_the_card_itself_says_what_to_mend(config, part, field, words):
    ((found, where, message),) = told({**CONFIG, **config})
    assert (found, where) == (part, field)
    assert words in message

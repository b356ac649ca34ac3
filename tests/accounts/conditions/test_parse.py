"""What is wrong with a condition is named, with the place and a way out."""

import pytest

from accounts.conditions import validate
from accounts.conditions.errors import TooLarge, UnknownField, WrongOperator, WrongShape, WrongValue
from accounts.enums import Entity
from accounts.models import AttributeDefinition, Segment
from tests.factories import ProductFactory, UserFactory

pytestmark = pytest.mark.django_db
STAGE = {"field": "stage", "op": "any_of", "value": ["onboarding"]}


def deep(levels: int) -> dict:
    return {"not": deep(levels - 1)} if levels else STAGE


@pytest.mark.parametrize(
    ("tree", "error", "message"),
    [
        ([], WrongShape, 'A condition is an object with "all", "any", "not", "contacts" or "field".'),
        ({}, WrongShape, 'A condition has "all", "any", "not", "contacts" or "field", not nothing.'),
        ({"al": []}, WrongShape, 'A condition has "all", "any", "not", "contacts" or "field", not al.'),
        ({"any": []}, WrongShape, 'any: "any" of nothing never matches: add a condition to it.'),
        ({"all": {}}, WrongShape, "all: Give a list of conditions here."),
        ({"all": [STAGE, 3]}, WrongShape, "all[1]: A condition is an object"),
        ({"all": [], "any": []}, WrongShape, "'any' does not belong here; this part has all."),
        ({"contacts": "some", "where": STAGE}, WrongShape, 'contacts: Say whether "any" or "all" contacts must be so.'),
        ({"contacts": {}, "where": STAGE}, WrongShape, 'contacts: Say whether "any" or "all" contacts must be so.'),
        ({"contacts": "any"}, WrongShape, 'Say in "where" what the contacts must be.'),
        ({"contacts": "any", "where": STAGE}, UnknownField, "where.field: There is no contact field 'stage'."),
        (
            {"contacts": "any", "where": {"contacts": "any", "where": STAGE}},
            WrongShape,
            "where: This already asks about contacts; ask about their fields directly.",
        ),
        ({"field": "stge", "op": "any_of", "value": ["x"]}, UnknownField, "field: There is no account field 'stge'."),
        ({"field": ["stage"], "op": "any_of"}, UnknownField, "field: There is no account field ['stage']."),
        (
            {"field": "attribute.gone", "op": "known"},
            UnknownField,
            "field: There is no account attribute 'gone'; it may have been deleted.",
        ),
        (
            {"not": {"field": "stage", "op": "gt", "value": 3}},
            WrongOperator,
            "not.op: Lifecycle stage takes one of the operators any_of, none_of, unknown, known, not 'gt'.",
        ),
        (
            {"field": "stage", "op": "any_of", "value": ["nowhere"]},
            WrongValue,
            "value: Lifecycle stage: there is no choice 'nowhere'.",
        ),
        ({"field": "stage", "op": "any_of", "value": []}, WrongValue, "value: Lifecycle stage any_of wants a list"),
        ({"field": "stage", "op": "unknown", "value": 1}, WrongValue, "value: unknown takes no value."),
        (
            {"field": "arr", "op": "lt", "value": "much"},
            WrongValue,
            "value: ARR lt wants a number, not 'much'.",
        ),
        ({"field": "arr", "op": "lt", "value": True}, WrongValue, "value: ARR lt wants a number, not True."),
        ({"field": "arr", "op": "lt", "value": float("nan")}, WrongValue, "value: ARR lt wants a number, not nan."),
        ({"field": "arr", "op": "lt", "value": "1e99"}, WrongValue, "value: ARR lt wants a number, not '1e99'."),
        (
            {"field": "arr", "op": "between", "value": [5, 1]},
            WrongValue,
            "value: ARR between wants two numbers, the lower first, not [5, 1].",
        ),
        (
            {"field": "renews_on", "op": "before", "value": "2026-02-30"},
            WrongValue,
            "value: Renewal before wants a date like 2026-11-24, not '2026-02-30'.",
        ),
        (
            {"field": "renews_on", "op": "in_next", "value": 10**9},
            WrongValue,
            "value: Renewal in_next wants a whole number of days from 0 to 36500, not 1000000000.",
        ),
        ({"field": "name", "op": "is", "value": "a\x00"}, WrongValue, "value: Name is wants a text of 1 to 500"),
        ({"field": "name", "op": "is", "value": "\ud800"}, WrongValue, "value: Name is wants a text of 1 to 500"),
        ({"field": "csm", "op": "any_of", "value": ["1 OR 1=1"]}, WrongValue, "value: CSM: there is no choice"),
        (
            {"field": "stage", "op": "known", "params": {"days": 1}},
            WrongValue,
            "params: Lifecycle stage has no parameter 'days'.",
        ),
        (
            {"field": "survey_score", "op": "known", "params": {"kind": "xyz"}},
            WrongValue,
            "params.kind: Latest survey score: Survey is one of nps, csat, ces, indispensable, not 'xyz'.",
        ),
        ({"field": "stage", "op": "known", "params": []}, WrongShape, "params: The parameters are an object"),
        (deep(8), TooLarge, "not.not.not.not.not.not.not.not: A condition is at most 8 levels deep."),
        ({"all": [STAGE] * 200}, TooLarge, "all[199]: A condition has at most 200 parts"),
    ],
)
def test_validate_names_place_and_remedy(tree, error, message):
    with pytest.raises(error) as caught:
        validate(tree)
    assert str(caught.value).startswith(message)
    assert caught.value.field == "condition"


def test_validate_accepts_every_shape():
    user, product = UserFactory(), ProductFactory()
    AttributeDefinition.objects.create(entity=Entity.ACCOUNT, key="plan", label="Plan")
    validate(
        {
            "all": [
                STAGE,
                {"any": [{"field": "arr", "op": "between", "value": [0, "99.5"]}, deep(4)]},
                {"field": "csm", "op": "none_of", "value": [user.pk]},
                {"field": "product", "op": "all_of", "value": [str(product.pk)]},
                {"field": "attribute.plan", "op": "any_of", "value": ["Pro", "Team"]},
                {"field": "open_tickets", "params": {"priority": "urgent"}, "op": "gt", "value": 0},
                {"contacts": "all", "where": {"field": "title", "op": "contains", "value": "VP"}},
            ]
        }
    )


def test_validate_refuses_a_segment_that_leads_back_to_itself():
    one = Segment.objects.create(name="One", condition={"all": []})
    two = Segment.objects.create(name="Two", condition={"field": "segment", "op": "any_of", "value": [one.pk]})
    one.condition = {"field": "segment", "op": "none_of", "value": [two.pk]}
    one.save()
    with pytest.raises(WrongValue, match=r"^One\.Two: The segment One leads back to itself"):
        validate({"field": "segment", "op": "any_of", "value": [one.pk]})


def test_validate_refuses_a_segment_that_is_gone():
    with pytest.raises(WrongValue, match="value: Segment: there is no choice '7'"):
        validate({"field": "segment", "op": "any_of", "value": [7]})

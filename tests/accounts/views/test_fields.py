"""Settings → Fields."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from accounts.models import AttributeDefinition, AttributeValue, Segment
from accounts.services import define_attribute, set_attributes
from team.enums import AccessLevel
from tests.factories import AccountFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def editor(client):
    user = UserFactory(access_level=AccessLevel.EDITOR)
    client.force_login(user)
    return user


@pytest.fixture
def plan():
    return define_attribute(entity="account", key="plan", label="Plan", type="choice", choices=["Pro", "Team"])


def test_list_shows_fields_of_both(client, editor, plan):
    define_attribute(entity="contact", key="seniority", label="Seniority")
    groups = client.get(reverse("fields")).context["groups"]
    assert [(title, [each.label for each in rows]) for title, rows in groups] == [
        ("Accounts", ["CSM", "Lifecycle stage", "Plan", "Team", "Tier"]),
        ("Contacts", ["Seniority"]),
    ]


def test_list_needs_the_same_queries_for_more_fields(client, editor, django_assert_num_queries):
    client.get(reverse("fields"))
    for n in (1, 3):
        for k in range(n):
            define_attribute(entity="account", key=f"f{n}_{k}", label=f"F {n} {k}")
        with django_assert_num_queries(3):
            client.get(reverse("fields"))


def test_new_field_makes_its_key_from_its_name(client, editor):
    sent = {"entity": "account", "label": "2nd Line of Business!", "type": "choice", "choices": "Retail\nFood\n\nFood"}
    assert client.post(reverse("field_new"), sent)["Location"] == reverse("fields")
    definition = AttributeDefinition.objects.get(is_builtin=False)
    assert (definition.key, definition.label, definition.choices) == (
        "field_2nd_line_of_business",
        "2nd Line of Business!",
        ["Retail", "Food"],
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "plan"}, "There is already an attribute &#x27;plan&#x27;."),
        ({"key": "Über"}, "A key is a word of a–z"),
        ({"type": "choice", "choices": " \n"}, "A choice needs at least one value to choose."),
        ({"label": ""}, "This field is required."),
    ],
)
def test_new_field_names_what_is_wrong(client, editor, plan, change, message):
    response = client.post(reverse("field_new"), {"entity": "account", "label": "X", "type": "text", **change})
    assert response.status_code == 422
    assert message in response.content.decode()
    assert AttributeDefinition.objects.filter(is_builtin=False).count() == 1


def test_edit_field_changes_name_and_choices_only(client, editor, plan):
    client.post(
        reverse("field", args=[plan.pk]), {"label": "Package", "choices": "Pro\nMax", "key": "x", "type": "text"}
    )
    plan.refresh_from_db()
    assert (plan.label, plan.choices, plan.key, plan.type) == ("Package", ["Pro", "Max"], "plan", "choice")


def test_delete_field_takes_its_values_along(client, editor, plan):
    account, contact = AccountFactory(), ContactFactory()
    define_attribute(entity="account", key="size", label="Size", type="number")
    define_attribute(entity="contact", key="plan", label="Plan")
    set_attributes(row=account, values={"plan": "Pro", "size": 3}, occurred_at=WHEN, now=WHEN)
    set_attributes(row=contact, values={"plan": "any"}, occurred_at=WHEN, now=WHEN)
    client.post(reverse("field_delete", args=[plan.pk]))
    account.refresh_from_db()
    contact.refresh_from_db()
    assert (account.attributes, contact.attributes) == ({"size": 3}, {"plan": "any"})
    assert AttributeValue.objects.count() == 2
    assert not AttributeDefinition.objects.filter(pk=plan.pk).exists()


def test_delete_field_in_use_wants_a_confirmation(client, editor, plan):
    Segment.objects.create(
        name="Pros", condition={"not": {"field": "attribute.plan", "op": "any_of", "value": ["Pro"]}}, owner=editor
    )
    assert "used by Segment Pros" in client.get(reverse("field", args=[plan.pk])).content.decode()
    client.post(reverse("field_delete", args=[plan.pk]))
    assert AttributeDefinition.objects.filter(pk=plan.pk).exists()
    client.post(reverse("field_delete", args=[plan.pk]), {"confirmed": "on"})
    assert not AttributeDefinition.objects.filter(pk=plan.pk).exists()


def test_builtin_fields_stay(client, editor):
    stage = AttributeDefinition.objects.get(key="stage", entity="account")
    response = client.post(reverse("field_delete", args=[stage.pk]), follow=True)
    assert "Lifecycle stage is built in and cannot be deleted." in response.content.decode()
    client.post(reverse("field", args=[stage.pk]), {"label": "Phase", "choices": "x"})
    stage.refresh_from_db()
    assert (stage.label, len(stage.choices)) == ("Phase", 6)


def test_only_those_who_configure_may(client, plan):
    client.force_login(UserFactory())
    urls = [reverse("fields"), reverse("field_new"), reverse("field", args=[plan.pk])]
    assert [client.get(url).status_code for url in urls] == [403, 403, 403]
    assert client.post(reverse("field_delete", args=[plan.pk])).status_code == 403
    assert AttributeDefinition.objects.filter(pk=plan.pk).exists()


def test_no_such_field(client, editor, plan):
    assert client.get(reverse("field", args=[plan.pk + 99])).status_code == 404
    assert client.get(reverse("field_delete", args=[plan.pk])).status_code == 405

from datetime import UTC, datetime, timedelta

import pytest

from accounts.enums import Origin
from accounts.errors import InvalidInput
from accounts.models import AttributeDefinition, AttributeValue
from accounts.services import define_attribute, set_attributes
from tests.factories import AccountFactory, ContactFactory, UserFactory

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
pytestmark = pytest.mark.django_db


def test_set_attributes_writes_a_dated_row_the_column_and_an_event():
    account, actor = AccountFactory(), UserFactory()

    set_attributes(
        row=account,
        values={"stage": "onboarding"},
        occurred_at=NOW - DAY,
        now=NOW,
        actor=actor,
    )

    account.refresh_from_db()
    value = AttributeValue.objects.get()
    event = account.events.get()
    assert account.stage == "onboarding"
    assert (value.value, value.occurred_at, value.received_at, value.known_at) == (
        "onboarding",
        NOW - DAY,
        NOW,
        NOW,
    )
    assert (event.kind, event.actor, event.origin) == (
        "stage.changed",
        actor,
        Origin.LIVE,
    )
    assert event.payload == {
        "attribute": "stage",
        "attribute_value_id": value.pk,
        "from": None,
        "to": "onboarding",
    }


def test_set_attributes_counts_a_backfill_as_known_when_it_happened():
    account = AccountFactory()
    set_attributes(
        row=account,
        values={"tier": "growth"},
        occurred_at=NOW - 90 * DAY,
        now=NOW,
        backfill=True,
    )
    value = AttributeValue.objects.get()
    assert (value.known_at, value.received_at) == (NOW - 90 * DAY, NOW)
    assert account.events.get().origin == Origin.BACKFILL


def test_set_attributes_unchanged_writes_nothing():
    account = AccountFactory()
    for _ in range(2):
        set_attributes(row=account, values={"stage": "mature"}, occurred_at=NOW, now=NOW)
    assert AttributeValue.objects.count() == 1
    assert account.events.count() == 1


def test_set_attributes_arriving_late_does_not_replace_the_newer_value():
    account = AccountFactory()
    set_attributes(row=account, values={"stage": "mature"}, occurred_at=NOW, now=NOW)
    set_attributes(row=account, values={"stage": "onboarding"}, occurred_at=NOW - DAY, now=NOW)
    account.refresh_from_db()
    assert account.stage == "mature"
    assert AttributeValue.objects.count() == 2


def test_set_attributes_none_clears_and_left_out_stays():
    account, csm = AccountFactory(), UserFactory()
    define_attribute(entity="account", key="region", label="Region")
    set_attributes(row=account, values={"region": "EU", "csm": csm.pk}, occurred_at=NOW, now=NOW)
    set_attributes(row=account, values={"region": None}, occurred_at=NOW + DAY, now=NOW + DAY)
    account.refresh_from_db()
    assert account.attributes == {}
    assert account.csm == csm


def test_set_attributes_of_a_contact_writes_no_event():
    contact = ContactFactory()
    define_attribute(entity="contact", key="language", label="Language")
    set_attributes(row=contact, values={"language": "de"}, occurred_at=NOW, now=NOW)
    contact.refresh_from_db()
    assert contact.attributes == {"language": "de"}


@pytest.mark.parametrize(
    ("value", "type", "stored"),
    [
        ("7", "number", 7),
        (7.5, "number", 7.5),
        ("yes", "boolean", True),
        ("2026-01-31", "date", "2026-01-31"),
    ],
)
def test_set_attributes_stores_clean_values(value, type, stored):
    account = AccountFactory()
    define_attribute(entity="account", key="x", label="X", type=type)
    set_attributes(row=account, values={"x": value}, occurred_at=NOW, now=NOW)
    account.refresh_from_db()
    assert account.attributes == {"x": stored}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"stage": "asleep"}, "none of prospect, onboarding"),
        ({"csm": 999_999}, "no user"),
        ({"nonsense": 1}, "Define it under Settings"),
        ({"size": "many"}, "is not a number"),
        ({"size": float("nan")}, "is not a number"),
        ({"size": True}, "is not a number"),
        ({"note": "a\x00b"}, "is not a text"),
    ],
)
def test_set_attributes_refuses_bad_values_and_keeps_the_good_ones_out(values, words):
    account = AccountFactory()
    define_attribute(entity="account", key="size", label="Size", type="number")
    define_attribute(entity="account", key="note", label="Note")
    with pytest.raises(InvalidInput, match=words):
        set_attributes(row=account, values={"tier": "growth", **values}, occurred_at=NOW, now=NOW)
    account.refresh_from_db()
    assert account.tier == ""
    assert not AttributeValue.objects.exists()


def test_set_attributes_defines_missing_keys_by_their_first_value():
    account = AccountFactory()
    set_attributes(
        row=account,
        values={"employees": 12, "beta": True, "plan_name": "Pro"},
        occurred_at=NOW,
        now=NOW,
        define_missing=True,
    )
    types = dict(AttributeDefinition.objects.filter(is_builtin=False).values_list("key", "type"))
    assert types == {"employees": "number", "beta": "boolean", "plan_name": "text"}

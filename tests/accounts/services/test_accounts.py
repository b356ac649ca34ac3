from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.errors import InvalidInput
from accounts.models import Account, AccountEvent, ExternalId
from accounts.services import (
    create_account,
    delete_account,
    update_account,
    upsert_account,
)
from accounts.timeline import timeline
from tests.factories import AccountFactory

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def test_create_account_with_all_fields():
    account = create_account(
        fields={
            "name": " Acme ",
            "domain": "ACME.example",
            "customer_since": "2025-03-01",
            "tier": "growth",
        },
        now=NOW,
    )
    account.refresh_from_db()
    assert (account.name, account.domain, account.customer_since, account.tier) == (
        "Acme",
        "acme.example",
        date(2025, 3, 1),
        "growth",
    )
    assert set(account.events.values_list("kind", flat=True)) == {
        "account.created",
        "tier.changed",
    }


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "needs a name"),
        ({"name": "x", "colour": "red"}, "no field 'colour'; the fields are"),
        ({"name": "a\x00"}, "cannot be stored"),
        ({"name": "\ud800"}, "cannot be stored"),
        ({"name": "x" * 201}, "201 characters; at most 200"),
        ({"name": "x", "customer_since": "soon"}, "not a date"),
        ({"name": "x", "attributes": {"stage": "mature"}}, "beside attributes"),
    ],
)
def test_create_account_refuses_bad_input(fields, words):
    with pytest.raises(InvalidInput, match=words):
        create_account(fields=fields, now=NOW)
    assert not Account.objects.exists()


def test_upsert_account_twice_is_one_account():
    first, is_new = upsert_account(system="crm", external_id="1", fields={"name": "Acme"}, now=NOW)
    again, is_new_again = upsert_account(system="crm", external_id="1", fields={"name": "Acme Ltd"}, now=NOW)
    assert (is_new, is_new_again, first.pk) == (True, False, again.pk)
    assert Account.objects.get().name == "Acme Ltd"
    assert ExternalId.objects.get().object_id == first.pk


def test_upsert_account_without_name_uses_the_external_id():
    account, _ = upsert_account(system="crm", external_id="acme-7", fields={}, now=NOW)
    assert account.name == "acme-7"


def test_upsert_account_revives_a_deleted_one():
    account, _ = upsert_account(system="crm", external_id="1", fields={"name": "Acme"}, now=NOW)
    delete_account(account=account, now=NOW)
    assert not Account.objects.exists()
    revived, is_new = upsert_account(system="crm", external_id="1", fields={}, now=NOW)
    assert (revived.pk, is_new) == (account.pk, False)
    assert Account.objects.get().name == "Acme"


def test_update_account_refuses_a_loop_of_parents():
    top = AccountFactory(name="Top")
    child = AccountFactory(name="Child", parent=top)
    with pytest.raises(InvalidInput, match="Child stands below Top"):
        update_account(account=top, fields={"parent": child}, now=NOW)


def test_bulk_updates_raise_the_row_version_and_unchanged_ones_do_not():
    account = AccountFactory(name="a")
    Account.objects.update(name="b")
    Account.objects.update(name="b")
    account.refresh_from_db()
    assert account.row_version == 2


def test_delete_account_leaves_a_tombstone():
    account = AccountFactory()
    delete_account(account=account, now=NOW + timedelta(1))
    assert Account.all_objects.get().deleted_at == NOW + timedelta(1)


def test_a_change_of_parent_is_told_to_the_account_and_to_the_one_it_leaves():
    first, second, account = AccountFactory(), AccountFactory(), AccountFactory()
    update_account(account=account, fields={"parent": first}, now=NOW)
    update_account(account=account, fields={"parent": first, "name": "Same"}, now=NOW)
    update_account(account=account, fields={"parent": second}, now=NOW)
    update_account(account=account, fields={"parent": None}, now=NOW)
    told = AccountEvent.objects.filter(kind__in=["parent.changed", "child.left"]).order_by("id")
    assert [(event.account_id, event.kind, event.payload) for event in told] == [
        (account.pk, "parent.changed", {"parent_id": first.pk, "from_id": None}),
        (account.pk, "parent.changed", {"parent_id": second.pk, "from_id": first.pk}),
        (first.pk, "child.left", {"child_id": account.pk}),
        (account.pk, "parent.changed", {"parent_id": None, "from_id": second.pk}),
        (second.pk, "child.left", {"child_id": account.pk}),
    ]
    titles = [entry.title for entry in timeline(account)]
    assert titles == ["Stands below no parent account any more", *["Stands below another parent account"] * 2]
    assert [entry.title for entry in timeline(first)] == ["An account below this one moved away"]


def test_a_circle_in_the_data_does_not_hang_a_change_of_parent():
    first, second = AccountFactory(), AccountFactory()
    Account.objects.filter(pk=first.pk).update(parent=second)
    Account.objects.filter(pk=second.pk).update(parent=first)
    account = update_account(account=AccountFactory(), fields={"parent": first}, now=NOW)
    assert account.parent == first

"""Accounts through the API: all fields in and out, references, tombstones."""

import pytest

from accounts.models import Account, AccountEvent, ExternalId
from accounts.services import define_attribute
from tests.factories import AccountFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_create_answers_every_field(api):
    csm, team, parent = UserFactory(), TeamFactory(), AccountFactory()
    define_attribute(entity="account", key="industry", label="Industry")
    response = api.call(
        "POST",
        "/accounts",
        {
            "name": "Northwind",
            "domain": "Northwind.example",
            "parent": str(parent.pk),
            "customer_since": "2024-02-29",
            "stage": "adoption",
            "tier": "growth",
            "csm": {"email": csm.email.upper()},
            "team": str(team.pk),
            "attributes": {"industry": "Shipping"},
            "external_ids": {"crm": "0015-88"},
        },
    )
    row = Account.objects.get(name="Northwind")
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver/api/v1/accounts/{row.pk}"
    assert response["ETag"] == f'"{row.row_version}"'
    data = response.json()
    stamps = [data.pop(name) for name in ("created_at", "updated_at")]
    assert all(stamp.endswith("Z") and len(stamp) == 27 for stamp in stamps)
    assert data == {
        "id": str(row.pk),
        "external_ids": {"crm": "0015-88"},
        "deleted_at": None,
        "version": row.row_version,
        "name": "Northwind",
        "domain": "northwind.example",
        "parent": str(parent.pk),
        "customer_since": "2024-02-29",
        "stage": "adoption",
        "tier": "growth",
        "csm": str(csm.pk),
        "team": str(team.pk),
        "arr": None,
        "arr_currency": "USD",
        "renews_on": None,
        "attributes": {"industry": "Shipping"},
    }
    assert api.read(f"/accounts/{row.pk}").json()["attributes"] == {"industry": "Shipping"}


def test_unknown_is_null_never_empty_or_zero(api):
    AccountFactory(name="Bare")
    (data,) = api.read("/accounts").json()["data"]
    unknown = {"domain", "parent", "customer_since", "stage", "tier", "csm", "team", "arr", "renews_on", "deleted_at"}
    assert {name for name, value in data.items() if value is None} == unknown


def test_patch_changes_what_is_given_and_null_clears(api):
    account = AccountFactory(name="Old", domain="old.example", csm=UserFactory())
    response = api.call("PATCH", f"/accounts/{account.pk}", {"name": "New", "domain": None})
    assert response.status_code == 200
    account.refresh_from_db()
    assert (account.name, account.domain) == ("New", "")
    assert response.json()["csm"] == str(account.csm_id)


def test_patch_that_changes_nothing_keeps_the_version(api):
    account = AccountFactory(name="Same")
    assert api.call("PATCH", f"/accounts/{account.pk}", {"name": "Same"})["ETag"] == '"1"'


def test_effective_at_dates_the_change(api):
    account = AccountFactory()
    api.call("PATCH", f"/accounts/{account.pk}", {"stage": "renewal", "effective_at": "2025-05-01T02:00:00+02:00"})
    value = account.attribute_values.get()
    assert value.occurred_at.isoformat() == "2025-05-01T00:00:00+00:00"
    assert value.known_at > value.occurred_at


def test_backfill_marks_events_and_knows_it_when_it_happened(api):
    body = {"stage": "renewal", "effective_at": "2025-05-01T00:00:00Z"}
    api.call("PUT", "/accounts/by-external/crm/1?backfill=true", body)
    value = Account.objects.get().attribute_values.get()
    assert value.known_at == value.occurred_at
    assert set(AccountEvent.objects.values_list("origin", flat=True)) == {"backfill"}


def test_upsert_creates_once_then_changes(api):
    first = api.call("PUT", "/accounts/by-external/crm/a%2Fb%20c", {"domain": "x.example"})
    second = api.call("PUT", "/accounts/by-external/crm/a%2Fb%20c", {"tier": "starter"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first["Location"].endswith(f"/accounts/{first.json()['id']}")
    assert "Location" not in second
    account = Account.objects.get()
    assert (account.name, account.domain, account.tier) == ("a/b c", "x.example", "starter")
    found = api.read("/accounts/by-external/crm/a%2Fb%20c")
    assert found.json() == second.json()


def test_upsert_brings_a_deleted_account_back_with_its_facts(api):
    made = api.call("PUT", "/accounts/by-external/crm/1", {"name": "Back"}).json()
    ticket = api.call("POST", "/tickets", {"account": made["id"], "occurred_at": "2026-01-01T00:00:00Z"}).json()
    assert api.call("DELETE", f"/accounts/{made['id']}").status_code == 204
    tombstone = api.read("/tickets?include_deleted=true").json()["data"][0]
    assert tombstone["deleted_at"] is not None
    assert api.read(f"/accounts/{made['id']}").status_code == 404
    assert api.call("PUT", "/accounts/by-external/crm/1", {}).json()["id"] == made["id"]
    assert api.read(f"/tickets/{ticket['id']}").json()["deleted_at"] is None


def test_a_reference_to_nothing_names_the_field(api):
    for body, field in [
        ({"name": "A", "parent": "999"}, "parent"),
        ({"name": "A", "parent": {"system": "crm", "external_id": "9"}}, "parent"),
        ({"name": "A", "csm": {"email": "nobody@example.com"}}, "csm"),
        ({"name": "A", "csm": "12345"}, "csm"),
        ({"name": "A", "team": "77"}, "team"),
        ({"name": "A", "attributes": {"colour": "red"}}, "attributes/colour"),
    ]:
        response = api.call("POST", "/accounts", body)
        assert response.status_code == 400, body
        assert [error["pointer"] for error in response.json()["errors"]] == [f"#/{field}"]
    assert not Account.objects.exists()


def test_an_external_id_belongs_to_one_account(api):
    api.call("PUT", "/accounts/by-external/crm/1", {})
    response = api.call("POST", "/accounts", {"name": "B", "external_ids": {"crm": "1"}})
    assert response.status_code == 400
    assert not Account.objects.filter(name="B").exists()
    assert ExternalId.objects.count() == 1


def test_filters(api):
    csm = UserFactory()
    top = AccountFactory(name="Top", stage="renewal")
    AccountFactory(name="Below", parent=top, csm=csm)
    for query, names in [
        ("stage=renewal", ["Top"]),
        (f"csm={csm.pk}", ["Below"]),
        (f"parent={top.pk}", ["Below"]),
        ("stage=churned", []),
    ]:
        assert [row["name"] for row in api.read(f"/accounts?{query}").json()["data"]] == names

"""Contacts through the API: who they are, where they work, and what is left of them when deleted."""

import pytest

from accounts.models import Contact
from tests.factories import AccountFactory, ContactFactory, MembershipFactory, PersonaFactory

pytestmark = pytest.mark.django_db


def test_upsert_joins_the_accounts_named_and_leaves_the_others(api):
    api.call("PUT", "/accounts/by-external/crm/a1", {})
    api.call("PUT", "/accounts/by-external/crm/a2", {})
    a1, a2 = ({"system": "crm", "external_id": each} for each in ("a1", "a2"))
    body = {"name": "Ada", "email": "Ada@x.example", "memberships": [{"account": a1, "role": "champion"}]}
    first = api.call("PUT", "/contacts/by-external/crm/c1", body)
    assert first.status_code == 201
    assert [each["role"] for each in first.json()["memberships"]] == ["champion"]
    assert first.json()["email"] == "ada@x.example"
    second = api.call("PUT", "/contacts/by-external/crm/c1", {"memberships": [{"account": a2}]})
    assert [each["role"] for each in second.json()["memberships"]] == ["end_user"]
    third = api.call("PUT", "/contacts/by-external/crm/c1", {"title": "CTO"})
    assert third.json()["memberships"] == second.json()["memberships"]
    assert api.call("PUT", "/contacts/by-external/crm/c1", {"memberships": []}).json()["memberships"] == []


def test_same_email_is_the_same_person(api):
    contact = ContactFactory(email="ada@x.example")
    response = api.call("PUT", "/contacts/by-external/crm/c1", {"email": "ada@x.example"})
    assert (response.status_code, response.json()["id"]) == (200, str(contact.pk))
    assert response.json()["external_ids"] == {"crm": "c1"}


def test_a_tombstone_has_no_personal_data(api):
    contact = ContactFactory(name="Ada", title="CTO", persona=PersonaFactory())
    MembershipFactory(contact=contact)
    assert api.call("DELETE", f"/contacts/{contact.pk}").status_code == 204
    (data,) = api.read("/contacts?include_deleted=true").json()["data"]
    assert data["deleted_at"] is not None
    personal = ["name", "email", "title", "phone", "time_zone", "persona"]
    assert [data[name] for name in personal] == [None] * 6
    assert (data["attributes"], data["memberships"]) == ({}, [])


def test_a_membership_in_an_account_that_is_not_there_changes_nothing(api):
    body = {"name": "Ada", "memberships": [{"account": "404"}]}
    response = api.call("POST", "/contacts", body)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "#/memberships/0/account")
    assert not Contact.objects.exists()


def test_list_of_an_account(api):
    membership = MembershipFactory()
    ContactFactory()
    rows = api.read(f"/contacts?account={membership.account_id}").json()["data"]
    assert [row["id"] for row in rows] == [str(membership.contact_id)]


def test_a_deleted_account_is_no_membership(api):
    membership = MembershipFactory(account=AccountFactory())
    api.call("DELETE", f"/accounts/{membership.account_id}")
    assert api.read(f"/contacts/{membership.contact_id}").json()["memberships"] == []

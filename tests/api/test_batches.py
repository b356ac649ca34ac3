"""Batches: each row has its result, stands or falls alone, and atomic ones stand or fall together."""

import pytest

from accounts.models import Account, AccountEvent, Contact, ExternalId, Subscription, Ticket
from tests.api.test_facts import BODIES
from tests.factories import AccountFactory, TeamFactory

pytestmark = pytest.mark.django_db


def inputs(*rows, system="crm"):
    return [{"system": system, "external_id": str(name), "fields": fields} for name, fields in rows]


def test_all_good_is_200_in_order(api):
    api.call("PUT", "/accounts/by-external/crm/2", {"name": "Two"})
    api.call("PUT", "/accounts/by-external/crm/3", {"name": "Three"})
    body = {"inputs": inputs((1, {"name": "One"}), (2, {"name": "Zwei"}), (3, {"name": "Three"}))}
    body["inputs"][0]["trace_id"] = "row-1"
    response = api.call("POST", "/accounts/batch/upsert", body)
    assert response.status_code == 200
    data = response.json()
    assert {name: data[name] for name in ("created", "updated", "unchanged", "failed")} == {
        "created": 1,
        "updated": 1,
        "unchanged": 1,
        "failed": 0,
    }
    keys = dict(ExternalId.objects.values_list("value", "object_id"))
    assert [(row["index"], row["id"], row["status"], row["version"]) for row in data["results"]] == [
        (0, str(keys["1"]), "created", 1),
        (1, str(keys["2"]), "updated", 2),
        (2, str(keys["3"]), "unchanged", 1),
    ]
    assert [row["trace_id"] for row in data["results"]] == ["row-1", None, None]
    assert list(Account.objects.order_by("pk").values_list("name", flat=True)) == ["Zwei", "Three", "One"]


def test_a_refused_row_leaves_the_others(api):
    rows = inputs((1, {"name": "One"}), (2, {"nmae": "Two"}), (3, {"parent": "999"}), (4, {"tier": "starter"}))
    rows += [{"system": "crm", "external_id": ""}, "nonsense", {"system": "crm", "external_id": "7", "fields": []}]
    response = api.call("POST", "/accounts/batch/upsert", {"inputs": rows})
    assert response.status_code == 207
    results = response.json()["results"]
    assert [row["status"] for row in results] == ["created", "failed", "failed", "created", *["failed"] * 3]
    assert [sorted(error["pointer"] for error in row["errors"]) for row in results] == [
        [],
        ["#/fields/nmae"],
        ["#/fields/parent"],
        [],
        ["#/external_id", "#/fields"],
        ["#"],
        ["#/fields"],
    ]
    assert set(ExternalId.objects.values_list("value", flat=True)) == {"1", "4"}


def test_atomic_keeps_nothing_when_one_row_is_refused(api):
    rows = inputs((1, {"name": "One"}), (2, {"parent": "999"}), (3, {"stage": "?"}))
    response = api.call("POST", "/accounts/batch/upsert", {"inputs": rows, "atomic": True})
    assert response.status_code == 400
    pointers = [error["pointer"] for error in response.json()["errors"]]
    assert pointers == ["#/inputs/1/fields/parent", "#/inputs/2/fields/stage"]
    assert (Account.objects.count(), AccountEvent.objects.count()) == (0, 0)
    good = api.call("POST", "/accounts/batch/upsert", {"inputs": rows[:1], "atomic": True})
    assert (good.status_code, good.json()["created"]) == (200, 1)


def test_the_same_name_twice_is_one_row_with_the_last_word(api):
    rows = inputs((1, {"name": "First", "tier": "starter"}), (1, {"name": "Last"}))
    results = api.call("POST", "/accounts/batch/upsert", {"inputs": rows}).json()["results"]
    assert [row["status"] for row in results] == ["created", "updated"]
    assert results[0]["id"] == results[1]["id"]
    account = Account.objects.get()
    assert (account.name, account.tier) == ("Last", "starter")


def test_rows_may_refer_to_rows_of_the_same_batch_in_any_order(api):
    above = [{"system": "crm", "external_id": name} for name in "ab"]
    rows = inputs(("c", {"parent": above[1]}), ("b", {"parent": above[0]}), ("a", {}))
    assert api.call("POST", "/accounts/batch/upsert", {"inputs": rows}).status_code == 200
    parents = {account.name: account.parent and account.parent.name for account in Account.objects.all()}
    assert parents == {"a": None, "b": "a", "c": "b"}


@pytest.mark.parametrize("path", BODIES)
def test_facts_are_created_and_then_changed(api, path):
    AccountFactory()
    api.call("PUT", "/accounts/by-external/crm/a1", {})
    body = {**BODIES[path], "account": {"system": "crm", "external_id": "a1"}}
    first = api.call("POST", f"/{path}/batch/upsert", {"inputs": inputs((1, body), (2, body))}).json()
    single = api.read(f"/{path}/{first['results'][0]['id']}").json()
    again = api.call("POST", f"/{path}/batch/upsert", {"inputs": inputs((2, body), (3, body))}).json()
    assert [row["status"] for row in first["results"]] == ["created", "created"]
    assert [row["status"] for row in again["results"]] == ["unchanged", "created"]
    alone = api.call("POST", f"/{path}", body).json()
    own = {"id", "external_ids", "created_at", "updated_at", "version"}
    assert {n: v for n, v in single.items() if n not in own} == {n: v for n, v in alone.items() if n not in own}


def test_a_new_fact_needs_what_a_known_one_may_leave_out(api):
    api.call("PUT", "/accounts/by-external/crm/a1", {})
    body = {**BODIES["tickets"], "account": {"system": "crm", "external_id": "a1"}}
    api.call("PUT", "/tickets/by-external/crm/1", body)
    rows = inputs((1, {"status": "solved"}), (2, {"status": "solved"}))
    response = api.call("POST", "/tickets/batch/upsert", {"inputs": rows})
    results = response.json()["results"]
    assert [row["status"] for row in results] == ["updated", "failed"]
    assert {error["pointer"] for error in results[1]["errors"]} == {"#/fields/account", "#/fields/occurred_at"}
    assert Ticket.objects.get().status == "solved"


def test_when_the_first_of_a_name_fails_the_second_is_told_what_it_lacks(api):
    rows = inputs((1, {**BODIES["tickets"], "account": "999"}), (1, {"status": "solved"}))
    response = api.call("POST", "/tickets/batch/upsert", {"inputs": rows})
    assert [row["errors"][0]["pointer"] for row in response.json()["results"]] == ["#/fields/account"] * 2


def test_contacts_with_their_accounts(api):
    for name in ("a1", "a2"):
        api.call("PUT", f"/accounts/by-external/crm/{name}", {})
    one = [{"account": {"system": "crm", "external_id": "a1"}, "role": "champion"}]
    both = [*one, {"account": {"system": "crm", "external_id": "a2"}}]
    rows = inputs((1, {"name": "Ada", "memberships": one}), (2, {"name": "Bob", "memberships": both}), (3, {}))
    assert api.call("POST", "/contacts/batch/upsert", {"inputs": rows}).status_code == 200
    roles = {
        contact.name: sorted(contact.memberships.values_list("role", flat=True)) for contact in Contact.objects.all()
    }
    assert roles == {"Ada": ["champion"], "Bob": ["champion", "end_user"], "": []}


def test_further_names_come_with_the_row(api):
    rows = inputs((1, {"external_ids": {"billing": "B-1"}}))
    assert api.call("POST", "/accounts/batch/upsert", {"inputs": rows}).status_code == 200
    assert api.read("/accounts/by-external/billing/B-1").json()["external_ids"] == {"crm": "1", "billing": "B-1"}


def test_a_row_that_only_the_database_refuses_is_alone(api):
    api.call("PUT", "/accounts/by-external/crm/a1", {})
    good = {**BODIES["subscriptions"], "account": {"system": "crm", "external_id": "a1"}}
    bad = {**good, "ended_on": "2024-01-01"}
    response = api.call("POST", "/subscriptions/batch/upsert", {"inputs": inputs((1, good), (2, bad), (3, good))})
    assert [row["status"] for row in response.json()["results"]] == ["created", "failed", "created"]
    assert Subscription.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/inputs"),
        ({"inputs": []}, "#/inputs"),
        ({"inputs": {}}, "#/inputs"),
        ({"inputs": inputs(*((n, {}) for n in range(1001)))}, "#/inputs"),
        ({"inputs": inputs((1, {})), "atomic": "yes"}, "#/atomic"),
        ({"inputs": inputs((1, {})), "dry_run": True}, "#/dry_run"),
        ([], "#"),
    ],
)
def test_a_wrong_envelope_refuses_all(api, body, pointer):
    response = api.call("POST", "/accounts/batch/upsert", body)
    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert not Account.objects.exists()


def test_a_person_cannot_write_over_what_they_may_not_see(api, person):
    hidden = api.call("PUT", "/accounts/by-external/crm/1", {"name": "Hidden"}).json()
    Account.objects.filter(pk=hidden["id"]).update(team=TeamFactory())
    response = person().call("POST", "/accounts/batch/upsert", {"inputs": inputs((1, {"name": "Mine"}), (2, {}))})
    assert [row["status"] for row in response.json()["results"]] == ["failed", "created"]
    assert response.json()["results"][0]["errors"][0]["code"] == "not_found"
    assert Account.objects.get(pk=hidden["id"]).name == "Hidden"


def test_a_thousand_new_accounts_take_few_statements(api, django_assert_max_num_queries):
    rows = inputs(*((n, {"name": f"Account {n}", "stage": "adoption", "tier": "growth"}) for n in range(1000)))
    with django_assert_max_num_queries(60):
        response = api.call("POST", "/accounts/batch/upsert", {"inputs": rows})
    assert (response.status_code, response.json()["created"]) == (200, 1000)
    assert AccountEvent.objects.count() == 3000

"""Subscriptions, activities, tickets and survey responses through the API."""

import pytest

from accounts.models import Account, Activity, ActivityRevision, Subscription, SurveyResponse, Ticket
from tests.factories import AccountFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db

ACCOUNT = {"system": "crm", "external_id": "a1"}
BODIES = {
    "subscriptions": {"product": "core", "plan": "Pro", "mrr": "99.50", "currency": "USD", "started_on": "2025-01-01"},
    "activities": {"kind": "call", "occurred_at": "2026-01-05T10:00:00Z", "subject": "Kick-off"},
    "tickets": {"occurred_at": "2026-01-05T10:00:00Z", "subject": "Broken", "priority": "high"},
    "survey-responses": {"kind": "nps", "score": 9, "occurred_at": "2026-01-05T10:00:00Z"},
}


@pytest.fixture
def account(api) -> Account:
    api.call("PUT", "/accounts/by-external/crm/a1", {"name": "Acme"})
    return Account.objects.get()


def test_subscription_terms_from_a_moment_on(api, account):
    body = {"account": ACCOUNT, **BODIES["subscriptions"]}
    made = api.call("PUT", "/subscriptions/by-external/crm/s1", body).json()
    assert (made["mrr"], made["currency"], made["product"], made["seats"]) == ("99.50", "USD", "core", None)
    assert api.read(f"/accounts/{account.pk}").json()["arr"] == "1194.00"
    later = {"mrr": "200.00", "effective_at": "2025-06-01T00:00:00Z"}
    changed = api.call("PUT", "/subscriptions/by-external/crm/s1", later).json()
    assert (changed["id"], changed["mrr"], changed["plan"]) == (made["id"], "200.00", "Pro")
    moments = Subscription.objects.get().changes.order_by("occurred_at").values_list("occurred_at", "mrr")
    assert [(f"{at:%Y-%m-%d}", f"{mrr}") for at, mrr in moments] == [("2025-01-01", "99.50"), ("2025-06-01", "200.00")]
    ended = api.call("PATCH", f"/subscriptions/{made['id']}", {"ended_on": "2024-12-31"})
    assert (ended.status_code, ended.json()["errors"][0]["pointer"]) == (400, "#/ended_on")


def test_activity_with_people_and_history(api, account):
    ada, csm = ContactFactory(), UserFactory()
    body = {
        **BODIES["activities"],
        "account": str(account.pk),
        "contacts": [str(ada.pk)],
        "author": {"email": csm.email},
        "initiative": "proactive",
        "function": "support",
        "source": "mailer",
    }
    made = api.call("POST", "/activities", body).json()
    assert (made["contacts"], made["author"]) == ([str(ada.pk)], str(csm.pk))
    change = {"subject": "Kick-off moved", "occurred_at": "2026-01-06T10:00:00Z", "contacts": []}
    changed = api.call("PATCH", f"/activities/{made['id']}", change)
    assert changed.json()["contacts"] == []
    assert changed.json()["occurred_at"] == "2026-01-06T10:00:00.000000Z"
    assert ActivityRevision.objects.get().subject == "Kick-off"
    moved = api.call("PATCH", f"/activities/{made['id']}", {"account": str(AccountFactory().pk)})
    assert (moved.status_code, moved.json()["errors"][0]["pointer"]) == (400, "#/account")


def test_a_repeated_activity_keeps_what_is_left_out(api, account):
    body = {**BODIES["activities"], "account": ACCOUNT, "body": "Long notes"}
    first = api.call("PUT", "/activities/by-external/crm/1", body)
    again = api.call("PUT", "/activities/by-external/crm/1", {"subject": "New"})
    assert (first.status_code, again.status_code) == (201, 200)
    activity = Activity.objects.get()
    assert (activity.subject, activity.body) == ("New", "Long notes")


def test_a_person_is_the_author_of_what_they_record(person, account):
    client = person()
    made = client.call("POST", "/activities", {**BODIES["activities"], "account": str(account.pk)}).json()
    assert made["author"] == str(client.user.pk)


def test_ticket_from_open_to_solved(api, account):
    body = {**BODIES["tickets"], "account": ACCOUNT, "product": "core"}
    made = api.call("PUT", "/tickets/by-external/desk/77", body).json()
    assert (made["status"], made["priority"], made["is_escalated"], made["product"]) == ("open", "high", False, "core")
    solved = {"status": "solved", "first_responded_at": "2026-01-05T11:00:00Z", "resolved_at": "2026-01-06T09:00:00Z"}
    changed = api.call("PUT", "/tickets/by-external/desk/77", solved).json()
    assert (changed["id"], changed["resolved_at"]) == (made["id"], "2026-01-06T09:00:00.000000Z")
    assert Ticket.objects.get().changes.count() == 3
    for wrong, field in [
        ({"resolved_at": "2026-01-01T00:00:00Z"}, "resolved_at"),
        ({"occurred_at": "2026-01-01T00:00:00Z"}, "occurred_at"),
        ({"url": "javascript:alert(1)"}, "url"),
    ]:
        response = api.call("PATCH", f"/tickets/{made['id']}", wrong)
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, f"#/{field}")


def test_survey_response_in_its_range_and_corrected(api, account):
    body = {**BODIES["survey-responses"], "account": ACCOUNT}
    made = api.call("PUT", "/survey-responses/by-external/forms/1", body).json()
    changed = api.call("PATCH", f"/survey-responses/{made['id']}", {"score": 3, "comment": "Misread"}).json()
    assert (changed["score"], changed["comment"]) == (3, "Misread")
    for kind, score in [("nps", 11), ("csat", 0), ("csat", 6), ("ces", 8)]:
        response = api.call("POST", "/survey-responses", {**body, "kind": kind, "score": score})
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "#/score")
    assert SurveyResponse.objects.count() == 1


@pytest.mark.parametrize("path", BODIES)
def test_delete_leaves_a_tombstone_and_upsert_brings_it_back(api, account, path):
    body = {**BODIES[path], "account": ACCOUNT}
    made = api.call("PUT", f"/{path}/by-external/crm/1", body).json()
    assert api.call("DELETE", f"/{path}/{made['id']}").status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert api.call(method, f"/{path}/{made['id']}", {} if method == "PATCH" else None).status_code == 404
    assert api.read(f"/{path}").json()["data"] == []
    (tombstone,) = api.read(f"/{path}?include_deleted=true").json()["data"]
    assert (tombstone["id"], tombstone["deleted_at"] is not None) == (made["id"], True)
    back = api.call("PUT", f"/{path}/by-external/crm/1", body)
    assert (back.status_code, back.json()["id"], back.json()["deleted_at"]) == (200, made["id"], None)


@pytest.mark.parametrize("path", BODIES)
def test_list_of_an_account(api, account, path):
    other = AccountFactory()
    for each in (account, other):
        api.call("POST", f"/{path}", {**BODIES[path], "account": str(each.pk)})
    rows = api.read(f"/{path}?account={other.pk}").json()["data"]
    assert [row["account"] for row in rows] == [str(other.pk)]


def test_filters_by_kind_and_status(api, account):
    for path, body in BODIES.items():
        api.call("POST", f"/{path}", {**body, "account": ACCOUNT})
    for query, count in [
        ("/activities?kind=call", 1),
        ("/activities?kind=mail", 0),
        ("/tickets?status=open", 1),
        ("/tickets?status=closed", 0),
        ("/survey-responses?kind=nps", 1),
        ("/survey-responses?kind=ces", 0),
    ]:
        assert len(api.read(query).json()["data"]) == count, query

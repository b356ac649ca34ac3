"""Alerts and their rules through the API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from health.models import Alert, AlertMute, AlertRule
from health.services.alert_rules import create_rule
from health.services.alerts import judge_alert
from team.api.fields import moment_text
from tests.factories import AccountFactory, UserFactory

pytestmark = pytest.mark.django_db

ENTER = {"field": "name", "op": "starts_with", "value": "Acme"}
RULE = {"name": "Acme comes", "kind": "opportunity", "enter": ENTER, "cooldown_days": 7}


@pytest.fixture
def alert():
    AccountFactory(name="Acme", arr=100, csm=UserFactory())
    create_rule(fields={"name": "Low", "enter": ENTER, "guidance": "Call"}, now=timezone.now(), raise_standing=True)
    return Alert.objects.get()


def later(days):
    return moment_text(timezone.now() + timedelta(days=days))


def test_an_alert_in_full(api, alert):
    (data,) = api.read("/alerts").json()["data"]
    assert data == {
        **{name: data[name] for name in ("created_at", "updated_at", "entered_at", "raised_at")},
        "id": str(alert.pk),
        "deleted_at": None,
        "version": alert.row_version,
        "account": str(alert.account_id),
        "rule": {"id": str(alert.rule_id), "name": "Low", "kind": "risk", "guidance": "Call"},
        "rule_version": 1,
        "state": "open",
        "evidence": ["Name starts with “Acme”: it is “Acme”"],
        "values": {"score": None, "band": "unknown", "confidence": None, "arr": "100.00", "renews_on": None},
        "acknowledged_at": None,
        "acknowledged_by": None,
        "snoozed_until": None,
        "closed_at": None,
        "closed_by": None,
        "close_reason": None,
        "is_useful": None,
        "verdict_note": None,
    }
    single = api.read(f"/alerts/{alert.pk}")
    assert (single.json(), single["ETag"]) == (data, f'"{alert.row_version}"')


def test_filters(api, alert):
    other = AccountFactory()
    waiting = Alert.objects.create(
        account=other, rule=alert.rule, rule_version=1, state="waiting", entered_at=alert.entered_at,
        due_at=alert.entered_at,
    )  # fmt: skip
    for query, count in [
        ("state=open", 1),
        ("state=closed", 0),
        ("kind=risk", 1),
        ("kind=opportunity", 0),
        (f"rule={alert.rule_id}", 1),
        ("rule=999", 0),
        (f"account={alert.account_id}", 1),
        (f"account={other.pk}", 0),
        (f"csm={alert.account.csm_id}", 1),
    ]:
        assert len(api.read(f"/alerts?{query}").json()["data"]) == count, query
    assert api.read("/alerts?state=waiting").status_code == 400
    assert api.read(f"/alerts/{waiting.pk}").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_as_often_for_three_as_for_one(api, count, django_assert_num_queries):
    for n in range(count):
        AccountFactory(name=f"Acme {n}")
    create_rule(fields={"name": "Low", "enter": ENTER}, now=timezone.now(), raise_standing=True)
    api.read("/alerts")
    with django_assert_num_queries(2):
        assert len(api.read("/alerts").json()["data"]) == count


def test_what_becomes_of_an_alert(person, alert):
    client = person(access_level="contributor")
    data = client.call("PATCH", f"/alerts/{alert.pk}", {"state": "acknowledged"}).json()
    assert (data["state"], data["acknowledged_by"]) == ("acknowledged", str(client.user.pk))
    assert client.call("PATCH", f"/alerts/{alert.pk}", {"state": "open"}).json()["acknowledged_by"] is None
    until = later(3)
    assert client.call("PATCH", f"/alerts/{alert.pk}", {"snoozed_until": until}).json()["snoozed_until"] == until
    data = client.call("PATCH", f"/alerts/{alert.pk}", {"is_useful": False, "verdict_note": "Known"}).json()
    assert (data["is_useful"], data["verdict_note"]) == (False, "Known")
    data = client.call("PATCH", f"/alerts/{alert.pk}", {"state": "closed"}).json()
    assert (data["state"], data["close_reason"]) == ("closed", "done")


def test_mute_closes_and_keeps_the_reason(api, alert):
    body = {"muted_until": later(30), "mute_reason": "Planned"}
    data = api.call("PATCH", f"/alerts/{alert.pk}", body).json()
    assert (data["state"], data["close_reason"], data["closed_by"]) == ("closed", "muted", None)
    assert [(m.account, m.reason) for m in AlertMute.objects.all()] == [(alert.account, "Planned")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"state": "standing"}, "#/state"),
        ({"state": "gone"}, "#/state"),
        ({"snoozed_until": "2020-01-01T00:00:00Z"}, "#/snoozed_until"),
        ({"verdict_note": "Why"}, "#/verdict_note"),
        ({"muted_until": "2020-01-01T00:00:00Z", "mute_reason": "x"}, "#/muted_until"),
        ({"muted_until": "2199-01-01T00:00:00Z", "mute_reason": "x"}, "#/muted_until"),
        ({"colour": "red"}, "#/colour"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(api, alert, body, pointer):
    response = api.call("PATCH", f"/alerts/{alert.pk}", body)
    assert (response.status_code, [e["pointer"] for e in response.json()["errors"]]) == (400, [pointer])
    alert.refresh_from_db()
    assert (alert.state, alert.snoozed_until, alert.is_useful) == ("open", None, None)


def test_a_mute_without_a_reason_is_refused(api, alert):
    response = api.call("PATCH", f"/alerts/{alert.pk}", {"muted_until": later(3)})
    assert [e["pointer"] for e in response.json()["errors"]] == ["#/mute_reason"]


def test_an_alert_changed_meanwhile_is_not_overwritten(api, alert):
    response = api.call("PATCH", f"/alerts/{alert.pk}", {"state": "closed"}, headers={"If-Match": '"99"'})
    assert response.status_code == 412


def test_a_rule_from_creation_to_deletion(api):
    owner = UserFactory()
    AccountFactory(name="Acme")
    made = api.call("POST", "/alert-rules", {**RULE, "owner": {"email": owner.email}})
    assert made.status_code == 201
    data = made.json()
    assert (data["enter"], data["leave"], data["cooldown_days"], data["owner"]) == (ENTER, None, 7, str(owner.pk))
    assert data["precision"] == {"useful": 0, "judged": 0, "low_pct": None, "high_pct": None}
    assert [a["state"] for a in api.read("/alerts").json()["data"]] == ["standing"]
    path = f"/alert-rules/{data['id']}"
    leave = {"field": "name", "op": "starts_with", "value": "B"}
    changed = api.call("PATCH", path, {"leave": leave, "raise_standing": True}).json()
    assert (changed["leave"], changed["number"], changed["name"]) == (leave, 2, "Acme comes")
    assert [a["state"] for a in api.read("/alerts?state=open").json()["data"]] == ["open"]
    assert api.call("DELETE", path).status_code == 204
    assert api.read(path).status_code == 404
    assert [r["deleted_at"] is None for r in api.read("/alert-rules?include_deleted=true").json()["data"]] == [False]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"enter": {"field": "moon", "op": "is", "value": 1}}, "#/enter"),
        ({"enter": []}, "#/enter"),
        ({"leave": ENTER}, "#/leave"),
        ({"hold_days": 999}, "#/hold_days"),
        ({"owner": "999"}, "#/owner"),
        ({"kind": "fun"}, "#/kind"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_its_place(api, change, pointer):
    response = api.call("POST", "/alert-rules", {**RULE, **change})
    assert (response.status_code, [e["pointer"] for e in response.json()["errors"]]) == (400, [pointer])
    assert not AlertRule.objects.exists()


def test_rules_say_how_far_to_trust_them(api, alert):
    judge_alert(alert=alert, is_useful=True, now=timezone.now(), actor=None)
    (rule,) = api.read("/alert-rules?kind=risk&is_live=true").json()["data"]
    assert rule["precision"] == {"useful": 1, "judged": 1, "low_pct": None, "high_pct": None}
    assert api.read("/alert-rules?is_live=false").json()["data"] == []

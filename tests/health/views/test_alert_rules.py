"""Alert rules: who may, the editor with its two conditions, the preview and the replay."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.services import define_attribute, set_attributes
from health.models import Alert, AlertBudget, AlertRule
from health.rule_preview import replay_rule
from health.services.alert_rules import create_rule, ensure_starter_rules
from tests.factories import AccountFactory, UserFactory

pytestmark = pytest.mark.django_db

FORM = {
    "name": "Small",
    "kind": "risk",
    "guidance": "Call",
    "hold_days": "0",
    "cooldown_days": "7",
    "minimum_confidence": "0",
    "position": "3",
    "is_live": "on",
    "enter-match": "all",
    "enter-0-field": "arr",
    "enter-0-op": "lt",
    "enter-0-value": "40",
    "leave-match": "all",
    "leave-0-field": "arr",
    "leave-0-op": "gt",
    "leave-0-value": "50",
}
ENTER = {"all": [{"field": "arr", "op": "lt", "value": 40}]}
LEAVE = {"all": [{"field": "arr", "op": "gt", "value": 50}]}


@pytest.fixture
def editor(client):
    user = UserFactory(access_level="editor")
    client.force_login(user)
    return user


@pytest.fixture
def rule():
    return create_rule(fields={"name": "Low", "enter": ENTER}, now=timezone.now())


def test_a_rule_is_made_with_both_conditions_and_who_matches_stands(client, editor):
    AccountFactory(name="Tiny", arr=1)
    response = client.post(reverse("alert_rule_add"), FORM)
    assert (response.status_code, response["Location"]) == (302, reverse("alert_rule_list"))
    rule = AlertRule.objects.get()
    assert (rule.name, rule.enter, rule.leave, rule.cooldown_days, rule.number) == ("Small", ENTER, LEAVE, 7, 1)
    assert [a.state for a in Alert.objects.all()] == ["standing"]
    assert rule.versions.get().changed_by == editor


def test_a_rule_that_raises_at_once_when_told(client, editor):
    AccountFactory(arr=1)
    client.post(reverse("alert_rule_add"), {**FORM, "raise_standing": "on"})
    assert [a.state for a in Alert.objects.all()] == ["open"]


def test_preview_shows_who_matches_and_saves_nothing(client, editor):
    AccountFactory(name="Tiny", arr=1)
    AccountFactory(name="Gone", arr=1, stage="churned")
    response = client.post(reverse("alert_rule_add"), {**FORM, "do": "preview"})
    assert response.status_code == 200
    assert [a.name for a in response.context["preview"].accounts] == ["Tiny"]
    assert "1 account matches now" in response.content.decode()
    assert not AlertRule.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"enter-0-field": ""}, "Say when it is raised"),
        ({"enter-0-value": "much"}, "number"),
        ({"leave-0-op": "lt", "leave-0-value": "40"}, "It would end as soon as it begins"),
        ({"hold_days": "400"}, "less than or equal to 365"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(client, editor, change, words):
    response = client.post(reverse("alert_rule_add"), {**FORM, **change})
    assert response.status_code == 422
    page = response.content.decode()
    assert words in page
    assert "Call" in page
    assert not AlertRule.objects.exists()


def test_each_editor_answers_its_own_buttons(client, editor):
    response = client.post(reverse("alert_rule_add"), {**FORM, "edit": "add:leave"}, headers={"HX-Request": "true"})
    fragment = response.content.decode()
    assert 'id="condition-editor-leave"' in fragment
    assert 'name="leave-1-field"' in fragment
    assert "enter-0-field" not in fragment
    page = client.post(reverse("alert_rule_add"), {**FORM, "edit": "add:enter"}).content.decode()
    assert 'name="enter-1-field"' in page
    assert 'name="leave-1-field"' not in page


def test_a_rule_is_changed_switched_and_deleted(client, editor, rule):
    client.post(reverse("alert_rule", args=[rule.pk]), {**FORM, "name": "Renamed"})
    rule.refresh_from_db()
    assert (rule.name, rule.leave, rule.number) == ("Renamed", LEAVE, 2)
    client.post(reverse("alert_rule_switch", args=[rule.pk]), {"is_live": "false"})
    rule.refresh_from_db()
    assert not rule.is_live
    client.post(reverse("alert_rule_delete", args=[rule.pk]))
    assert not AlertRule.objects.exists()


def test_a_rule_that_no_longer_works_is_switched_off_but_not_on(client, editor, rule):
    AlertRule.objects.filter(pk=rule.pk).update(enter={"field": "attribute.gone", "op": "known"})
    for wanted in ("false", "true"):
        assert client.post(reverse("alert_rule_switch", args=[rule.pk]), {"is_live": wanted}).status_code == 302
        assert not AlertRule.objects.get().is_live


def test_the_default_budget(client, editor):
    client.post(reverse("alert_default_budget"), {"accounts_per_day": "4"})
    client.post(reverse("alert_default_budget"), {"accounts_per_day": "-4"})
    assert [(b.user, b.accounts_per_day) for b in AlertBudget.objects.all()] == [(None, 4)]


@pytest.mark.parametrize("level", ["viewer", "contributor"])
def test_rules_are_for_editors(client, rule, level):
    client.force_login(UserFactory(access_level=level))
    assert client.get(reverse("alert_rule_list")).status_code == 403
    for name, args in [
        ("alert_rule_add", []),
        ("alert_rule", [rule.pk]),
        ("alert_rule_switch", [rule.pk]),
        ("alert_rule_delete", [rule.pk]),
        ("alert_default_budget", []),
    ]:
        assert client.post(reverse(name, args=args), FORM).status_code == 403, name
    rule.refresh_from_db()
    assert (rule.name, rule.is_live, AlertRule.objects.count(), AlertBudget.objects.count()) == ("Low", True, 1, 0)


@pytest.mark.parametrize("name", ["alert_rule_switch", "alert_rule_delete", "alert_rule"])
def test_rules_that_are_not_there(client, editor, name):
    assert client.post(reverse(name, args=[999]), FORM).status_code == 404


@pytest.mark.parametrize("name", ["alert_rule_switch", "alert_rule_delete", "alert_default_budget"])
def test_nothing_changes_by_get(client, editor, rule, name):
    assert client.get(reverse(name, args=[] if name == "alert_default_budget" else [rule.pk])).status_code == 405


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_as_often_for_three_as_for_one(client, editor, count, django_assert_num_queries):
    for n in range(count):
        create_rule(fields={"name": f"Rule {n}", "enter": ENTER}, now=timezone.now())
    with django_assert_num_queries(9):
        client.get(reverse("alert_rule_list"))


def test_the_list_says_which_rule_is_broken(client, editor, rule):
    AlertRule.objects.filter(pk=rule.pk).update(enter={"field": "attribute.gone", "op": "known"})
    page = client.get(reverse("alert_rule_list")).content.decode()
    assert "Cannot be used" in page
    assert client.get(reverse("alert_rule", args=[rule.pk])).status_code == 200


def test_every_starter_rule_opens_in_the_editor_as_it_is_kept(client, editor):
    for rule in ensure_starter_rules(now=timezone.now()):
        response = client.get(reverse("alert_rule", args=[rule.pk]))
        assert response.status_code == 200
        assert response.context["enter"].is_valid()
        assert response.context["leave"].is_valid()


def test_replay_says_what_would_have_been_raised_by_days(rule):
    define_attribute(entity="account", key="load", label="Load", type="number")
    account = AccountFactory()
    now = timezone.now()
    for days, load in [(200, 60), (80, 30), (70, 45), (60, 55), (50, 20), (40, 90), (39, 20), (10, 70)]:
        set_attributes(
            row=account, values={"load": load}, occurred_at=now - timedelta(days=days), now=now, backfill=True
        )
    field = "attribute.load"
    rule.enter = {"field": field, "op": "lt", "value": 40}
    rule.leave = {"field": field, "op": "gt", "value": 50}
    rule.cooldown_days = 15
    found = replay_rule(rule, now=now)
    raised = [(now.date() - day).days for day, pk in found.raised if pk == account.pk]
    assert (found.every_days, raised) == (1, [79, 44, 24])
    rule.hold_days = 5
    assert [(now.date() - day).days for day, _ in replay_rule(rule, now=now).raised] == [74, 44, 24]
    assert sum(count for _, count in found.by_week) == 3

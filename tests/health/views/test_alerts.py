"""The inbox: what it shows in which order, and what one does there."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from health.models import Alert, AlertBudget, AlertMute
from health.services.alert_rules import create_rule
from health.services.alerts import acknowledge_alert, judge_alert, set_budget, snooze_alert
from health.triage import candidates, inbox, open_alerts, precisions
from tests.factories import AccountFactory, CurrentScoreFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db

CHANGES = ["alert_acknowledge", "alert_reopen", "alert_close", "alert_snooze", "alert_mute", "alert_judge"]
BODY = {"days": "7", "reason": "Planned", "useful": "yes"}


@pytest.fixture
def me(client):
    user = UserFactory()
    client.force_login(user)
    return user


def rule_named(name="Low", kind="risk"):
    enter = {"field": "name", "op": "starts_with", "value": "No such account"}
    return create_rule(fields={"name": name, "kind": kind, "enter": enter, "guidance": "Call"}, now=timezone.now())


def alert_at(account, rule, state="open", **fields):
    now = timezone.now()
    raised = None if state in {"standing", "waiting"} else now
    closed = {"closed_at": now, "close_reason": "left"} if state == "closed" else {}
    evidence = {"lines": [{"text": f"{account.name} fell", "contacts": []}], "values": {}}
    return Alert.objects.create(
        account=account, rule=rule, rule_version=1, state=state, entered_at=now, due_at=now, raised_at=raised,
        evidence=evidence, **{**closed, **fields},
    )  # fmt: skip


def shown(client, **query):
    response = client.get(reverse("alert_list"), query)
    assert response.status_code == 200
    return [(g.account.name, [line.alert.rule.name for line in g.lines]) for g in response.context["inbox"].groups]


def test_one_group_for_each_account_the_most_pressing_first(client, me):
    rule, chance = rule_named(), rule_named("Growing", "opportunity")
    small, large, unknown = (
        AccountFactory(name=name, csm=me, arr=arr) for name, arr in [("Small", 100), ("Large", 9000), ("Unknown", None)]
    )
    for account in (small, large, unknown):
        CurrentScoreFactory(account=account, score=Decimal(50))
        alert_at(account, rule)
    alert_at(large, chance)
    alert_at(AccountFactory(csm=UserFactory()), rule)
    assert shown(client) == [("Large", ["Low", "Growing"]), ("Small", ["Low"]), ("Unknown", ["Low"])]
    assert [name for name, _ in shown(client, kind="opportunity")] == ["Large"]
    assert shown(client, rule=chance.pk) == [("Large", ["Growing"])]
    assert len(shown(client, book="all")) == 4
    page = client.get(reverse("alert_list")).content.decode()
    for words in ("Large fell", "Call", "No verdict yet", "3 accounts to look at today"):
        assert words in page


def test_candidates_rank_a_risk_by_leaving_and_an_opportunity_by_staying():
    risk, chance = rule_named(), rule_named("Growing", "opportunity")
    today = timezone.now().date()
    accounts = [AccountFactory(arr=1000, renews_on=today) for _ in range(3)]
    for account, rules in zip(accounts, [[risk], [chance], [chance, risk]], strict=True):
        for rule in rules:
            alert_at(account, rule)
    found = {c.account_id: (c.is_risk, c.rank) for c in candidates(open_alerts(timezone.now()), today=today)}
    assert found == {accounts[0].pk: (True, 500), accounts[1].pk: (False, 500), accounts[2].pk: (True, 500)}


def test_what_is_over_the_budget_waits_and_what_was_dealt_with_counts(client, me):
    rule = rule_named()
    set_budget(user=me, accounts_per_day=2)
    for n in range(4):
        alert_at(AccountFactory(name=f"A{n}", csm=me, arr=1000 - n), rule)
    assert [name for name, _ in shown(client)] == ["A0", "A1"]
    assert [name for name, _ in shown(client, show="later")] == ["A2", "A3"]
    acknowledge_alert(alert=Alert.objects.get(account__name="A0"), now=timezone.now(), actor=me)
    assert [name for name, _ in shown(client)] == ["A1"]
    acknowledge_alert(alert=Alert.objects.get(account__name="A1"), now=timezone.now(), actor=me)
    assert shown(client) == []
    page = client.get(reverse("alert_list")).content.decode()
    assert "The day is full" in page
    assert {name for name, _ in shown(client, show="acknowledged")} == {"A0", "A1"}
    yesterday = timezone.now() - timedelta(days=1)
    Alert.objects.exclude(acknowledged_at=None).update(acknowledged_at=yesterday)
    assert [name for name, _ in shown(client)] == ["A2", "A3"]


def test_tabs_hold_what_they_say_and_waiting_ones_are_nowhere(client, me):
    rule = rule_named()
    account = {
        key: AccountFactory(name=key, csm=me)
        for key in ["open", "acknowledged", "standing", "closed", "waiting", "snoozed"]
    }
    for key, each in account.items():
        alert_at(each, rule, "open" if key == "snoozed" else key)
    snooze_alert(
        alert=Alert.objects.get(account=account["snoozed"]),
        until=timezone.now() + timedelta(days=1),
        now=timezone.now(),
    )
    for show, name in [("now", "open"), *[(key, key) for key in ("acknowledged", "standing", "closed", "snoozed")]]:
        assert shown(client, show=show) == [(name, ["Low"])], show
    counts = client.get(reverse("alert_list")).context["inbox"].counts
    assert counts == {"now": 1, "later": 0, "acknowledged": 1, "snoozed": 1, "standing": 1, "closed": 1}


@pytest.mark.parametrize("count", [1, 3])
def test_inbox_asks_as_often_for_three_as_for_one(client, me, count, django_assert_num_queries):
    rule = rule_named()
    for _ in range(count):
        alert_at(AccountFactory(csm=me), rule)
    with django_assert_num_queries(20):
        client.get(reverse("alert_list"))


@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("alert_acknowledge", "state", "acknowledged"),
        ("alert_close", "state", "closed"),
        ("alert_mute", "close_reason", "muted"),
        ("alert_judge", "is_useful", True),
    ],
)
def test_changes_come_back_to_the_page(client, me, name, field, expected):
    alert = alert_at(AccountFactory(csm=me), rule_named())
    response = client.post(reverse(name, args=[alert.pk]), {**BODY, "next": "/alerts/?show=later"})
    assert (response.status_code, response["Location"]) == (302, "/alerts/?show=later")
    alert.refresh_from_db()
    assert getattr(alert, field) == expected


def test_snooze_reopen_and_unmute(client, me):
    alert = alert_at(AccountFactory(csm=me), rule_named())
    client.post(reverse("alert_snooze", args=[alert.pk]), {"days": "7"})
    alert.refresh_from_db()
    assert 6.9 < (alert.snoozed_until - timezone.now()) / timedelta(days=1) < 7
    client.post(reverse("alert_acknowledge", args=[alert.pk]))
    client.post(reverse("alert_reopen", args=[alert.pk]))
    alert.refresh_from_db()
    assert alert.state == "open"
    client.post(reverse("alert_mute", args=[alert.pk]), BODY)
    mute = AlertMute.objects.get()
    client.post(reverse("alert_mute_end", args=[mute.pk]))
    mute.refresh_from_db()
    assert mute.ended_by == me


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("alert_snooze", {"days": "0"}, "Days: Ensure this value is greater than or equal to 1."),
        ("alert_mute", {"days": "7", "reason": ""}, "Reason: This field is required."),
        ("alert_judge", {"useful": "perhaps"}, "Useful: Select a valid choice."),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(client, me, name, body, words):
    alert = alert_at(AccountFactory(csm=me), rule_named())
    page = client.post(reverse(name, args=[alert.pk]), body, follow=True).content.decode()
    assert words in page
    alert.refresh_from_db()
    assert (alert.state, alert.is_useful, alert.snoozed_until) == ("open", None, None)


@pytest.mark.parametrize("name", CHANGES)
def test_changes_of_what_one_may_not_see_are_not_found(client, me, name):
    alert = alert_at(AccountFactory(team=TeamFactory()), rule_named())
    assert client.post(reverse(name, args=[alert.pk]), BODY).status_code == 404
    alert.refresh_from_db()
    assert (alert.state, alert.is_useful) == ("open", None)
    assert shown(client, book="all") == []


@pytest.mark.parametrize("name", CHANGES)
def test_viewers_read_only_and_nothing_changes_by_get(client, name):
    client.force_login(UserFactory(access_level="viewer"))
    alert = alert_at(AccountFactory(), rule_named())
    assert client.post(reverse(name, args=[alert.pk]), BODY).status_code == 403
    assert client.get(reverse(name, args=[alert.pk])).status_code == 405
    alert.refresh_from_db()
    assert (alert.state, alert.is_useful) == ("open", None)
    assert "Acknowledge</button>" not in client.get(reverse("alert_list")).content.decode()


def test_mutes_of_others_accounts_are_not_found(client, me):
    mute = AlertMute.objects.create(
        rule=rule_named(), account=AccountFactory(team=TeamFactory()), until=timezone.now() + timedelta(days=1)
    )
    assert client.post(reverse("alert_mute_end", args=[mute.pk])).status_code == 404
    mute.refresh_from_db()
    assert mute.ended_at is None


def test_a_way_back_that_leads_elsewhere_is_not_taken(client, me):
    alert = alert_at(AccountFactory(csm=me), rule_named())
    for elsewhere in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "nowhere"):
        response = client.post(reverse("alert_acknowledge", args=[alert.pk]), {"next": elsewhere})
        assert response["Location"] == reverse("alert_list")


def test_budget_is_ones_own(client, me):
    client.post(reverse("alert_budget"), {"accounts_per_day": "3"})
    assert AlertBudget.objects.get().user == me
    client.post(reverse("alert_budget"), {"accounts_per_day": "9999"})
    assert AlertBudget.objects.get().accounts_per_day == 3
    client.post(reverse("alert_budget"), {"accounts_per_day": ""})
    assert not AlertBudget.objects.exists()


def test_precision_counts_verdicts_of_each_rule():
    rule, other = rule_named(), rule_named("Other")
    for n in range(12):
        alert = alert_at(AccountFactory(), rule)
        judge_alert(alert=alert, is_useful=n % 3 > 0, now=timezone.now(), actor=None)
    worth = precisions()
    assert (worth[rule.pk].words, worth[other.pk].words) == ("Useful 8 of 12, 39–86 %", "No verdict yet")


def test_inbox_pages_by_account(me):
    rule = rule_named()
    for n in range(21):
        alert_at(AccountFactory(arr=1000 - n, csm=None), rule)
    from accounts.models import Account

    now = timezone.now()
    options = {"show": "now", "now": now, "since": now - timedelta(hours=1), "today": now.date()}
    first = inbox(Account.objects.all(), page=1, **options)
    second = inbox(Account.objects.all(), page=2, **options)
    assert (len(first.groups), first.has_more, len(second.groups), second.has_more) == (20, True, 1, False)

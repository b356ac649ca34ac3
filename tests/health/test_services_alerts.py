"""Alerts from conditions to rows: raised on a change of state, once, and told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.conditions.uses import uses_of_field
from accounts.enums import Entity, Origin
from accounts.errors import InvalidInput
from accounts.events import write_event
from accounts.models import Account, AccountEvent
from accounts.services import delete_account, join_account, leave_account, record_survey_response
from health.models import Alert, AlertMute, AlertRule, AlertRuleVersion, CurrentScore
from health.services.alert_evaluation import AlertReport, evaluate_accounts, evaluate_rule
from health.services.alert_rules import create_rule, delete_rule, ensure_starter_rules, starter_rules, update_rule
from health.services.alerts import (
    acknowledge_alert,
    close_alert,
    end_mute,
    judge_alert,
    mute_rule,
    reopen_alert,
    set_budget,
    snooze_alert,
)
from team.models import Work
from tests.conftest import NOW
from tests.factories import AccountFactory, ContactFactory, CurrentScoreFactory, SubscriptionFactory, UserFactory
from tests.health.usage_rows import use

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
BELOW_40 = {"field": "arr", "op": "lt", "value": 40}
ABOVE_50 = {"field": "arr", "op": "gt", "value": 50}


def rule_of(now=NOW, **fields):
    """A rule over ARR, which tests move without scoring anybody."""
    return create_rule(fields={"name": "Low", "enter": BELOW_40, "leave": ABOVE_50, **fields}, now=now)


def set_arr(account, value):
    Account.objects.filter(pk=account.pk).update(arr=value)


def look(rule, days=0, hours=0, **options):
    return evaluate_rule(rule=rule, now=NOW + timedelta(days=days, hours=hours), **options)


def states(account):
    return list(Alert.objects.filter(account=account).order_by("pk").values_list("state", "close_reason"))


def told(account):
    return list(AccountEvent.objects.filter(account=account, kind__startswith="alert.").order_by("pk"))


@pytest.fixture
def account():
    return AccountFactory(arr=60)


# --- Raised on a change of state -----------------------------------------------------------------


def test_what_comes_to_match_is_raised_once_and_told(account):
    rule = rule_of()
    assert look(rule) == AlertReport()
    set_arr(account, 30)
    SubscriptionFactory(account=account, mrr=Decimal("2.50"))
    assert look(rule, days=1) == AlertReport(entered=1, raised=1)
    assert look(rule, days=2) == AlertReport()
    alert = Alert.objects.get()
    assert (alert.state, alert.raised_at, alert.entered_at, alert.rule_version) == ("open", NOW + DAY, NOW + DAY, 1)
    assert alert.evidence == {
        "lines": [{"text": "ARR is less than 40: it is 30", "contacts": []}],
        "values": {"score": None, "band": "unknown", "confidence": None, "arr": "30.00", "renews_on": None},
    }
    (event,) = told(account)
    assert (event.kind, event.origin, event.occurred_at) == ("alert.raised", Origin.LIVE, NOW + DAY)
    assert event.payload == {"alert_id": alert.pk, "alert_rule_id": rule.pk, "alert_kind": "risk"}


def test_hysteresis_keeps_an_alert_between_its_two_limits(account):
    rule = rule_of()
    for day, (arr, expected) in enumerate(
        [
            (45, []),
            (39, [("open", "")]),
            (45, [("open", "")]),
            (50, [("open", "")]),
            (51, [("closed", "left")]),
            (45, [("closed", "left")]),
            (39, [("closed", "left"), ("open", "")]),
        ],
        start=1,
    ):
        set_arr(account, arr)
        look(rule, days=day)
        assert states(account) == expected, arr
    assert [e.kind for e in told(account)] == ["alert.raised", "alert.closed", "alert.raised"]
    assert told(account)[1].payload["reason"] == "left"


def test_without_a_leaving_condition_it_ends_when_it_is_known_not_to_match(account):
    rule = rule_of(leave=None)
    set_arr(account, 30)
    look(rule)
    set_arr(account, None)
    look(rule, days=1)
    assert states(account) == [("open", "")]
    set_arr(account, 40)
    look(rule, days=2)
    assert states(account) == [("closed", "left")]


def test_where_both_conditions_hold_it_stays(account):
    rule = rule_of(leave={"field": "arr", "op": "lt", "value": 100})
    set_arr(account, 30)
    look(rule)
    look(rule, days=1)
    assert states(account) == [("open", "")]


def test_hold_days_pass_before_it_is_raised_and_start_anew_when_it_was_not_so(account):
    rule = rule_of(hold_days=3)
    set_arr(account, 30)
    assert look(rule) == AlertReport(entered=1)
    assert states(account) == [("waiting", "")]
    look(rule, days=2, hours=11)
    assert states(account) == [("waiting", "")]
    set_arr(account, 45)
    assert look(rule, days=2, hours=12) == AlertReport(left=1)
    assert states(account) == []
    set_arr(account, 30)
    look(rule, days=3)
    look(rule, days=5, hours=23)
    assert states(account) == [("waiting", "")]
    assert look(rule, days=6) == AlertReport(raised=1)
    alert = Alert.objects.get()
    assert (alert.state, alert.entered_at, alert.raised_at) == ("open", NOW + 3 * DAY, NOW + 6 * DAY)


def test_cooldown_counts_from_the_end_of_the_last_alert(account):
    rule = rule_of(cooldown_days=7)
    for day, arr in enumerate([30, 60, 30], start=1):
        set_arr(account, arr)
        look(rule, days=day)
    assert states(account) == [("closed", "left"), ("waiting", "")]
    look(rule, days=8)
    assert states(account)[1] == ("waiting", "")
    look(rule, days=9)
    assert states(account)[1] == ("open", "")


def test_confidence_below_the_minimum_raises_nothing_and_ends_nothing(account):
    rule = rule_of(minimum_confidence=50, enter={"field": "name", "op": "is", "value": account.name}, leave=None)
    look(rule)
    score = CurrentScoreFactory(account=account, confidence=49)
    look(rule, days=1, is_quiet=False)
    assert states(account) == []
    CurrentScore.objects.filter(pk=score.pk).update(confidence=50)
    look(rule, days=2, is_quiet=False)
    CurrentScore.objects.filter(pk=score.pk).update(confidence=10)
    look(rule, days=3)
    assert states(account) == [("open", "")]
    assert [line["text"] for line in Alert.objects.get().evidence["lines"]] == [
        f"Name is “{account.name}”: it is “{account.name}”",
        "Confidence of the health score is at least 50 %: it is 50 %",
    ]


def test_former_and_deleted_accounts_get_none_and_lose_theirs():
    churned, deleted = AccountFactory(arr=60), AccountFactory(arr=60)
    former = AccountFactory(arr=60, stage="churned")
    rule = rule_of()
    for account in (churned, deleted, former):
        set_arr(account, 30)
    assert look(rule).raised == 2
    Account.objects.filter(pk=churned.pk).update(stage="churned")
    delete_account(account=deleted, now=NOW)
    assert look(rule, days=1).left == 2
    assert (states(churned), states(deleted), states(former)) == ([("closed", "left")], [("closed", "left")], [])


def test_evidence_keeps_people_by_their_ids(account):
    user = ContactFactory(name="Priya Nair")
    membership = join_account(contact=user, account=account, role="champion", occurred_at=NOW - DAY, now=NOW)
    champion = {"contacts": "any", "where": {"field": "role", "op": "any_of", "value": ["champion"]}}
    there = rule_of(name="There", enter=champion, leave=None, is_live=True)
    gone = rule_of(name="Gone", enter={"not": champion}, leave=None)
    look(there, is_quiet=False)
    alert = Alert.objects.get(rule=there)
    assert alert.evidence["lines"] == [{"text": "any contact has (Role is Champion)", "contacts": [user.pk]}]
    assert "Priya" not in str(alert.evidence)
    leave_account(membership=membership, at=NOW, now=NOW)
    assert look(gone, days=1).raised == 1
    assert Alert.objects.get(rule=gone).evidence["lines"] == [
        {"text": "Not so: any contact has (Role is Champion): it has no contacts", "contacts": []}
    ]


# --- Only news -----------------------------------------------------------------------------------


def test_a_new_rule_takes_what_matches_as_standing_unless_told_to_raise():
    low, lower, high = AccountFactory(arr=1), AccountFactory(arr=2), AccountFactory(arr=100)
    rule = rule_of()
    assert [states(a) for a in (low, lower, high)] == [[("standing", "")], [("standing", "")], []]
    assert look(rule, days=1) == AlertReport()
    set_arr(lower, 60)
    look(rule, days=2)
    assert (states(lower), told(lower)) == ([("closed", "left")], [])
    second = create_rule(fields={"name": "Second", "enter": BELOW_40}, now=NOW, raise_standing=True)
    assert [(a.account, a.state) for a in Alert.objects.filter(rule=second)] == [(low, "open")]


def test_raise_standing_later_raises_what_stands():
    account = AccountFactory(arr=1)
    rule = rule_of()
    update_rule(rule=rule, fields={}, now=NOW, raise_standing=True)
    assert states(account) == [("open", "")]
    assert [e.kind for e in told(account)] == ["alert.raised"]


def test_an_import_of_history_is_no_news_but_what_happens_after_it_is(account):
    rule = rule_of(enter={"field": "survey_score", "params": {"kind": "nps"}, "op": "lte", "value": 6}, leave=None)
    other = AccountFactory()
    record_survey_response(
        account=account, kind="nps", score=2, occurred_at=NOW - 9 * DAY, now=NOW + DAY, backfill=True
    )
    record_survey_response(account=other, kind="nps", score=2, occurred_at=NOW + DAY, now=NOW + DAY)
    look(rule, days=1, hours=1)
    assert (states(account), states(other)) == ([("standing", "")], [("open", "")])
    record_survey_response(account=account, kind="nps", score=9, occurred_at=NOW + 2 * DAY, now=NOW + 2 * DAY)
    look(rule, days=2, hours=1)
    record_survey_response(account=account, kind="nps", score=1, occurred_at=NOW + 3 * DAY, now=NOW + 3 * DAY)
    look(rule, days=3, hours=1)
    assert states(account) == [("closed", "left"), ("open", "")]


def test_history_of_usage_is_no_news(account):
    stopped = {"field": "metric.days_since_event", "op": "gte", "value": 14}
    rule = rule_of(enter=stopped, leave=None)
    live = AccountFactory()
    for each, backfill in [(account, True), (live, False)]:
        use(each, (NOW - 20 * DAY).date(), recorded_at=NOW + DAY, backfill=backfill)
    look(rule, days=1, hours=1)
    assert (states(account), states(live)) == ([("standing", "")], [("open", "")])


def test_a_first_score_or_one_by_another_version_is_no_news(account):
    rule = rule_of(enter={"field": "health_band", "op": "any_of", "value": ["red"]}, leave=None)
    CurrentScoreFactory(account=account, score=Decimal(10), band=1, as_of=NOW.date())
    write_event(account=account, kind="band.changed", occurred_at=NOW, now=NOW, origin=Origin.FIRST_SCORE)
    look(rule, days=1)
    assert states(account) == [("standing", "")]


def test_another_condition_ends_alerts_and_takes_what_matches_as_standing(account):
    rule = rule_of()
    set_arr(account, 30)
    look(rule)
    editor = UserFactory(access_level="editor")
    update_rule(rule=rule, fields={"enter": {"field": "arr", "op": "lt", "value": 35}}, now=NOW + DAY, actor=editor)
    assert states(account) == [("closed", "retired"), ("standing", "")]
    assert told(account)[-1].payload["reason"] == "retired"
    versions = AlertRuleVersion.objects.filter(rule=rule).order_by("number")
    assert [(v.number, v.config["enter"]["value"], v.changed_by) for v in versions] == [(1, 40, None), (2, 35, editor)]
    update_rule(rule=rule, fields={"guidance": "Call"}, now=NOW + DAY, actor=editor)
    assert states(account) == [("closed", "retired"), ("standing", "")]
    update_rule(rule=rule, fields={"guidance": "Call"}, now=NOW + DAY, actor=editor)
    assert AlertRuleVersion.objects.count() == 3


def test_a_rule_switched_off_or_deleted_ends_its_alerts(account):
    rule = rule_of()
    set_arr(account, 30)
    look(rule)
    rule = update_rule(rule=rule, fields={"is_live": False}, now=NOW)
    assert states(account) == [("closed", "retired")]
    assert evaluate_accounts(ids=[account.pk], now=NOW) == AlertReport()
    update_rule(rule=rule, fields={"is_live": True}, now=NOW)
    assert states(account)[1:] == [("standing", "")]
    delete_rule(rule=rule, now=NOW)
    assert states(account)[1:] == [("closed", "retired")]
    assert (AlertRule.objects.count(), AlertRule.all_objects.count()) == (0, 1)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": " "}, "name", "A rule needs a name"),
        ({"name": "Low"}, "name", "There is already a rule 'Low'"),
        ({"kind": "fun"}, "kind", "A rule tells of risk or opportunity, not of 'fun'"),
        ({"enter": {"all": []}}, "enter", "Say when it is raised"),
        ({"enter": {"field": "moon", "op": "is", "value": 1}}, "enter", "moon"),
        ({"leave": BELOW_40}, "leave", "It would end as soon as it begins"),
        ({"hold_days": -1}, "hold_days", "a whole number from 0 to 365"),
        ({"minimum_confidence": 101}, "minimum_confidence", "a whole number from 0 to 100"),
        ({"guidance": "x" * 2001}, "guidance", "more than 2000 characters"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(fields, field, words):
    rule_of()
    with pytest.raises(InvalidInput, match=words) as error:
        rule_of(**{"name": "Other", **fields})
    assert (error.value.field, AlertRule.objects.count()) == (field, 1)


def test_a_rule_that_can_no_longer_be_used_does_not_stop_the_others(account):
    broken, rule = rule_of(name="Broken"), rule_of()
    AlertRule.objects.filter(pk=broken.pk).update(enter={"field": "attribute.gone", "op": "known"})
    set_arr(account, 30)
    assert evaluate_accounts(ids=[account.pk], now=NOW).raised == 1
    assert Alert.objects.get().rule == rule


def test_an_evaluation_that_waited_for_the_end_of_a_rule_does_nothing(account):
    rule = rule_of()
    stale = AlertRule.objects.get(pk=rule.pk)
    update_rule(rule=rule, fields={"is_live": False}, now=NOW)
    set_arr(account, 1)
    assert look(stale) == AlertReport()
    delete_rule(rule=rule, now=NOW)
    assert (look(stale), Alert.objects.count()) == (AlertReport(), 0)


def test_a_rule_is_locked_before_its_row_as_evaluations_do():
    rule = rule_of()
    with CaptureQueriesContext(connection) as queries:
        update_rule(rule=rule, fields={"name": "Other"}, now=NOW)
    statements = [query["sql"] for query in queries]
    first = [next(n for n, sql in enumerate(statements) if word in sql) for word in ("advisory", "FOR UPDATE")]
    assert first == sorted(first)


def test_a_mute_outlives_its_account(account):
    rule = rule_of()
    delete_account(account=account, now=NOW)
    mute_rule(rule=rule, account=account, until=NOW + 5 * DAY, reason="Gone", now=NOW, actor=None)
    assert AlertMute.objects.get().account_id == account.pk


def test_some_accounts_only(account):
    other = AccountFactory(arr=60)
    rule = rule_of()
    set_arr(account, 30)
    set_arr(other, 30)
    since = AlertRule.objects.get().evaluated_at
    assert look(rule, days=1, ids=[account.pk]).raised == 1
    assert (states(other), AlertRule.objects.get().evaluated_at) == ([], since)
    look(rule, days=1)
    assert AlertRule.objects.get().evaluated_at == NOW + DAY


# --- What people do ------------------------------------------------------------------------------


@pytest.fixture
def raised(account):
    rule = rule_of()
    set_arr(account, 30)
    look(rule)
    return Alert.objects.select_related("rule", "account").get()


def test_acknowledge_and_take_it_back(raised):
    user = UserFactory()
    acknowledge_alert(alert=raised, now=NOW, actor=user)
    assert (raised.state, raised.acknowledged_by, raised.acknowledged_at) == ("acknowledged", user, NOW)
    acknowledge_alert(alert=raised, now=NOW + DAY, actor=UserFactory())
    assert (raised.acknowledged_by, raised.acknowledged_at) == (user, NOW)
    reopen_alert(alert=raised)
    assert (raised.state, raised.acknowledged_by, raised.acknowledged_at) == ("open", None, None)


def test_a_closed_alert_comes_back_only_after_the_account_left(raised, account):
    user = UserFactory()
    close_alert(alert=raised, now=NOW, actor=user)
    close_alert(alert=raised, now=NOW + DAY, actor=UserFactory())
    assert (raised.state, raised.close_reason, raised.closed_by, raised.left_at) == ("closed", "done", user, None)
    assert [(e.kind, e.actor) for e in told(account)][1:] == [("alert.closed", user)]
    look(raised.rule, days=1)
    assert states(account) == [("closed", "done")]
    set_arr(account, 60)
    look(raised.rule, days=2)
    raised.refresh_from_db()
    assert (raised.close_reason, raised.closed_at, raised.left_at) == ("done", NOW, NOW + 2 * DAY)
    set_arr(account, 30)
    look(raised.rule, days=3)
    assert states(account) == [("closed", "done"), ("open", "")]


def test_snooze_needs_a_time_to_come(raised):
    snooze_alert(alert=raised, until=NOW + DAY, now=NOW)
    assert (raised.state, raised.snoozed_until) == ("open", NOW + DAY)
    for until in (NOW, NOW + 366 * DAY):
        with pytest.raises(InvalidInput, match="a time to come"):
            snooze_alert(alert=raised, until=until, now=NOW)


def test_a_muted_rule_closes_its_alert_and_speaks_again_when_the_time_is_over(raised, account):
    user = UserFactory()
    Work.objects.all().delete()
    mute = mute_rule(rule=raised.rule, account=account, until=NOW + 10 * DAY, reason="Planned", now=NOW, actor=user)
    assert states(account) == [("closed", "muted")]
    assert told(account)[-1].payload["reason"] == "muted"
    assert [w.kind for w in Work.objects.all()] == ["health.evaluate_alerts"]
    look(raised.rule, days=1)
    look(raised.rule, days=9, hours=23)
    assert states(account) == [("closed", "muted"), ("waiting", "")]
    look(raised.rule, days=10)
    assert states(account)[1] == ("open", "")
    assert (mute.reason, mute.muted_by, mute.ended_at) == ("Planned", user, None)


def test_muting_again_replaces_and_ending_it_lets_the_rule_speak(raised, account):
    options = {"rule": raised.rule, "account": account, "now": NOW, "actor": None}
    mute_rule(**options, until=NOW + 10 * DAY, reason="Planned")
    look(raised.rule, days=1)
    mute = mute_rule(**options, until=NOW + 30 * DAY, reason="Longer")
    assert AlertMute.objects.filter(ended_at=None).get() == mute
    look(raised.rule, days=11)
    assert states(account)[1] == ("waiting", "")
    end_mute(mute=mute, now=NOW + 11 * DAY, actor=None)
    look(raised.rule, days=11)
    assert states(account)[1] == ("open", "")
    with pytest.raises(InvalidInput, match="Say why"):
        mute_rule(**options, until=NOW + DAY, reason=" ")


def test_a_verdict_stays_and_the_last_word_counts(raised):
    user = UserFactory()
    judge_alert(alert=raised, is_useful=True, now=NOW, actor=user, note="Right")
    judge_alert(alert=raised, is_useful=False, now=NOW + DAY, actor=user, note=" Too late ")
    assert (raised.is_useful, raised.verdict_note, raised.verdict_at) == (False, "Too late", NOW + DAY)
    standing = Alert.objects.create(
        rule=raised.rule, account=AccountFactory(), rule_version=1, state="standing", entered_at=NOW, due_at=NOW
    )
    with pytest.raises(InvalidInput, match="never raised"):
        judge_alert(alert=standing, is_useful=True, now=NOW, actor=user)


def test_a_budget_is_a_number_of_accounts():
    set_budget(user=None, accounts_per_day=5)
    set_budget(user=None, accounts_per_day=6)
    with pytest.raises(InvalidInput, match="from 0 to 500"):
        set_budget(user=None, accounts_per_day=501)
    set_budget(user=None, accounts_per_day=None)


# --- Shipped rules -------------------------------------------------------------------------------


def test_starter_rules_come_once():
    account = AccountFactory()
    record_survey_response(account=account, kind="nps", score=10, occurred_at=timezone.now(), now=timezone.now())
    rules = ensure_starter_rules(now=timezone.now())
    assert [rule.name for rule in rules] == [each["name"] for each in starter_rules()]
    assert len(rules) == 9
    assert {rule.kind for rule in rules} == {"risk", "opportunity"}
    assert [a.rule.name for a in Alert.objects.filter(state="standing")] == ["Promoter"]
    delete_rule(rule=rules[0], now=timezone.now())
    assert ensure_starter_rules(now=timezone.now()) == []


def test_fields_that_a_rule_asks_about_are_in_use():
    rule_of()
    assert uses_of_field(Entity.ACCOUNT, "arr") == ["Alert rule Low"]

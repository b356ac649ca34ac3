"""The life of alerts against a small model of it, and two workers at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account, AccountEvent
from health.models import Alert, AlertRule
from health.services.alert_evaluation import evaluate_rule
from health.services.alert_rules import create_rule
from health.services.alerts import acknowledge_alert, close_alert, mute_rule, reopen_alert
from tests.conftest import NOW
from tests.factories import AccountFactory

DAY = timedelta(days=1)
LOW, BETWEEN, HIGH, UNKNOWN = 30, 45, 60, None
FIELDS = {
    "name": "Low",
    "enter": {"field": "arr", "op": "lt", "value": 40},
    "leave": {"field": "arr", "op": "gt", "value": 50},
}


class Model:
    """What the documentation says, in the plainest form: one account, one rule, whole days."""

    def __init__(self, hold: int, cooldown: int) -> None:
        self.hold, self.cooldown = hold, cooldown
        self.state = "out"
        self.since = self.ended = self.muted_until = None
        self.raised = self.closed = 0

    def look(self, value: int | None, day: int) -> None:
        if self.state == "waiting" and value != LOW:
            self.state = "out"
        if self.state in {"open", "acknowledged"} and value == HIGH:
            self.state, self.ended = "out", day
            self.closed += 1
        if self.state == "done" and value == HIGH:
            self.state = "out"
        if self.state == "out" and value == LOW:
            self.state, self.since = "waiting", day
        if self.state == "waiting" and self.is_due(day):
            self.state = "open"
            self.raised += 1

    def is_due(self, day: int) -> bool:
        is_held = day - self.since >= self.hold
        is_rested = self.ended is None or self.cooldown == 0 or day - self.ended >= self.cooldown
        return is_held and is_rested and (self.muted_until is None or day >= self.muted_until)

    def act(self, verb: str, day: int) -> None:
        if verb == "acknowledge" and self.state == "open":
            self.state = "acknowledged"
        elif verb == "reopen" and self.state == "acknowledged":
            self.state = "open"
        elif verb == "close" and self.state in {"open", "acknowledged"}:
            self.state, self.ended = "done", day
            self.closed += 1
        elif verb == "mute":
            if self.state in {"open", "acknowledged"}:
                self.state, self.ended = "out", day
                self.closed += 1
            self.muted_until = day + 5


STEPS = st.lists(
    st.tuples(
        st.sampled_from([LOW, LOW, LOW, BETWEEN, HIGH, UNKNOWN]),
        st.sampled_from(["", "", "", "acknowledge", "reopen", "close", "mute"]),
    ),
    min_size=1,
    max_size=14,
)


def act(rule, account, verb, now):
    if verb == "mute":
        mute_rule(rule=rule, account=account, until=now + 5 * DAY, reason="x", now=now, actor=None)
    alert = Alert.objects.filter(left_at=None, state__in=["open", "acknowledged"]).first()
    if alert is not None:
        match verb:
            case "acknowledge":
                acknowledge_alert(alert=alert, now=now, actor=None)
            case "reopen":
                reopen_alert(alert=alert)
            case "close":
                close_alert(alert=alert, now=now, actor=None)


@pytest.mark.django_db
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(STEPS, st.integers(0, 3), st.integers(0, 4))
def test_alerts_live_as_the_model_says(steps, hold, cooldown):
    Account.all_objects.all().delete()
    AlertRule.all_objects.all().delete()
    account, model = AccountFactory(arr=HIGH), Model(hold, cooldown)
    rule = create_rule(fields={**FIELDS, "hold_days": hold, "cooldown_days": cooldown}, now=NOW)
    for day, (value, verb) in enumerate(steps, start=1):
        now = NOW + day * DAY
        Account.objects.update(arr=value)
        evaluate_rule(rule=rule, now=now)
        evaluate_rule(rule=rule, now=now)
        model.look(value, day)
        act(rule, account, verb, now)
        model.act(verb, day)
        inside = Alert.objects.filter(left_at=None).first()
        shown = "out" if inside is None else "done" if inside.state == "closed" else inside.state
        assert shown == model.state, (day, value, verb)
    kinds = list(AccountEvent.objects.filter(account=account).values_list("kind", flat=True))
    assert (kinds.count("alert.raised"), kinds.count("alert.closed")) == (model.raised, model.closed)
    assert Alert.objects.exclude(raised_at=None).count() == model.raised


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_raise_once():
    accounts = [AccountFactory(arr=HIGH) for _ in range(20)]
    rule = create_rule(fields=FIELDS, now=NOW)
    Account.objects.update(arr=LOW)
    start = threading.Barrier(2)
    reports = []

    def work():
        start.wait()
        try:
            reports.append(evaluate_rule(rule=rule, now=NOW + DAY))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(report.raised for report in reports) == [0, len(accounts)]
    assert Alert.objects.filter(state="open").count() == len(accounts)
    assert AccountEvent.objects.filter(kind="alert.raised").count() == len(accounts)

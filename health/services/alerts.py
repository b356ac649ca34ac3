"""What people do with alerts: acknowledge, close, snooze, mute, judge, and how many they take in a day."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.errors import InvalidInput
from accounts.events import write_events
from accounts.models import Account
from health.enums import AlertState, CloseReason
from health.models import Alert, AlertBudget, AlertMute, AlertRule
from health.services.alert_evaluation import alert_event, evaluate_changed
from team.models import User

MAX_PAUSE_DAYS = 365
MAX_PER_DAY = 500
MAX_REASON_LENGTH = 200
MAX_NOTE_LENGTH = 500
IN_HAND = [AlertState.OPEN, AlertState.ACKNOWLEDGED]


@transaction.atomic
def acknowledge_alert(*, alert: Alert, now: datetime, actor: User | None) -> Alert:
    """Say that somebody sees to it. Nothing happens to one that is not open any more."""
    rows = Alert.objects.filter(pk=alert.pk, state=AlertState.OPEN)
    rows.update(state=AlertState.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=actor, snoozed_until=None)
    alert.refresh_from_db()
    return alert


@transaction.atomic
def reopen_alert(*, alert: Alert) -> Alert:
    """Take an acknowledgement back."""
    rows = Alert.objects.filter(pk=alert.pk, state=AlertState.ACKNOWLEDGED)
    rows.update(state=AlertState.OPEN, acknowledged_at=None, acknowledged_by=None)
    alert.refresh_from_db()
    return alert


@transaction.atomic
def close_alert(*, alert: Alert, now: datetime, actor: User | None) -> Alert:
    """Say that it is dealt with. It is not raised again before the account has left the rule and comes back."""
    _close(Alert.objects.filter(pk=alert.pk), CloseReason.DONE, now, actor)
    alert.refresh_from_db()
    return alert


@transaction.atomic
def snooze_alert(*, alert: Alert, until: datetime, now: datetime) -> Alert:
    """Put an open alert aside until a time. Raises InvalidInput for a time that is over or too far."""
    _check_until(until, now)
    Alert.objects.filter(pk=alert.pk, state=AlertState.OPEN).update(snoozed_until=until)
    alert.refresh_from_db()
    return alert


@transaction.atomic
def judge_alert(*, alert: Alert, is_useful: bool, now: datetime, actor: User | None, note: str = "") -> Alert:
    """Say whether an alert was useful; the last word counts. Raises InvalidInput for one never raised."""
    if alert.raised_at is None:
        raise InvalidInput("This was never raised as an alert, so there is nothing to judge.")
    if len(note) > MAX_NOTE_LENGTH:
        raise InvalidInput(f"The note has more than {MAX_NOTE_LENGTH} characters.", "note")
    Alert.objects.filter(pk=alert.pk).update(
        is_useful=is_useful, verdict_note=note.strip(), verdict_at=now, verdict_by=actor
    )
    alert.refresh_from_db()
    return alert


@transaction.atomic
def mute_rule(
    *, rule: AlertRule, account: Account, until: datetime, reason: str, now: datetime, actor: User | None
) -> AlertMute:
    """Keep a rule quiet about an account until a time, and close what it has raised there.

    What matches when the time is over is raised then. Raises InvalidInput.
    """
    _check_until(until, now)
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON_LENGTH:
        raise InvalidInput(f"Say why in at most {MAX_REASON_LENGTH} characters: others will want to know.", "reason")
    # The account's row makes two who mute at once wait for each other.
    Account.all_objects.select_for_update().get(pk=account.pk)
    AlertMute.objects.filter(rule=rule, account=account, ended_at=None).update(ended_at=now, ended_by=actor)
    mute = AlertMute.objects.create(
        rule=rule, account=account, until=until, reason=reason, muted_by=actor, muted_at=now
    )
    rows = Alert.objects.filter(rule=rule, account=account, left_at=None)
    _close(rows, CloseReason.MUTED, now, actor)
    rows.filter(close_reason=CloseReason.MUTED).update(left_at=now)
    rows.filter(state=AlertState.WAITING, due_at__lt=until).update(due_at=until)
    evaluate_changed([account.pk])
    return mute


@transaction.atomic
def end_mute(*, mute: AlertMute, now: datetime, actor: User | None) -> AlertMute:
    """Let the rule speak again; what matches now is raised within a minute."""
    if AlertMute.objects.filter(pk=mute.pk, ended_at=None).update(ended_at=now, ended_by=actor):
        waiting = Alert.objects.filter(rule=mute.rule_id, account=mute.account_id, state=AlertState.WAITING)
        waiting.filter(due_at__lte=mute.until).update(due_at=now)
        evaluate_changed([mute.account_id])
    mute.refresh_from_db()
    return mute


@transaction.atomic
def set_budget(*, user: User | None, accounts_per_day: int | None) -> None:
    """Say how many accounts a day alerts may ask of somebody; None: as everybody. Without a user: of everybody.

    Raises InvalidInput.
    """
    if accounts_per_day is None:
        AlertBudget.objects.filter(user=user).delete()
        return
    if not 0 <= accounts_per_day <= MAX_PER_DAY:
        raise InvalidInput(f"This is a number of accounts from 0 to {MAX_PER_DAY}.", "accounts_per_day")
    AlertBudget.objects.update_or_create(user=user, defaults={"accounts_per_day": accounts_per_day})


def _close(rows: QuerySet[Alert], reason: CloseReason, now: datetime, actor: User | None) -> None:
    """Close those of the rows that are in hand, and tell of each; who comes second finds nothing to close."""
    for alert in rows.filter(state__in=IN_HAND).select_related("rule").select_for_update(of=("self",)):
        Alert.objects.filter(pk=alert.pk).update(
            state=AlertState.CLOSED, closed_at=now, closed_by=actor, close_reason=reason, snoozed_until=None
        )
        event = alert_event("alert.closed", alert.rule, alert.pk, alert.account_id, now, reason=str(reason))
        event.actor = actor
        write_events([event])


def _check_until(until: datetime, now: datetime) -> None:
    if not now < until <= now + timedelta(days=MAX_PAUSE_DAYS):
        raise InvalidInput(f"This must be a time to come, at most {MAX_PAUSE_DAYS} days ahead.", "until")

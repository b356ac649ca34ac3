"""The work that this room does by itself."""

import logging
from datetime import date

from django.utils import timezone

from health.metrics.query import AccountSet
from health.models import AlertRule, Backtest, Scorecard
from health.services import (
    alert_evaluation,
    alert_rules,
    backtests,
    incidents,
    overrides,
    revisions,
    scorecards,
    scores,
)
from health.usage import held, partitions, quarantine
from team import work
from team.errors import LeaseLost

logger = logging.getLogger(__name__)


@work.handler("health.make_partitions")
def make_partitions(payload: work.Payload) -> None:
    partitions.ensure_coming_partitions(timezone.now())


@work.handler("health.forget_old_usage", atomic=False)
def forget_old_usage(payload: work.Payload) -> None:
    now = timezone.now()
    partitions.drop_old_partitions(now)
    held.forget_held(now)
    quarantine.forget_rejected(now)


@work.handler("health.release_held_events", atomic=False)
def release_held_events(payload: work.Payload) -> None:
    held.release_joined()


@work.handler("health.check_feeds", lease_seconds=120, atomic=False)
def check_feeds(payload: work.Payload) -> None:
    incidents.check_feeds(now=timezone.now())


@work.handler("health.score_changed", lease_seconds=120, atomic=False)
def score_changed(payload: work.Payload) -> None:
    now = timezone.now()
    scorecards.ensure_starter_scorecards(now=now)
    alert_rules.ensure_starter_rules(now=now)
    scores.score_changed_accounts(now=now)


@work.handler("health.score_everybody")
def score_everybody(payload: work.Payload) -> None:
    scores.score_everybody(now=timezone.now())


@work.handler("health.score_chunk", lease_seconds=240, atomic=False)
def score_chunk(payload: work.Payload) -> None:
    scorecard = Scorecard.objects.live().filter(pk=payload["scorecard_id"]).first()
    if scorecard is not None:
        accounts = AccountSet(first=payload["first"], last=payload["last"])
        scores.score_accounts(scorecard=scorecard, accounts=accounts, now=timezone.now())
        # After the chunks that wait still; the last one asks once more.
        work.enqueue(kind="health.evaluate_alerts", key="everybody", priority=6)


@work.handler("health.revise_late_days")
def revise_late_days(payload: work.Payload) -> None:
    revisions.revise_late_days(now=timezone.now())


@work.handler("health.revise_day", lease_seconds=240, atomic=False)
def revise_day(payload: work.Payload) -> None:
    scorecard = Scorecard.objects.live().filter(pk=payload["scorecard_id"]).first()
    if scorecard is not None:
        revisions.revise_day(scorecard=scorecard, as_of=date.fromisoformat(payload["as_of"]), now=timezone.now())


@work.handler("health.end_override", atomic=False)
def end_override(payload: work.Payload) -> None:
    overrides.end_expired(override_id=payload["override_id"], now=timezone.now())


@work.handler("health.forget_old_snapshots", lease_seconds=240, atomic=False)
def forget_old_snapshots(payload: work.Payload) -> None:
    scores.forget_old_snapshots(now=timezone.now())


@work.handler(backtests.WORK_KIND, lease_seconds=backtests.LEASE_SECONDS, atomic=False)
def run_backtest(payload: work.Payload) -> None:
    """A stretch of it; what was read stays read, and the rest is made due again."""
    backtest = Backtest.objects.filter(pk=payload["backtest_id"]).first()
    if backtest is None or backtest.is_over:
        return
    try:
        is_over = backtests.run_backtest(backtest=backtest, seconds=backtests.STRETCH_SECONDS)
    except LeaseLost:
        raise
    except Exception as error:
        if not backtests.note_failure(backtest=backtest, error=error):
            raise
        logger.exception("Backtest %s was given up.", backtest.pk)
        return
    if not is_over:
        backtests.resume_backtest(backtest=backtest)


@work.handler("health.evaluate_alerts", lease_seconds=120, atomic=False)
def evaluate_alerts(payload: work.Payload) -> None:
    """Some accounts by all rules; without ids everybody, a rule at a time."""
    if "ids" in payload:
        alert_evaluation.evaluate_accounts(ids=payload["ids"], now=timezone.now())
    else:
        alert_evaluation.evaluate_everybody()


@work.handler("health.evaluate_alert_rule", lease_seconds=240, atomic=False)
def evaluate_alert_rule(payload: work.Payload) -> None:
    rule = AlertRule.objects.filter(pk=payload["rule_id"], is_live=True).first()
    if rule is not None:
        alert_evaluation.evaluate_rule(rule=rule, now=timezone.now())

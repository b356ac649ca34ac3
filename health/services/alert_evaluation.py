"""Which accounts came to match alert rules, and which no longer do: set-wise, one rule after the other.

The rows are the state. Evaluations of a rule wait for each other, and an account has at most one row
inside a rule, so that however many workers look, what came to be so is raised once.
"""

import json
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.conditions import Catalogue, Moment, explain_many, matching_sql
from accounts.conditions.errors import ConditionError
from accounts.enums import Origin, Stage
from accounts.events import write_events
from accounts.models import Account, AccountEvent
from health.alert_conditions import enter_tree, evidence_lines, fields_of, leave_tree
from health.enums import AlertState, CloseReason, ScoreKind
from health.models import Alert, AlertRule, CurrentScore
from health.scorecards import Band
from team.work import enqueue, enqueue_many

logger = logging.getLogger(__name__)

RULE_LOCK = 0x5EED_A1E7
RAISE_BATCH = 1_000
# What the product writes by itself says nothing about whether a customer did something.
OWN_EVENTS = ["alert.closed", "alert.raised", "band.changed"]
# Snapshots of one version lie at most a week apart (see forget_old_snapshots).
SNAPSHOT_DAYS = 9

# No news about the score: under the version that gave it, there was none when everybody was last looked at.
_NEW_SCORE = f"""
    EXISTS (SELECT FROM health_currentscore c
        WHERE c.account_id = x.id AND c.main_of = '{ScoreKind.HEALTH}' AND c.deleted_at IS NULL
        AND NOT EXISTS (SELECT FROM health_scoresnapshot s WHERE s.account_id = x.id
            AND s.scorecard_id = c.scorecard_id AND s.version_id = c.version_id
            AND s.as_of > c.as_of - {SNAPSHOT_DAYS} AND s.recorded_by <= %(since)s))
"""  # noqa: S608 -- constants
_HISTORY_CAME = """
    (EXISTS (SELECT FROM accounts_accountevent e WHERE e.account_id = x.id AND e.origin = %(backfill)s
            AND e.recorded_at >= %(since)s)
        OR EXISTS (SELECT FROM health_usageday u WHERE u.account_id = x.id AND u.is_backfill
            AND u.recorded_on >= %(since)s::date))
    AND NOT EXISTS (SELECT FROM accounts_accountevent e WHERE e.account_id = x.id AND e.origin = %(live)s
        AND e.recorded_at >= %(since)s AND e.kind <> ALL(%(own)s))
"""
# Whole hours, so that what came in one night is due in the night it should be.
_ENTER = """
    INSERT INTO health_alert (account_id, rule_id, rule_version, state, entered_at, due_at, evidence, close_reason,
        verdict_note, created_at, updated_at, row_version, change_xid, change_seq)
    SELECT x.id, %(rule)s, %(version)s, CASE WHEN {quiet} THEN 'standing' ELSE 'waiting' END, %(now)s,
        greatest(
            CASE WHEN %(hold)s = 0 THEN %(now)s ELSE date_trunc('hour', %(now)s + %(hold)s * interval '1 day') END,
            CASE WHEN %(cooldown)s > 0 THEN (
                SELECT date_trunc('hour', max(o.closed_at) + %(cooldown)s * interval '1 day') FROM health_alert o
                WHERE o.rule_id = %(rule)s AND o.account_id = x.id AND o.raised_at IS NOT NULL) END,
            (SELECT m.until FROM health_alertmute m
                WHERE m.rule_id = %(rule)s AND m.account_id = x.id AND m.ended_at IS NULL)),
        '{{}}', '', '', %(now)s, %(now)s, 1, 0, 0
    FROM accounts_account x WHERE x.id = ANY(%(entering)s)
    ON CONFLICT (rule_id, account_id) WHERE left_at IS NULL DO NOTHING
"""


@dataclass(frozen=True)
class AlertReport:
    """How many accounts came to match, how many alerts were raised, and how many rows left."""

    entered: int = 0
    raised: int = 0
    left: int = 0

    def __add__(self, other: "AlertReport") -> "AlertReport":
        return AlertReport(self.entered + other.entered, self.raised + other.raised, self.left + other.left)


def evaluate_everybody() -> None:
    """Make it due to look at everybody by each live rule."""
    rules = AlertRule.objects.filter(is_live=True).values_list("pk", flat=True)
    enqueue_many(kind="health.evaluate_alert_rule", items=[(str(pk), {"rule_id": pk}) for pk in rules], priority=6)


def evaluate_changed(account_ids: Collection[int]) -> None:
    """Make it due to look at some accounts by all live rules."""
    if account_ids:
        enqueue(kind="health.evaluate_alerts", payload={"ids": list(account_ids)})


def evaluate_accounts(*, ids: Collection[int], now: datetime) -> AlertReport:
    """Look at some accounts by all live rules."""
    report = AlertReport()
    for rule in AlertRule.objects.filter(is_live=True):
        try:
            report += evaluate_rule(rule=rule, now=now, ids=ids)
        except ConditionError as error:
            # The rule's page says it too; the other rules go on.
            logger.warning("The alert rule %s cannot be used: %s", rule.pk, error)
    return report


@transaction.atomic
def evaluate_rule(
    *, rule: AlertRule, now: datetime, ids: Collection[int] | None = None, is_quiet: bool | None = None
) -> AlertReport:
    """Bring the rows of a rule up to what is so now, for everybody or some; raise what is due.

    What newly matches without live news becomes standing and is not raised: what an import, a first
    score or another version of a scorecard brought about. `is_quiet` True: nothing is news, False:
    everything is, also what stands.
    """
    lock_rule(rule.pk)
    found = AlertRule.objects.filter(pk=rule.pk, is_live=True).first()
    if found is None:
        # Switched off or deleted while we waited.
        return AlertReport()
    rule = found
    moment, catalogue = Moment.live(now), Catalogue()
    matching = _matching(rule, moment, ids, catalogue)
    inside = _inside(rule, ids)
    gone = [pk for pk, state in inside.items() if state == AlertState.WAITING and pk not in matching]
    _forget_waiting(rule, gone)
    candidates = [pk for pk, state in inside.items() if state != AlertState.WAITING and pk not in matching]
    leaving = _leaving(rule, moment, candidates, catalogue)
    _leave(rule, leaving, now)
    entered = _enter(rule, sorted(matching - inside.keys()), now, is_quiet=is_quiet, catalogue=catalogue)
    if is_quiet is False:
        Alert.objects.filter(rule=rule, state=AlertState.STANDING, left_at=None, account__in=list(matching)).update(
            state=AlertState.WAITING, due_at=now
        )
    raised = _raise_due(rule, matching, moment, catalogue)
    if ids is None:
        AlertRule.objects.filter(pk=rule.pk).update(evaluated_at=now)
    return AlertReport(entered, raised, len(gone) + len(leaving))


def retire_alerts(*, rule: AlertRule, now: datetime) -> int:
    """End everything inside a rule that is no longer live. Returns how many alerts were closed."""
    lock_rule(rule.pk)
    inside = _inside(rule, None)
    _forget_waiting(rule, [pk for pk, state in inside.items() if state == AlertState.WAITING])
    closing = [pk for pk, state in inside.items() if state != AlertState.WAITING]
    return _leave(rule, closing, now, reason=CloseReason.RETIRED)


def lock_rule(rule_id: int) -> None:
    """Wait for others at a rule. Whoever locks its row too takes this lock first, or the two wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [(RULE_LOCK << 31) + rule_id])


def _matching(rule: AlertRule, moment: Moment, ids: Collection[int] | None, catalogue: Catalogue) -> set[int]:
    """Return the accounts that match; former customers need no alert."""
    sql, params = matching_sql(enter_tree(rule), moment, ids=ids, catalogue=catalogue).positional()
    return _ids(
        f"SELECT m.id FROM ({sql}) AS m (id) JOIN accounts_account x ON x.id = m.id AND x.stage <> %s",  # noqa: S608
        [*params, Stage.CHURNED],
    )


def _leaving(rule: AlertRule, moment: Moment, candidates: list[int], catalogue: Catalogue) -> list[int]:
    """Return which of the accounts inside are known to have left: by the condition, as customers, or for good."""
    if not candidates:
        return []
    sql, params = matching_sql(leave_tree(rule), moment, ids=candidates, catalogue=catalogue).positional()
    found = _ids(
        "SELECT x.id FROM accounts_account x WHERE x.id = ANY(%s)"  # noqa: S608 -- compiled
        f" AND (x.deleted_at IS NOT NULL OR x.stage = %s OR x.id IN ({sql}))",
        [candidates, Stage.CHURNED, *params],
    )
    return sorted(found)


def _inside(rule: AlertRule, ids: Collection[int] | None) -> dict[int, str]:
    rows = Alert.objects.filter(rule=rule, left_at=None)
    if ids is not None:
        rows = rows.filter(account__in=list(ids))
    return dict(rows.values_list("account_id", "state"))


def _forget_waiting(rule: AlertRule, account_ids: list[int]) -> None:
    """Nobody has seen what waits: when it ends before its time, it never was."""
    if account_ids:
        Alert.objects.filter(rule=rule, left_at=None, state=AlertState.WAITING, account__in=account_ids).delete()


def _leave(rule: AlertRule, account_ids: list[int], now: datetime, reason: CloseReason = CloseReason.LEFT) -> int:
    """Take accounts out of a rule; alerts that are still open are closed and told. Returns how many were."""
    if not account_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH before AS (SELECT id, state, close_reason AS reason FROM health_alert WHERE rule_id = %(rule)s"
            " AND left_at IS NULL AND account_id = ANY(%(accounts)s) FOR UPDATE)"
            " UPDATE health_alert a SET left_at = %(now)s, state = 'closed',"
            " closed_at = coalesce(a.closed_at, %(now)s),"
            " close_reason = coalesce(nullif(before.reason, ''), %(reason)s), snoozed_until = NULL"
            " FROM before WHERE a.id = before.id RETURNING a.id, a.account_id, before.state",
            {"rule": rule.pk, "accounts": account_ids, "now": now, "reason": str(reason)},
        )
        rows = cursor.fetchall()
    told = [(pk, account) for pk, account, state in rows if state in {AlertState.OPEN, AlertState.ACKNOWLEDGED}]
    write_events(alert_event("alert.closed", rule, pk, account, now, reason=str(reason)) for pk, account in told)
    return len(told)


def _enter(rule: AlertRule, entering: list[int], now: datetime, *, is_quiet: bool | None, catalogue: Catalogue) -> int:
    if not entering:
        return 0
    quiet = {True: "true", False: "false", None: _quiet_sql(rule, catalogue)}[is_quiet]
    with connection.cursor() as cursor:
        cursor.execute(
            _ENTER.format(quiet=quiet),
            {
                "rule": rule.pk,
                "version": rule.number,
                "now": now,
                "since": rule.evaluated_at,
                "hold": rule.hold_days,
                "cooldown": rule.cooldown_days,
                "entering": entering,
                "backfill": Origin.BACKFILL,
                "live": Origin.LIVE,
                "own": OWN_EVENTS,
            },
        )
        return int(cursor.rowcount)


def _quiet_sql(rule: AlertRule, catalogue: Catalogue) -> str:
    """Return whether what brought account `x` into the rule is anything but live news."""
    reads_score = any(key.startswith("health_") for key in fields_of(enter_tree(rule), catalogue))
    return f"({_NEW_SCORE}) OR ({_HISTORY_CAME})" if reads_score else _HISTORY_CAME


def _raise_due(rule: AlertRule, matching: set[int], moment: Moment, catalogue: Catalogue) -> int:
    """Open what has waited long enough and still matches, with its evidence and its event."""
    now = moment.as_of
    waiting = Alert.objects.filter(rule=rule, state=AlertState.WAITING, left_at=None, due_at__lte=now)
    due = sorted(set(waiting.values_list("account_id", flat=True)) & matching)
    raised = 0
    for start in range(0, len(due), RAISE_BATCH):
        raised += _raise(rule, due[start : start + RAISE_BATCH], moment, catalogue)
    return raised


def _raise(rule: AlertRule, account_ids: list[int], moment: Moment, catalogue: Catalogue) -> int:
    now = moment.as_of
    found = evidence(rule, account_ids, moment, catalogue)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE health_alert a SET state = 'open', raised_at = %(now)s, rule_version = %(version)s,"
            " evidence = e.evidence FROM unnest(%(accounts)s::bigint[], %(evidence)s::jsonb[])"
            " AS e (account_id, evidence)"
            " WHERE a.rule_id = %(rule)s AND a.account_id = e.account_id AND a.left_at IS NULL AND a.state = 'waiting'"
            " RETURNING a.id, a.account_id",
            {
                "now": now,
                "version": rule.number,
                "accounts": account_ids,
                "evidence": [json.dumps(found[pk]) for pk in account_ids],
                "rule": rule.pk,
            },
        )
        raised = cursor.fetchall()
    return write_events(alert_event("alert.raised", rule, pk, account, now) for pk, account in raised)


def evidence(
    rule: AlertRule, account_ids: Collection[int], moment: Moment, catalogue: Catalogue | None = None
) -> dict[int, dict[str, Any]]:
    """Return by account why it matches, and what else was known then, as kept with an alert."""
    reasons = explain_many(enter_tree(rule), account_ids, moment, catalogue=catalogue, is_quick=True)
    accounts = Account.objects.in_bulk(account_ids)
    scores = {
        score.account_id: score
        for score in CurrentScore.objects.filter(account__in=list(account_ids), main_of=ScoreKind.HEALTH)
    }
    return {
        pk: {"lines": evidence_lines(reasons[pk]), "values": _values(accounts[pk], scores.get(pk))}
        for pk in account_ids
    }


def _values(account: Account, score: CurrentScore | None) -> dict[str, Any]:
    return {
        "score": None if score is None or score.score is None else float(score.score),
        "band": Band.UNKNOWN.word if score is None else score.band_word,
        "confidence": None if score is None else score.confidence,
        "arr": None if account.arr is None else str(account.arr),
        "renews_on": None if account.renews_on is None else account.renews_on.isoformat(),
    }


def alert_event(
    kind: str, rule: AlertRule, alert_id: int, account_id: int, now: datetime, **payload: object
) -> AccountEvent:
    """Return the unsaved event that tells what became of an alert."""
    return AccountEvent(
        kind=kind,
        account_id=account_id,
        occurred_at=now,
        recorded_at=now,
        payload={"alert_id": alert_id, "alert_rule_id": rule.pk, "alert_kind": rule.kind, **payload},
    )


def _ids(sql: str, params: Iterable[Any]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return {row[0] for row in cursor.fetchall()}

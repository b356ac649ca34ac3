"""Who churned: what became of accounts after a day, by all that is known today.

Backtests, override accuracy and "who was right" share these labels. Who is eligible is decided by
what was known as of the day, what became of them by what was recorded until now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, NamedTuple, get_args

from django.db import connection

from accounts.models.times import VISIBLE
from health.metrics.query import EVERYBODY, AccountSet, event_types
from health.usage.source import usage_source

DEFAULT_HORIZON_DAYS = 90
DEFAULT_ACTIVE_DAYS = 180
# Where a subscription follows another within these days, it was renewed late: nobody left.
LATE_RENEWAL_DAYS = 14
# How far back the last usage is looked for, a month at a time.
OLDEST_HISTORY_YEARS = 20

RuleKind = Literal["subscription", "any_subscription", "lapse"]
RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)


@dataclass(frozen=True)
class ChurnRule:
    """What counts as churn.

    "subscription": accounts with a running subscription at as_of; churned: the last one ended
    within (as_of + lead, as_of + lead + horizon]. Whoever left within the lead is not eligible.
    "any_subscription": the same accounts; churned: any subscription that ran then ended within it, and
    no other of its product began within LATE_RENEWAL_DAYS of that.
    "lapse": accounts with usage in the last `active_days` days before as_of; churned: no usage on
    the `horizon_days` days from as_of + lead on. `events`: the names that count as usage, empty: all.
    `complete_until`: the last day of which history is complete; None: the last day with facts.
    """

    kind: RuleKind = "subscription"
    horizon_days: int = DEFAULT_HORIZON_DAYS
    lead_days: int = 0
    active_days: int = DEFAULT_ACTIVE_DAYS
    events: tuple[str, ...] = ()
    complete_until: date | None = None

    def window(self, as_of: date) -> tuple[date, date]:
        """Return the days between which churn counts: after the first, up to the second."""
        start = as_of + timedelta(days=self.lead_days)
        return start, start + timedelta(days=self.horizon_days)


class Outcome(NamedTuple):
    """churned: None is unknown, since history ends before the horizon does.

    churned_on: the first day without a subscription, or the day on which `horizon_days` days without
    usage were complete (which may lie before as_of); None where it did not churn, or nobody knows.
    """

    churned: bool | None
    churned_on: date | None = None


def churn_outcomes(
    rule: ChurnRule, *, as_of: date, recorded_by: datetime, accounts: AccountSet = EVERYBODY
) -> dict[int, Outcome]:
    """Return the outcome of every eligible account, by account id. Others are not in it."""
    _, end = rule.window(as_of)
    yesterday = recorded_by.astimezone(UTC).date() - timedelta(days=1)
    complete_until = rule.complete_until or history_end(rule, recorded_by=recorded_by)
    # The day that is running may bring more.
    is_over = complete_until is not None and end <= min(complete_until, yesterday) + timedelta(days=1)
    outcomes = _OUTCOMES[rule.kind](rule, as_of, recorded_by, accounts)
    return outcomes if is_over else dict.fromkeys(outcomes, Outcome(None))


def history_end(rule: ChurnRule, *, recorded_by: datetime) -> date | None:
    """Return the last UTC day of which anything is known; None: nothing is.

    For a lapse usage alone tells: where no usage comes in, nobody can be said to have stopped.
    """
    last_use = _last_usage_day(recorded_by)
    if rule.kind == "lapse":
        return last_use
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(max(at) FILTER (WHERE at <= %(now)s)) FROM ("
            " SELECT max(occurred_at) FROM accounts_subscriptionchange WHERE occurred_at <= %(now)s"
            " UNION ALL SELECT max(occurred_at) FROM accounts_activity WHERE occurred_at <= %(now)s"
            " UNION ALL SELECT max(occurred_at) FROM accounts_ticket WHERE occurred_at <= %(now)s) facts (at)",
            {"now": recorded_by},
        )
        last_fact = cursor.fetchone()[0]
    days = [last_use, last_fact and last_fact.astimezone(UTC).date()]
    return max((day for day in days if day), default=None)


def _last_usage_day(recorded_by: datetime) -> date | None:
    """Look month by month, so that only the newest partition that holds anything is read."""
    until = recorded_by.astimezone(UTC).date() + timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM health_usageday WHERE day < %s)", [until])
        if not cursor.fetchone()[0]:
            return None
        for _ in range(OLDEST_HISTORY_YEARS * 12):
            since = (until - timedelta(days=1)).replace(day=1)
            cursor.execute("SELECT max(day) FROM health_usageday WHERE day >= %s AND day < %s", [since, until])
            if last := cursor.fetchone()[0]:
                return last  # type: ignore[no-any-return]
            until = since
    return None


def _subscription_outcomes(
    rule: ChurnRule, as_of: date, recorded_by: datetime, accounts: AccountSet
) -> dict[int, Outcome]:
    start, end = rule.window(as_of)
    rows = _rows(
        f"""
        WITH {_eligible_and_runs(accounts)}, gaps AS (
            SELECT *, started_on - {LATE_RENEWAL_DAYS} > max(ended_on) OVER (PARTITION BY account_id
                ORDER BY started_on, ended_on ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_after_gap
            FROM runs
        ), spells AS (
            SELECT account_id, started_on, ended_on, count(*) FILTER (WHERE is_after_gap) OVER (PARTITION BY account_id
                ORDER BY started_on, ended_on) AS spell
            FROM gaps
        )
        SELECT account_id, CASE WHEN isfinite(max(ended_on)) THEN max(ended_on) END FROM spells
        GROUP BY account_id, spell HAVING min(started_on) < %(on)s AND max(ended_on) > %(on)s
        """,  # noqa: S608
        _subscription_params(rule, as_of, recorded_by),
    )
    outcomes = {}
    for account_id, ended_on in rows:
        if ended_on is None or ended_on > end:
            outcomes[account_id] = Outcome(churned=False)
        elif ended_on > start:
            outcomes[account_id] = Outcome(True, ended_on)
    return outcomes


def _any_subscription_outcomes(
    rule: ChurnRule, as_of: date, recorded_by: datetime, accounts: AccountSet
) -> dict[int, Outcome]:
    start, end = rule.window(as_of)
    rows = _rows(
        f"""
        WITH {_eligible_and_runs(accounts)}
        SELECT account_id, min(ended_on) FILTER (WHERE ended_on > %(start)s AND ended_on <= %(last)s AND NOT EXISTS (
            SELECT FROM runs other WHERE other.account_id = runs.account_id AND other.id <> runs.id
                AND other.product_id IS NOT DISTINCT FROM runs.product_id
                AND abs(other.started_on - runs.ended_on) <= {LATE_RENEWAL_DAYS}
        ))
        FROM runs WHERE started_on < %(on)s AND ended_on > %(on)s GROUP BY account_id
        """,  # noqa: S608
        _subscription_params(rule, as_of, recorded_by) | {"start": start, "last": end},
    )
    return {
        account_id: Outcome(True, ended_on) if ended_on else Outcome(churned=False) for account_id, ended_on in rows
    }


def _subscription_params(rule: ChurnRule, as_of: date, recorded_by: datetime) -> dict[str, Any]:
    _, end = rule.window(as_of)
    told_until = _midnight(end + timedelta(days=1 + LATE_RENEWAL_DAYS))
    return _moments(as_of, recorded_by) | {"end": told_until, "on": as_of}


def _eligible_and_runs(accounts: AccountSet) -> str:
    """Return WITH queries: accounts that were customers by the terms known then, and until when by those known now."""
    then = _terms(VISIBLE.format(t="c"))
    now = _terms("c.occurred_at < %(end)s AND c.received_at <= %(recorded_by)s")
    return f"""
        eligible AS (
            SELECT DISTINCT s.account_id FROM accounts_subscription s JOIN ({then}) t ON t.subscription_id = s.id
            WHERE s.started_on < %(on)s AND (t.ended_on IS NULL OR t.ended_on > %(on)s)
                AND (s.deleted_at IS NULL OR s.deleted_at > %(recorded_by)s) AND {accounts.holds("s.account_id")}
        ), runs AS (
            SELECT s.id, s.account_id, s.product_id, s.started_on, coalesce(t.ended_on, 'infinity') AS ended_on
            FROM accounts_subscription s JOIN ({now}) t ON t.subscription_id = s.id
            WHERE s.account_id IN (SELECT account_id FROM eligible)
                AND (s.deleted_at IS NULL OR s.deleted_at > %(recorded_by)s)
        )"""  # noqa: S608 -- made of our own constants and checked ids


def _terms(condition: str) -> str:
    """Return SQL for the newest terms of each subscription among the changes that satisfy a condition."""
    return (
        f"SELECT DISTINCT ON (c.subscription_id) c.* FROM accounts_subscriptionchange c WHERE {condition}"  # noqa: S608
        " ORDER BY c.subscription_id, c.occurred_at DESC, c.id DESC"
    )


def _lapse_outcomes(rule: ChurnRule, as_of: date, recorded_by: datetime, accounts: AccountSet) -> dict[int, Outcome]:
    start, end = rule.window(as_of)
    only = event_types(rule.events, None) or "true"
    chosen = f"{usage_source(live=True)} u WHERE {accounts.holds('u.account_id')} AND {only}"
    active = _rows(
        f"SELECT u.account_id, max(u.day) FROM {chosen} AND u.day >= %(since)s GROUP BY u.account_id",  # noqa: S608
        _moments(as_of, recorded_by) | {"since": as_of - timedelta(days=rule.active_days)},
    )
    today = recorded_by.astimezone(UTC).date() + timedelta(days=1)
    later = _rows(
        "SELECT u.account_id, max(u.day) FILTER (WHERE u.day < %(start)s), coalesce(bool_or(u.day >= %(start)s), false)"  # noqa: S608
        f" FROM {chosen} AND u.day >= %(on)s AND u.day < %(end)s GROUP BY u.account_id",
        _moments(today, recorded_by) | {"on": as_of, "start": start, "end": end},
    )
    after = {account_id: (last, came_back) for account_id, last, came_back in later}
    outcomes = {}
    for account_id, last_before in active:
        last_in_lead, came_back = after.get(account_id, (None, False))
        silent_since = last_in_lead or last_before
        complete_on = silent_since + timedelta(days=1 + rule.horizon_days)
        outcomes[account_id] = Outcome(churned=False) if came_back else Outcome(True, complete_on)
    return outcomes


def _moments(as_of: date, recorded_by: datetime) -> dict[str, Any]:
    return {"as_of": _midnight(as_of), "recorded_by": recorded_by}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _rows(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


_OUTCOMES = {
    "subscription": _subscription_outcomes,
    "any_subscription": _any_subscription_outcomes,
    "lapse": _lapse_outcomes,
}

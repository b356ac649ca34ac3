"""Metrics over subscriptions: what is paid, for how many, until when, since when."""

from django.conf import settings

from accounts.models.times import VISIBLE
from health.enums import FeedKind
from health.metrics.query import TODAY, Column, Query, RowPass, quote
from health.metrics.registry import Metric, MetricUse, Scope, register

FAMILY = "Commercial"
FEEDS = frozenset({FeedKind.SUBSCRIPTIONS})
BY_PRODUCT = frozenset({"product"})
NONE_RUNS = "No subscription runs."


def running_subscriptions(query: Query, scope: Scope) -> RowPass:
    """Return the pass over the terms of subscriptions that run on the last day before as_of.

    Columns: account_id, mrr and rate (NULL: unknown; rate into the reporting currency), seats,
    renews_on, notice_on, since (when these terms began).
    """
    product = "" if scope.product is None else f" AND s.product_id = {scope.product}"
    return query.rows(
        "SELECT s.account_id, t.mrr, t.seats, t.renews_on, t.notice_on, t.occurred_at AS since,"
        f" CASE WHEN t.currency = {quote(settings.REPORTING_CURRENCY)} THEN 1 ELSE"
        " (SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = t.currency"
        f" AND x.on <= {TODAY} AND x.received_at <= %(recorded_by)s"
        " ORDER BY x.on DESC, x.received_at DESC LIMIT 1) END AS rate"
        " FROM accounts_subscription s JOIN (SELECT DISTINCT ON (c.subscription_id) c.*"
        f" FROM accounts_subscriptionchange c WHERE {VISIBLE.format(t='c')}"
        f"{_of_accounts(query)}"
        " ORDER BY c.subscription_id, c.occurred_at DESC, c.id DESC) t ON t.subscription_id = s.id"
        " WHERE (s.deleted_at IS NULL OR s.deleted_at > %(recorded_by)s)"
        f" AND s.started_on <= {TODAY} AND (t.ended_on IS NULL OR t.ended_on > {TODAY})"
        f" AND {query.accounts.holds('s.account_id')}{product}"
    )


def seats_pass(query: Query, use: MetricUse) -> RowPass:
    return running_subscriptions(query, use.scope)


def _of_accounts(query: Query) -> str:
    if query.accounts.is_everybody:
        return ""
    return (
        " AND c.subscription_id IN (SELECT id FROM accounts_subscription o"
        f" WHERE {query.accounts.holds('o.account_id')})"
    )


def _mrr(query: Query, use: MetricUse, times: int = 1) -> Column:
    running = running_subscriptions(query, use.scope)
    # One unknown amount or rate makes the sum unknown: a missing rate is never 1.
    total = running.column("CASE WHEN count(*) = count(r.mrr * r.rate) THEN sum(round(r.mrr * r.rate, 2)) END")
    return Column(f"{times} * {total}", running.column("max(r.since)"))


def _arr(query: Query, use: MetricUse) -> Column:
    return _mrr(query, use, times=12)


def _seats(query: Query, use: MetricUse) -> Column:
    running = running_subscriptions(query, use.scope)
    return Column(running.column("sum(r.seats)"), running.column("max(r.since)"))


def _days_to_renewal(query: Query, use: MetricUse) -> Column:
    running = running_subscriptions(query, use.scope)
    return Column(f"{running.column('min(r.renews_on)')} - {TODAY}", running.column("max(r.since)"))


def _days_to_notice(query: Query, use: MetricUse) -> Column:
    running = running_subscriptions(query, use.scope)
    next_notice = running.column(f"min(r.notice_on) FILTER (WHERE r.notice_on >= {TODAY})")
    return Column(f"{next_notice} - {TODAY}", running.column("max(r.since)"))


def _tenure(query: Query, _use: MetricUse) -> Column:
    first = query.rows(
        "SELECT s.account_id, c.occurred_at AS at FROM accounts_subscriptionchange c"
        f" JOIN accounts_subscription s ON s.id = c.subscription_id WHERE {VISIBLE.format(t='c')}"
        " AND (s.deleted_at IS NULL OR s.deleted_at > %(recorded_by)s)"
        f" AND {query.accounts.holds('s.account_id')}"
        " UNION ALL SELECT e.account_id, e.occurred_at FROM accounts_accountevent e"
        " WHERE e.kind = 'account.created' AND e.occurred_at < %(as_of)s AND e.recorded_at <= %(recorded_by)s"
        " AND (e.origin = 'backfill' OR e.recorded_at <= %(as_of)s)"
        f" AND {query.accounts.holds('e.account_id')}"
    ).column("min(r.at)")
    return Column(f"floor(extract(epoch FROM %(as_of)s - {first}) / 86400)", first)


register(
    Metric(
        "mrr", "MRR", "money a month", FAMILY,
        "Monthly recurring revenue of the running subscriptions, in the reporting currency.",
        f"{NONE_RUNS[:-1]}, or an amount or exchange rate is missing.", _mrr, (), BY_PRODUCT, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "arr", "ARR", "money a year", FAMILY,
        "Annual recurring revenue: MRR times twelve.",
        f"{NONE_RUNS[:-1]}, or an amount or exchange rate is missing.", _arr, (), BY_PRODUCT, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "seats", "Seats bought", "seats", FAMILY,
        "Seats of the running subscriptions.",
        f"{NONE_RUNS[:-1]}, or none of them counts seats.", _seats, (), BY_PRODUCT, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "days_to_renewal", "Days to renewal", "days", FAMILY,
        "Days to the earliest renewal of a running subscription; below 0 when it is overdue.",
        "No running subscription has a renewal date.", _days_to_renewal, (), BY_PRODUCT, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "days_to_notice", "Days to notice deadline", "days", FAMILY,
        "Days to the next last day on which a running subscription can be cancelled.",
        "No running subscription has a notice deadline ahead.", _days_to_notice, (), BY_PRODUCT, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "tenure_days", "Tenure", "days", FAMILY,
        "Days since the first subscription began or the account was created, whichever came first.",
        "Neither is known.", _tenure,
    )
)  # fmt: skip

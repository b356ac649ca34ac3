"""Metrics over tickets: how many wait, how long people wait, what had to be opened again.

A ticket is in the state of its newest change before as_of, whatever it became later. An account
without tickets counts 0 as soon as anybody's tickets are known, else it is unknown.
"""

from accounts.enums import Priority, TicketStatus
from accounts.models.times import VISIBLE, VISIBLE_LIVE
from health.enums import FeedKind
from health.metrics.query import Column, Query, RowPass
from health.metrics.registry import Metric, MetricUse, Parameter, register
from health.metrics.usage import window

FAMILY = "Support"
FEEDS = frozenset({FeedKind.TICKETS})
PEOPLE = frozenset({"persona", "role", "product"})
RESOLVED = f"('{TicketStatus.SOLVED}', '{TicketStatus.CLOSED}')"
NO_TICKETS = "No help desk sends tickets yet."
ANY_TICKET = f"(SELECT EXISTS (SELECT FROM accounts_ticket x WHERE {VISIBLE_LIVE.format(t='x')}))"


def tickets(query: Query, use: MetricUse) -> RowPass:
    """Return the pass over tickets as they were known.

    Columns: account_id, opened_at, is_resolved, is_escalated, is_urgent, changed_at, first_responded_at,
    resolved_at (start of the last time it was resolved), reopened_at (last time), all NULL if never.
    """
    scope = query.in_scope(use.scope, "t")
    product = "" if use.scope.product is None else f" AND t.product_id = {use.scope.product}"
    some = query.accounts.holds("t.account_id")
    among = (
        "" if query.accounts.is_everybody else f" AND c.ticket_id IN (SELECT t.id FROM accounts_ticket t WHERE {some})"
    )
    resolved = f"status IN {RESOLVED}"
    changes = (
        "SELECT c.ticket_id, c.occurred_at, c.is_escalated, c.is_first_response,"
        f" c.priority = '{Priority.URGENT}' AS is_urgent,"
        f" c.{resolved} AS is_resolved,"
        f" lag(c.{resolved}, 1, false) OVER w AS was_resolved, lead(c.id) OVER w IS NULL AS is_last"
        f" FROM accounts_ticketchange c WHERE {VISIBLE.format(t='c')}{among}"
        " WINDOW w AS (PARTITION BY c.ticket_id ORDER BY c.occurred_at, c.id)"
    )
    states = (
        "SELECT h.ticket_id, bool_or(h.is_resolved) FILTER (WHERE h.is_last) AS is_resolved,"
        " bool_or(h.is_escalated) FILTER (WHERE h.is_last) AS is_escalated,"
        " bool_or(h.is_urgent) FILTER (WHERE h.is_last) AS is_urgent, max(h.occurred_at) AS changed_at,"
        " min(h.occurred_at) FILTER (WHERE h.is_first_response) AS first_responded_at,"
        " max(h.occurred_at) FILTER (WHERE h.is_resolved AND NOT h.was_resolved) AS resolved_at,"
        " max(h.occurred_at) FILTER (WHERE h.was_resolved AND NOT h.is_resolved) AS reopened_at"
        f" FROM ({changes}) h GROUP BY h.ticket_id"
    )
    return query.rows(
        "SELECT t.account_id, t.occurred_at AS opened_at, s.* FROM accounts_ticket t"
        f" JOIN ({states}) s ON s.ticket_id = t.id"
        f" WHERE {VISIBLE_LIVE.format(t='t')} AND {some}{product} AND {scope}"
    )


def _count(query: Query, use: MetricUse, only: str) -> Column:
    rows = tickets(query, use)
    number = rows.column(f"count(*) FILTER (WHERE {only})")
    return Column(f"coalesce({number}, CASE WHEN {ANY_TICKET} THEN 0 END)", rows.column("max(r.changed_at)"))


def _open(query: Query, use: MetricUse) -> Column:
    return _count(query, use, "NOT r.is_resolved")


def _escalated(query: Query, use: MetricUse) -> Column:
    return _count(query, use, "NOT r.is_resolved AND r.is_escalated")


def _grave(query: Query, use: MetricUse) -> Column:
    return _count(query, use, "NOT r.is_resolved AND (r.is_escalated OR r.is_urgent)")


def _reopened(query: Query, use: MetricUse) -> Column:
    return _count(query, use, _within("r.reopened_at", use))


def _oldest_open(query: Query, use: MetricUse) -> Column:
    rows = tickets(query, use)
    oldest = rows.column("min(r.opened_at) FILTER (WHERE NOT r.is_resolved)")
    return Column(f"extract(epoch FROM %(as_of)s - {oldest}) / 86400", rows.column("max(r.changed_at)"))


def _wait(query: Query, use: MetricUse, until: str, only: str = "true") -> Column:
    """Return the mean hours from opening to `until`, over those that ended within the window."""
    rows = tickets(query, use)
    these = f"FILTER (WHERE {_within(until, use)} AND {only})"
    hours = rows.column(f"avg(extract(epoch FROM {until} - r.opened_at) / 3600) {these}")
    return Column(hours, rows.column(f"max({until}) {these}"))


def _first_response(query: Query, use: MetricUse) -> Column:
    return _wait(query, use, "r.first_responded_at")


def _resolution(query: Query, use: MetricUse) -> Column:
    return _wait(query, use, "r.resolved_at", "r.is_resolved")


def _within(moment: str, use: MetricUse) -> str:
    return f"{moment} >= %(as_of)s - interval '{use['days']} days'"


WINDOW: tuple[Parameter, ...] = (window(90),)

register(
    Metric(
        "open_tickets", "Open tickets", "tickets", FAMILY,
        "Tickets that are neither solved nor closed.",
        NO_TICKETS, _open, (), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "escalated_tickets", "Escalated tickets", "tickets", FAMILY,
        "Open tickets that are escalated.",
        NO_TICKETS, _escalated, (), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "grave_tickets", "Grave incidents", "tickets", FAMILY,
        "Open tickets that are escalated or urgent.",
        NO_TICKETS, _grave, (), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "oldest_open_ticket", "Age of the oldest open ticket", "days", FAMILY,
        "Days since the oldest open ticket was opened.",
        "No ticket is open.", _oldest_open, (), PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "first_response_hours", "Time to first response", "hours", FAMILY,
        "Mean hours from opening to our first response, over first responses in the window.",
        "No first response in the window.", _first_response, WINDOW, PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "resolution_hours", "Time to resolution", "hours", FAMILY,
        "Mean hours from opening to solved, over tickets solved in the window and still solved.",
        "No ticket was solved in the window.", _resolution, WINDOW, PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "reopened_tickets", "Reopened tickets", "tickets", FAMILY,
        "Tickets that were opened again in the window after having been solved.",
        NO_TICKETS, _reopened, WINDOW, PEOPLE, feeds=FEEDS,
    )
)  # fmt: skip

"""Metrics over the relationship: contacts and their roles, our activities with the account."""

from accounts.enums import Initiative
from accounts.models.times import MEMBER, VISIBLE, VISIBLE_LIVE
from health.enums import FeedKind
from health.metrics.query import Column, Query, RowPass, quote
from health.metrics.registry import Metric, MetricUse, Parameter, register
from health.metrics.usage import window
from team.enums import Function

FAMILY = "Relationship"
FEEDS = frozenset({FeedKind.ACTIVITIES})
ANYBODY = f"(SELECT EXISTS (SELECT FROM accounts_membership x WHERE {MEMBER.format(t='x')}))"
FUNCTION = Parameter(
    "function", "Function", "choice", choices={str(f.value): str(f.label) for f in Function}, help="Empty for all."
)
INITIATIVE = Parameter(
    "initiative", "Initiative", "choice", choices={str(i.value): str(i.label) for i in Initiative},
    help="Empty for both.",
)  # fmt: skip

SUCCESSION = Parameter(
    "succession", "Succession", "choice", choices={"open": "Only while nobody has their role"},
    help="Empty counts them even when somebody has taken over.",
)  # fmt: skip


def activities(query: Query) -> RowPass:
    """Return the pass over activities; an edit counts from when it was made.

    Columns: account_id, occurred_at, function, initiative ('' when nobody knows who acted first).
    """
    return query.rows(
        "SELECT a.account_id, a.occurred_at, a.function, coalesce((SELECT v.initiative FROM accounts_activityrevision v"
        " WHERE v.activity_id = a.id AND v.edited_at > %(recorded_by)s ORDER BY v.edited_at, v.id LIMIT 1),"
        f" a.initiative) AS initiative FROM accounts_activity a WHERE {VISIBLE_LIVE.format(t='a')}"
        f" AND {query.accounts.holds('a.account_id')}"
    )


def _these(use: MetricUse) -> str:
    """Return the condition that row `r` is an activity of the function and initiative asked for."""
    conditions = [f"r.{key} = {quote(str(value))}" for key, value in use.params if key != "days" and value]
    return " AND ".join(conditions) or "true"


def _recent(use: MetricUse) -> str:
    return f"r.occurred_at >= %(as_of)s - interval '{use['days']} days'"


def _days_since_activity(query: Query, use: MetricUse) -> Column:
    last = activities(query).column(f"max(r.occurred_at) FILTER (WHERE {_these(use)})")
    return Column(f"floor(extract(epoch FROM %(as_of)s - {last}) / 86400)", last)


def _activity_count(query: Query, use: MetricUse) -> Column:
    rows = activities(query)
    count = rows.column(f"count(*) FILTER (WHERE {_recent(use)} AND {_these(use)})")
    return Column(count, rows.column("max(r.occurred_at)"))


def _proactive_share(query: Query, use: MetricUse) -> Column:
    rows = activities(query)
    told = f"{_recent(use)} AND {_these(use)} AND r.initiative <> ''"
    share = f"100 * avg((r.initiative = '{Initiative.PROACTIVE}')::int) FILTER (WHERE {told})"
    return Column(rows.column(share), rows.column(f"max(r.occurred_at) FILTER (WHERE {told})"))


def _contacts(query: Query, use: MetricUse) -> Column:
    members = query.rows(
        "SELECT m.account_id, m.contact_id, m.occurred_at FROM accounts_membership m"
        " JOIN accounts_contact c ON c.id = m.contact_id"
        f" WHERE {MEMBER.format(t='m')} AND {query.accounts.holds('m.account_id')}"
        " AND (c.deleted_at IS NULL OR c.deleted_at > %(recorded_by)s)"
        f" AND {query.in_scope(use.scope, 'm')}"
    )
    number = members.column("count(DISTINCT r.contact_id)")
    return Column(f"coalesce({number}, CASE WHEN {ANYBODY} THEN 0 END)", members.column("max(r.occurred_at)"))


def _people_left(query: Query, use: MetricUse) -> Column:
    """Count the contacts whose last membership ended, with the role they had then."""
    role = f" AND r.role = {quote(use.scope.role)}" if use.scope.role else ""
    vacant = " AND NOT r.is_succeeded" if use["succession"] else ""
    window = f"FILTER (WHERE r.left_at >= %(as_of)s - interval '{use['days']} days'{role}{vacant})"
    left = query.rows(
        "SELECT m.account_id, m.contact_id, m.role, m.until AS left_at,"
        " EXISTS (SELECT FROM accounts_membership o WHERE o.account_id = m.account_id AND o.role = m.role"
        f" AND {MEMBER.format(t='o')}) AS is_succeeded FROM accounts_membership m"
        f" WHERE {VISIBLE.format(t='m')} AND NOT ({MEMBER.format(t='m')})"
        f" AND {query.accounts.holds('m.account_id')} AND NOT EXISTS (SELECT FROM accounts_membership o"
        f" WHERE o.account_id = m.account_id AND o.contact_id = m.contact_id AND {MEMBER.format(t='o')})"
    )
    number = left.column(f"count(DISTINCT r.contact_id) {window}")
    return Column(f"coalesce({number}, CASE WHEN {ANYBODY} THEN 0 END)", left.column(f"max(r.left_at) {window}"))


register(
    Metric(
        "people_left", "People who left", "people", FAMILY,
        "How many people left the account in the window; with a role, for example how many champions.",
        "No contacts are known anywhere yet.",
        _people_left, (window(90), SUCCESSION), frozenset({"role"}),
    )
)  # fmt: skip
register(
    Metric(
        "contacts", "Contacts", "people", FAMILY,
        "How many people belong to the account; with a role, for example how many champions.",
        "No contacts are known anywhere yet.",
        _contacts, (), frozenset({"persona", "role"}),
    )
)  # fmt: skip
register(
    Metric(
        "days_since_activity", "Days since last activity", "days", FAMILY,
        "Whole days since our last call, mail, meeting, chat or note; proactive ones only, if asked.",
        "No such activity is known.", _days_since_activity, (FUNCTION, INITIATIVE), feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "activity_count", "Activities", "activities", FAMILY,
        "How many activities there were in the window.",
        "No activity with the account is known.", _activity_count, (window(90), FUNCTION, INITIATIVE),
        feeds=FEEDS,
    )
)  # fmt: skip
register(
    Metric(
        "proactive_share", "Share of proactive activities", "%", FAMILY,
        "Activities in which we acted first, as a share of those where it is known.",
        "No such activity in the window.", _proactive_share, (window(90), FUNCTION), feeds=FEEDS,
    )
)  # fmt: skip

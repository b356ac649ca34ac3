"""Metrics over the people inside an account: who is active, which roles are held, what rests on one person.

`single_thread` and health/people.py follow one rule; tests/health/test_people.py holds them together.
"""

from accounts.enums import ActivityKind, ContactRole
from accounts.models.times import MEMBER, VISIBLE_LIVE
from health.enums import FeedKind
from health.metrics.query import AS_OF_DAY, Column, Query, RowPass
from health.metrics.registry import Metric, MetricUse, Parameter, Scope, register
from health.metrics.relationship import ANYBODY
from health.metrics.usage import NEVER, window
from health.people import KEY_ROLES, MOST_USE_SHARE, QUIET_DAYS, SENIOR_ROLES
from health.usage.source import usage_source

FAMILY = "People"


def _members(query: Query, scope: Scope) -> str:
    """Return SQL for the people of accounts as of then: account_id, contact_id, roles, since."""
    return (
        "SELECT m.account_id, m.contact_id, array_agg(m.role::text) AS roles, max(m.occurred_at) AS since"
        " FROM accounts_membership m JOIN accounts_contact c ON c.id = m.contact_id"
        f" WHERE {MEMBER.format(t='m')} AND {query.accounts.holds('m.account_id')}"
        " AND (c.deleted_at IS NULL OR c.deleted_at > %(recorded_by)s)"
        f" AND {query.in_scope(scope, 'm')} GROUP BY m.account_id, m.contact_id"
    )


def _uses(query: Query, days: int) -> str:
    """Return SQL for who used the product in the last `days`: account_id, contact_id, uses, last_on."""
    return (
        "SELECT u.account_id, u.contact_id, sum(u.count) AS uses, max(u.day) AS last_on"
        f" FROM {usage_source(live=query.live)} u WHERE u.day >= {AS_OF_DAY} - {days} AND u.contact_id <> 0"
        f" AND {query.accounts.holds('u.account_id')} GROUP BY u.account_id, u.contact_id"
    )


def _touches(query: Query, days: int) -> str:
    """Return SQL for whom we spoke or wrote with in the last `days`: account_id, contact_id, touched_at."""
    now = "JOIN accounts_activity_contacts l ON l.activity_id = a.id"
    # An edit may have changed since who took part.
    then = (
        "CROSS JOIN LATERAL unnest(coalesce((SELECT v.contact_ids FROM accounts_activityrevision v"
        " WHERE v.activity_id = a.id AND v.contact_ids IS NOT NULL AND v.edited_at > %(recorded_by)s"
        " ORDER BY v.edited_at, v.id LIMIT 1), ARRAY(SELECT x.contact_id FROM accounts_activity_contacts x"
        " WHERE x.activity_id = a.id))) AS l (contact_id)"
    )
    return (
        "SELECT a.account_id, l.contact_id, max(a.occurred_at) AS touched_at"
        f" FROM accounts_activity a {now if query.live else then}"
        f" WHERE {VISIBLE_LIVE.format(t='a')} AND a.kind <> '{ActivityKind.NOTE}'"
        f" AND a.occurred_at >= %(as_of)s - interval '{days} days' AND {query.accounts.holds('a.account_id')}"
        " GROUP BY a.account_id, l.contact_id"
    )


def _active_share(query: Query, use: MetricUse) -> Column:
    people = query.rows(
        "SELECT m.account_id, m.contact_id, u.uses"
        f" FROM ({_members(query, use.scope)}) m LEFT JOIN ({_uses(query, use['days'])}) u"
        " ON u.account_id = m.account_id AND u.contact_id = m.contact_id"
    )
    last = query.last_usage_day()
    share = people.column("100.0 * count(r.uses) / count(*)")
    return Column(f"CASE WHEN {last} IS NOT NULL THEN {share} END", f"({last} + 1)::timestamp AT TIME ZONE 'UTC'")


def _threads(query: Query, use: MetricUse) -> RowPass:
    return query.rows(
        "SELECT m.account_id, m.contact_id, m.roles, u.uses, u.last_on, t.touched_at"
        f" FROM ({_members(query, Scope())}) m LEFT JOIN ({_uses(query, use['days'])}) u"
        " ON u.account_id = m.account_id AND u.contact_id = m.contact_id"
        f" LEFT JOIN ({_touches(query, use['days'])}) t"
        " ON t.account_id = m.account_id AND t.contact_id = m.contact_id"
    )


def _single_thread(query: Query, use: MetricUse) -> Column:
    people = _threads(query, use)
    quiet = use["quiet"]
    is_active = f"(r.last_on >= {AS_OF_DAY} - {quiet} OR r.touched_at >= %(as_of)s - interval '{quiet} days')"
    touched = people.column("count(r.touched_at)")
    uses = people.column("coalesce(sum(r.uses), 0)")
    theirs = people.column("coalesce(sum(r.uses) FILTER (WHERE r.touched_at IS NOT NULL), 0)")
    champions = people.column(f"count(*) FILTER (WHERE '{ContactRole.CHAMPION}' = ANY(r.roles))")
    seniors = people.column(f"count(*) FILTER (WHERE r.roles && {_array(SENIOR_ROLES)} AND {is_active})")
    value = (
        f"CASE WHEN {touched} = 0 AND {uses} = 0 THEN NULL"
        f" WHEN {touched} = 1 AND {theirs} >= {MOST_USE_SHARE} * {uses} THEN 1"
        f" WHEN {champions} > 0 AND {seniors} = 0 THEN 1 WHEN {touched} >= 0 THEN 0 END"
    )
    newest = people.column("greatest(max(r.touched_at), (max(r.last_on) + 1)::timestamp AT TIME ZONE 'UTC')")
    return Column(value, newest)


def _roles_covered(query: Query, use: MetricUse) -> Column:
    people = query.rows(_members(query, Scope()))
    held = " + ".join(people.column(f"coalesce(bool_or('{role}' = ANY(r.roles)), false)::int") for role in KEY_ROLES)
    return Column(f"coalesce({held}, CASE WHEN {ANYBODY} THEN 0 END)", people.column("max(r.since)"))


def _array(roles: tuple[str, ...]) -> str:
    return "'{" + ",".join(roles) + "}'::text[]"


register(
    Metric(
        "people_active", "Active share of people", "%", FAMILY,
        "How many of the people, for example of the champions, used the product in the window.",
        f"Nobody holds the role, or: {NEVER[0].lower()}{NEVER[1:]}", _active_share, (window(28),),
        frozenset({"persona", "role"}), feeds=frozenset({FeedKind.USAGE}),
    )
)  # fmt: skip
register(
    Metric(
        "single_thread", "Rests on one person", "", FAMILY,
        "1 if it does, else 0: all our contact in the window was with one person who also made most of the use; or"
        " the champion is quiet, and so is everybody else who is senior (champion, economic buyer, admin).",
        "In the window there was neither contact nor use by anybody known.", _single_thread,
        (
            window(90),
            Parameter(
                "quiet", "Quiet after", default=QUIET_DAYS, unit="days", minimum=1, maximum=365,
                help="Without use and contact for longer, somebody is quiet.",
            ),
        ),
        feeds=frozenset({FeedKind.USAGE, FeedKind.ACTIVITIES}),
    )
)  # fmt: skip
register(
    Metric(
        "roles_covered", "Roles held", "of 4", FAMILY,
        "How many of champion, economic buyer, admin and end user somebody holds.",
        "No contacts are known anywhere yet.", _roles_covered,
    )
)  # fmt: skip

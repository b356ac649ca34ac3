"""Incidents: opened when a feed of data stops or collapses, closed when it is back or by a person."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from accounts.errors import InvalidInput
from health.enums import Closing, FeedKind, Opening
from health.feeds import FACTS, Feed, dependents, feeds, open_incidents, volumes
from health.incidents import HISTORY_WEEKS, HOUR, NEEDED_HOURS, Volume, find_collapse, is_back
from health.models import FeedHour, Incident
from health.services.scores import score_everybody
from health.usage.moment import take_write_moment
from team.models import User
from team.permissions import check_can_configure
from team.security import log_security

logger = logging.getLogger(__name__)

KEEP_HOURS_DAYS = 400
# Transactions that count were open for less than this.
LATE_COUNT_HOURS = 2
# More accounts than this are scored in chunks rather than one batch after the other.
MANY_ACCOUNTS = 10_000
MAX_REASON_LENGTH = 300
OLDEST_DECLARED_DAYS = 90
SWITCHED_OFF = "The source is switched off."


@dataclass(frozen=True)
class CheckReport:
    opened: int = 0
    closed: int = 0


def check_feeds(*, now: datetime) -> CheckReport:
    """Open an incident for each feed that has collapsed, and close those of feeds that are back."""
    count_facts(now=now)
    running = {(incident.kind, incident.key): incident for incident in open_incidents()}
    oldest = min((incident.collapsed_since for incident in running.values()), default=None)
    since = None if oldest is None else oldest - timedelta(weeks=HISTORY_WEEKS + 1)
    found = volumes(now, since=since)
    last = _last_incidents()
    opened = closed = 0
    for feed in feeds():
        key = (feed.kind.value, feed.key)
        volume = found.get(key) or Volume([], now)
        if incident := running.get(key):
            closed += _close_if_over(incident, feed, volume)
        elif not feed.is_switched_off:
            opened += _open_if_collapsed(feed, volume, last.get(key), now)
    return CheckReport(opened, closed)


@transaction.atomic
def declare_incident(
    *, feed: Feed, collapsed_since: datetime, reason: str, now: datetime, actor: User | None
) -> Incident:
    """Say that a feed has not told the truth since a time; it stays open until a person closes it.

    `actor` None: an API key that may. Raises InvalidInput and PermissionDenied.
    """
    _check_actor(actor)
    reason = _reason(reason)
    if not now - timedelta(days=OLDEST_DECLARED_DAYS) <= collapsed_since <= now:
        raise InvalidInput(f"Give a time of the last {OLDEST_DECLARED_DAYS} days that has passed.", "collapsed_since")
    incident = _open(feed, collapsed_since, how=Opening.DECLARED, reason=reason, actor=actor)
    if incident is None:
        raise InvalidInput(f"There is an open incident of {feed.label} already.", "feed")
    log_security(kind="incident.declared", now=now, user=actor, subject=incident.name, detail={"reason": reason})
    return incident


@transaction.atomic
def close_incident(*, incident: Incident, reason: str, now: datetime, actor: User | None) -> Incident:
    """End the freeze by hand, for example because a feed was turned off on purpose.

    The feed is left alone until its volume has been usual again. Raises InvalidInput and PermissionDenied.
    """
    _check_actor(actor)
    reason = _reason(reason)
    if not _close(incident, how=Closing.PERSON, reason=reason, actor=actor):
        raise InvalidInput("This incident is closed already.")
    log_security(kind="incident.closed", now=now, user=actor, subject=incident.name, detail={"reason": reason})
    incident.refresh_from_db()
    return incident


def count_facts(*, now: datetime) -> None:
    """Count what arrived of tickets, surveys, activities and subscriptions by system and hour since it last was.

    Usage is counted as it is recorded.
    """
    first = now - NEEDED_HOURS * HOUR
    newest = dict(
        FeedHour.objects.exclude(kind=FeedKind.USAGE)
        .order_by("kind", "-hour")
        .distinct("kind")
        .values_list("kind", "hour")
    )
    with connection.cursor() as cursor:
        for kind, facts in FACTS.items():
            cursor.execute(
                "INSERT INTO health_feedhour AS old (kind, key, hour, count)"  # noqa: S608 -- names of ours
                " SELECT %(kind)s, x.system, date_trunc('hour', f.received_at, 'UTC'), count(*)"
                f" FROM {facts.rows} f JOIN accounts_externalid x"
                f" ON x.entity = %(entity)s AND x.object_id = f.{facts.owner}"
                " WHERE f.received_at >= %(since)s AND f.known_at = f.received_at GROUP BY 2, 3"
                " ON CONFLICT (kind, key, hour) DO UPDATE SET count = excluded.count"
                " WHERE old.count <> excluded.count",
                {
                    "kind": kind,
                    "entity": facts.entity,
                    "since": max(first, newest.get(kind, first) - LATE_COUNT_HOURS * HOUR),
                },
            )
        cursor.execute("DELETE FROM health_feedhour WHERE hour < %s", [now - timedelta(days=KEEP_HOURS_DAYS)])


def _last_incidents() -> dict[tuple[str, str], Incident]:
    rows = Incident.objects.order_by("kind", "key", "-opened_at", "-id").distinct("kind", "key")
    return {(incident.kind, incident.key): incident for incident in rows}


def _open_if_collapsed(feed: Feed, volume: Volume, last: Incident | None, now: datetime) -> bool:
    settled_at = None
    if last is not None and last.closed_how == Closing.VOLUME:
        settled_at = last.closed_at
    elif last is not None:
        settled_at = last.recovered_at
        if settled_at is None:
            if find_collapse(volume) is None:
                Incident.objects.filter(pk=last.pk, recovered_at=None).update(recovered_at=now)
            return False
    collapse = find_collapse(volume, after=settled_at)
    if collapse is None:
        return False
    incident = _open(feed, collapse.since, how=Opening.DETECTED, finding=collapse.words)
    if incident is not None:
        logger.warning("The feed %s has collapsed: %s.", feed.token, collapse.words)
    return incident is not None


def _close_if_over(incident: Incident, feed: Feed, volume: Volume) -> bool:
    if incident.opened_how == Opening.DECLARED:
        return False
    if feed.is_switched_off:
        return _close(incident, how=Closing.PERSON, reason=SWITCHED_OFF)
    return is_back(volume, incident.collapsed_since) and _close(incident, how=Closing.VOLUME)


@transaction.atomic
def _open(
    feed: Feed,
    since: datetime,
    *,
    how: Opening,
    finding: str = "",
    reason: str = "",
    actor: User | None = None,
) -> Incident | None:
    """Open an incident and hold the accounts that live on the feed; None when there is one already."""
    opened_at = take_write_moment()
    if Incident.objects.filter(kind=feed.kind, key=feed.key, closed_at=None).exists():
        return None
    incident = Incident.objects.create(
        kind=feed.kind,
        key=feed.key,
        name=feed.name,
        source=feed.source,
        product_id=None if feed.source is None else feed.source.product_id,
        collapsed_since=min(since, opened_at),
        finding=finding,
        opened_at=opened_at,
        opened_how=how,
        opened_by=actor,
        reason=reason,
    )
    accounts = dependents(feed.kind, feed.key, collapsed_since=incident.collapsed_since)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO health_incidentaccount (incident_id, account_id)"  # noqa: S608 -- SQL of ours
            f" SELECT %(incident)s, account_id FROM ({accounts.text}) live",
            accounts.params | {"incident": incident.pk},
        )
    _score_again(incident, opened_at)
    return incident


@transaction.atomic
def _close(incident: Incident, *, how: Closing, reason: str = "", actor: User | None = None) -> bool:
    """End an incident; return whether it was still open."""
    closed_at = take_write_moment()
    changed = Incident.objects.filter(pk=incident.pk, closed_at=None).update(
        closed_at=closed_at, closed_how=how, closed_by=actor, closing_reason=reason
    )
    if changed:
        _score_again(incident, closed_at)
    return bool(changed)


def _score_again(incident: Incident, moment: datetime) -> None:
    """Make it due to score the accounts of an incident, in the caller's transaction."""
    if incident.held.count() > MANY_ACCOUNTS:
        score_everybody(now=moment)
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO health_dirtyaccount (account_id, since, marked_at)"
            " SELECT account_id, %(now)s, %(now)s FROM health_incidentaccount WHERE incident_id = %(incident)s"
            " ORDER BY account_id ON CONFLICT (account_id) DO UPDATE SET marked_at = excluded.marked_at",
            {"now": moment, "incident": incident.pk},
        )


def _check_actor(actor: User | None) -> None:
    if actor is not None:
        check_can_configure(actor)


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON_LENGTH or "\x00" in reason:
        raise InvalidInput(f"Say why in 1 to {MAX_REASON_LENGTH} characters.", "reason")
    return reason

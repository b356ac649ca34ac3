"""What feeds of data there are, what each sent lately, and which accounts live on it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from accounts.conditions import Sql
from accounts.enums import Entity
from health.enums import FeedKind
from health.incidents import HOUR, NEEDED_HOURS, Volume
from health.models import FeedHour, Incident, Source

# An account lives on a source of usage that told about it within this time before the collapse.
DEPENDENT_DAYS = 28


@dataclass(frozen=True)
class Facts:
    """Where the rows of a kind of feed are: their external ids name the system they came from.

    `rows`: a FROM item `f` with received_at and known_at; `owner`: its column with the id of the row that
    other systems name; `table`: the table of such rows, which have an account.
    """

    entity: Entity
    rows: str
    owner: str
    table: str


FACTS = {
    FeedKind.TICKETS: Facts(Entity.TICKET, "accounts_ticketchange", "ticket_id", "accounts_ticket"),
    FeedKind.SURVEYS: Facts(Entity.SURVEY_RESPONSE, "accounts_surveyresponse", "id", "accounts_surveyresponse"),
    FeedKind.ACTIVITIES: Facts(Entity.ACTIVITY, "accounts_activity", "id", "accounts_activity"),
    FeedKind.SUBSCRIPTIONS: Facts(
        Entity.SUBSCRIPTION, "accounts_subscriptionchange", "subscription_id", "accounts_subscription"
    ),
}


@dataclass(frozen=True)
class Feed:
    """`name`: as people know it. `source` only of usage."""

    kind: FeedKind
    key: str
    name: str
    source: Source | None = None

    @property
    def token(self) -> str:
        """The feed as one word, for forms."""
        return f"{self.kind}:{self.key}"

    @property
    def label(self) -> str:
        return f"{self.name} ({self.kind.label.lower()})"

    @property
    def is_switched_off(self) -> bool:
        return self.source is not None and not self.source.is_enabled


def feeds() -> list[Feed]:
    """Return every feed that ever sent anything live, by kind and name. Two queries."""
    sources = Source.objects.in_bulk()
    found = []
    for kind, key in FeedHour.objects.values_list("kind", "key").distinct():
        if kind != FeedKind.USAGE:
            found.append(Feed(FeedKind(kind), key, key))
        elif source := sources.get(int(key)):
            found.append(Feed(FeedKind.USAGE, key, source.name, source))
    order = list(FeedKind)
    return sorted(found, key=lambda feed: (order.index(feed.kind), feed.name.lower(), feed.key))


def volumes(now: datetime, *, since: datetime | None = None) -> dict[tuple[str, str], Volume]:
    """Return what each feed sent by the hour, up to the last whole one, by (kind, key). Two queries.

    Goes back as far as judging needs, or to `since`. Bodies that wait for a worker have arrived too.
    """
    until = _hour(now)
    start = until - NEEDED_HOURS * HOUR
    start = start if since is None else min(start, _hour(since))
    length = int((until - start) / HOUR)
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * length)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, key, hour, count FROM health_feedhour WHERE hour >= %s AND hour < %s", [start, until]
        )
        _add(counts, cursor.fetchall(), start)
        cursor.execute(
            "SELECT 'usage', source_id::text, date_trunc('hour', received_at, 'UTC'), sum(event_count)::int"
            " FROM health_ingestbatch WHERE processed_at IS NULL AND NOT is_backfill"
            " AND received_at >= %s AND received_at < %s GROUP BY 2, 3",
            [start, until],
        )
        _add(counts, cursor.fetchall(), start)
    return {key: Volume(hours, until) for key, hours in counts.items()}


def dependents(kind: FeedKind, key: str, *, collapsed_since: datetime) -> Sql:
    """Return SQL for the accounts that live on a feed: column account_id.

    Of usage those it told about in the weeks before, of everything else those that have rows of it.
    """
    if kind is FeedKind.USAGE:
        return Sql(
            "SELECT s.account_id FROM health_accountsource s JOIN accounts_account a ON a.id = s.account_id"
            " WHERE s.source_id = %(source)s AND s.last_on >= %(first)s AND a.deleted_at IS NULL",
            {"source": int(key), "first": collapsed_since.date() - timedelta(days=DEPENDENT_DAYS)},
        )
    facts = FACTS[kind]
    return Sql(
        f"SELECT DISTINCT r.account_id FROM {facts.table} r JOIN accounts_externalid x ON x.object_id = r.id"  # noqa: S608
        " AND x.entity = %(entity)s AND x.system = %(system)s WHERE r.deleted_at IS NULL",
        {"entity": facts.entity, "system": key},
    )


def open_incidents() -> list[Incident]:
    """Return the incidents that are open, the oldest first."""
    return list(Incident.objects.filter(closed_at=None).select_related("source").order_by("collapsed_since", "id"))


def _add(
    counts: dict[tuple[str, str], list[int]], rows: Iterable[tuple[str, str, datetime, int]], start: datetime
) -> None:
    for kind, key, hour, count in rows:
        counts[kind, key][int((hour - start) / HOUR)] += count


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)

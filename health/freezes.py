"""Which measures of which accounts are frozen, because the data they are made from stopped coming.

While an incident of a feed is open, metrics made from the feed are read as of the beginning of the
day (UTC) on which it collapsed, for the accounts that live on it: value and freshness as of then, so
that nothing decays, nobody turns red, and replays give the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django.db.models import Q, QuerySet

from accounts.conditions import Sql
from health.enums import FeedKind
from health.metrics.registry import MetricUse, get_metric
from health.models import Incident

EPOCH = date(1970, 1, 1)
NOT_FROZEN = 0


@dataclass(frozen=True)
class Freeze:
    """An incident as those who read as of some time see it. `frozen_on`: the day as of which they read."""

    incident_id: int
    kind: FeedKind
    name: str
    product_id: int | None
    collapsed_since: datetime

    @property
    def frozen_on(self) -> date:
        return self.collapsed_since.astimezone(UTC).date()

    @property
    def frozen_at(self) -> datetime:
        return datetime.combine(self.frozen_on, time(), UTC)

    @property
    def words(self) -> str:
        """Why, for a sentence: "because the source “Web app” stopped sending usage events"."""
        what = "the source" if self.kind is FeedKind.USAGE else "the system"
        return f"because {what} “{self.name}” stopped sending {self.kind.label.lower()}"

    def holds(self, use: MetricUse) -> bool:
        """Return whether a metric is made from the feed; the use of one product is none of another's."""
        products = {self.product_id, use.scope.product}
        is_elsewhere = self.kind is FeedKind.USAGE and None not in products and len(products) > 1
        return self.kind in get_metric(use.metric).feeds and not is_elsewhere

    def accounts(self) -> Sql:
        """Return SQL for the accounts it holds: column account_id."""
        number = int(self.incident_id)
        return Sql(f"SELECT h.account_id FROM health_incidentaccount h WHERE h.incident_id = {number}")  # noqa: S608


def freezes_at(*, as_of: datetime, recorded_by: datetime) -> list[Freeze]:
    """Return what was frozen as of a time as it was recorded by another, the latest collapse first.

    Where several hold a measure of an account, the earliest collapse counts. One query.
    """
    return _freezes(_seen(as_of, recorded_by))


def freezes_of(account_id: int, *, as_of: datetime, recorded_by: datetime) -> list[Freeze]:
    """Return what of an account was frozen, in the same order. One query."""
    return _freezes(_seen(as_of, recorded_by).filter(held__account_id=account_id))


def freeze_of(use: MetricUse, freezes: list[Freeze]) -> Freeze | None:
    """Return the freeze that counts for a metric; None when it is not frozen."""
    return next((freeze for freeze in reversed(freezes) if freeze.holds(use)), None)


def frozen_days(uses: Iterable[MetricUse], freezes: list[Freeze]) -> list[int]:
    """Return the days since 1970 as of which metrics of an account were read; NOT_FROZEN for the others."""
    found = (freeze_of(use, freezes) for use in uses)
    return [NOT_FROZEN if freeze is None else (freeze.frozen_on - EPOCH).days for freeze in found]


def _seen(as_of: datetime, recorded_by: datetime) -> QuerySet[Incident]:
    moment = min(as_of, recorded_by)
    midnight = datetime.combine(as_of.astimezone(UTC).date(), time(), UTC)
    still_open = Q(closed_at=None) | Q(closed_at__gt=moment)
    return Incident.objects.filter(still_open, opened_at__lte=moment, collapsed_since__lt=midnight)


def _freezes(incidents: QuerySet[Incident]) -> list[Freeze]:
    rows = incidents.order_by("-collapsed_since", "-id").values_list(
        "id", "kind", "name", "product_id", "collapsed_since"
    )
    return [Freeze(pk, FeedKind(kind), name, product, since) for pk, kind, name, product, since in rows]

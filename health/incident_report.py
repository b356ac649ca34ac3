"""What the pages about incidents show: what a broken feed holds, and how much is missing."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, F, QuerySet

from accounts.models import Account
from health.enums import FeedKind
from health.feeds import open_incidents, volumes
from health.freezes import Freeze
from health.incidents import HISTORY_WEEKS, Volume, missing_events
from health.models import Incident, IncidentAccount, Scorecard
from health.receipts import use_text, use_words
from team.models import User

SHOWN_ACCOUNTS = 25
SHOWN_DAYS = 28
DAY_HOURS = 24


@dataclass(frozen=True)
class ListedIncident:
    incident: Incident
    account_count: int


@dataclass(frozen=True)
class HeldMeasures:
    """The measures of a live scorecard that an incident holds: (label, metric and parameters)."""

    scorecard: Scorecard
    measures: list[tuple[str, str]]


@dataclass(frozen=True)
class IncidentReport:
    """`missing`: about how many events have not come; None when it is over. `days`: (UTC day, what came)."""

    incident: Incident
    account_count: int
    accounts: list[Account]
    measures: list[HeldMeasures]
    missing: int | None
    days: list[tuple[date, float | None]]

    @property
    def frozen_on(self) -> date:
        return freeze_by(self.incident).frozen_on

    @property
    def more_accounts(self) -> int:
        return self.account_count - len(self.accounts)


def listed(incidents: QuerySet[Incident] | list[Incident]) -> list[ListedIncident]:
    """Return incidents with how many accounts each holds. One query more than theirs."""
    rows = list(incidents)
    counts = dict(
        IncidentAccount.objects.filter(incident__in=rows)
        .values_list("incident_id")
        .annotate(count=Count("account_id"))
        .values_list("incident_id", "count")
    )
    return [ListedIncident(incident, counts.get(incident.pk, 0)) for incident in rows]


def listed_open() -> list[ListedIncident]:
    return listed(open_incidents())


def incident_report(incident: Incident, *, user: User, now: datetime) -> IncidentReport:
    """Return what an incident holds, as a user may see it."""
    held = IncidentAccount.objects.filter(incident=incident)
    accounts = Account.objects.visible_to(user).filter(pk__in=held.values("account_id"))
    volume = volumes(now, since=incident.collapsed_since - timedelta(weeks=HISTORY_WEEKS + 1)).get(
        (incident.kind, incident.key)
    )
    return IncidentReport(
        incident=incident,
        account_count=held.count(),
        accounts=list(accounts.order_by(F("arr").desc(nulls_last=True), "name", "id")[:SHOWN_ACCOUNTS]),
        measures=_measures(incident),
        missing=missing_events(volume, incident.collapsed_since) if volume is not None and incident.is_open else None,
        days=[] if volume is None else _days(volume),
    )


def freeze_by(incident: Incident) -> Freeze:
    return Freeze(incident.pk, FeedKind(incident.kind), incident.name, incident.product_id, incident.collapsed_since)


def _days(volume: Volume) -> list[tuple[date, float | None]]:
    """Return (day, what came) for whole UTC days, up to yesterday."""
    end = len(volume.counts) - volume.until.hour
    first = max(end - SHOWN_DAYS * DAY_HOURS, end % DAY_HOURS)
    return [
        (volume.hour(start).date(), float(sum(volume.counts[start : start + DAY_HOURS])))
        for start in range(first, end, DAY_HOURS)
    ]


def _measures(incident: Incident) -> list[HeldMeasures]:
    freeze, found = freeze_by(incident), []
    for scorecard in Scorecard.objects.live():
        assert scorecard.version is not None
        held = [measure for measure in scorecard.version.card().measures if freeze.holds(measure.use)]
        if held:
            words = [(measure.label, use_text(measure, use_words(measure.use))) for measure in held]
            found.append(HeldMeasures(scorecard, words))
    return found

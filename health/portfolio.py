"""Reads over the main health scores of many accounts: how a book stands and who needs attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import (
    Count,
    DateField,
    F,
    FloatField,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Floor, Greatest

from accounts.models import Account
from health.alerts import RENEWAL_HALF_LIFE_DAYS
from health.enums import ScoreKind
from health.models import CurrentScore, ScorecardVersion, ScoreSnapshot
from health.scorecards import Band

# A fall of this many points in 30 days makes a healthy account worth a look.
NOTABLE_FALL_POINTS = 10
BINS = 10
BAND_ORDER = [Band.RED, Band.YELLOW, Band.GREEN, Band.UNKNOWN]


@dataclass(frozen=True)
class BandShare:
    """How many accounts stand in a band, and their ARR where it is known."""

    band: Band
    count: int
    arr: Decimal


def band_shares(accounts: QuerySet[Account]) -> list[BandShare]:
    """Return the shares of all bands, worst first; accounts without any score count as unknown."""
    main = CurrentScore.objects.filter(main_of=ScoreKind.HEALTH, account=OuterRef("pk"))
    rows = (
        accounts.order_by()
        .annotate(band=Coalesce(Subquery(main.values("band")[:1]), Value(Band.UNKNOWN.value)))
        .values("band")
        .annotate(count=Count("pk"), total=Sum("arr"))
    )
    found = {row["band"]: BandShare(Band(row["band"]), row["count"], row["total"] or Decimal(0)) for row in rows}
    return [found.get(band.value, BandShare(band, 0, Decimal(0))) for band in BAND_ORDER]


def score_histogram(accounts: QuerySet[Account]) -> list[int]:
    """Return how many accounts score in [0, 10), [10, 20) … [90, 100]; those without a score are left out."""
    counts = [0] * BINS
    rows = (
        CurrentScore.objects.filter(main_of=ScoreKind.HEALTH, account__in=accounts.order_by())
        .exclude(score=None)
        .order_by()
        .annotate(bin=Cast(Floor(F("score") / BINS), IntegerField()))
        .values("bin")
        .annotate(count=Count("pk"))
        .values_list("bin", "count")
    )
    for low, count in rows:
        counts[min(low, BINS - 1)] += count
    return counts


def needs_attention(accounts: QuerySet[Account], *, today: date, limit: int) -> list[CurrentScore]:
    """Return the scores to look at first: risk × ARR × closeness of the renewal, highest first.

    Taken are accounts at risk, on watch, or fallen by NOTABLE_FALL_POINTS. Risk is what the score
    lacks to 100 plus its fall in 30 days. An unknown ARR counts as 1, so it ranks last and is not lost.
    """
    fall = Greatest(
        Cast(Coalesce(F("previous_score"), F("score")) - F("score"), FloatField()),
        Value(0.0),
        output_field=FloatField(),
    )
    days = Func(
        F("account__renews_on"),
        Cast(Value(today), DateField()),
        template="(%(expressions)s)",
        arg_joiner=" - ",
        output_field=IntegerField(),
    )
    distance = Cast(Greatest(Coalesce(days, Value(RENEWAL_HALF_LIFE_DAYS)), Value(0)), FloatField())
    closeness = Value(float(RENEWAL_HALF_LIFE_DAYS)) / (Value(float(RENEWAL_HALF_LIFE_DAYS)) + distance)
    revenue = Cast(Greatest(Coalesce(F("account__arr"), Value(Decimal(1))), Value(Decimal(1))), FloatField())
    risk = Value(100.0) - Cast(F("score"), FloatField()) + F("fall")
    return list(
        CurrentScore.objects.filter(main_of=ScoreKind.HEALTH, account__in=accounts.order_by())
        .exclude(score=None)
        .annotate(fall=fall)
        .filter(Q(band__in=[Band.RED, Band.YELLOW]) | Q(fall__gte=NOTABLE_FALL_POINTS))
        .annotate(rank=risk * revenue * closeness)
        .select_related("account", "account__csm")
        .order_by("-rank", "account_id")[:limit]
    )


def arr_at_risk(shares: list[BandShare]) -> Decimal:
    """Return the ARR of the accounts at risk."""
    return next((share.arr for share in shares if share.band is Band.RED), Decimal(0))


@dataclass(frozen=True)
class Reason:
    """A measure or limit that pulls a score down, and by how many points."""

    label: str
    points: float


def reasons(scores: Sequence[CurrentScore], *, limit: int = 2) -> dict[int, list[Reason]]:
    """Return by account id the measures that cost each score most, the worst first; none that cost nothing.

    Read from the stored snapshots, so they belong to the score that is shown. Two queries.
    """
    if not scores:
        return {}
    versions = ScorecardVersion.objects.in_bulk({score.version_id for score in scores})
    labels = {pk: [part.label for part in version.card().inputs] for pk, version in versions.items()}
    found: dict[int, list[Reason]] = {}
    # Asked by each part of the key, not by fifty keys: that is several times quicker to say.
    shown = {(score.account_id, score.scorecard_id, score.as_of, score.revision) for score in scores}
    accounts, scorecards, days, revisions = (set(part) for part in zip(*shown, strict=True))
    snapshots = ScoreSnapshot.objects.filter(
        account_id__in=accounts, scorecard_id__in=scorecards, as_of__in=days, revision__in=revisions
    )
    for snapshot in snapshots.only("account_id", "scorecard_id", "as_of", "revision", "version_id", "contribution"):
        if (snapshot.account_id, snapshot.scorecard_id, snapshot.as_of, snapshot.revision) in shown:
            costs = zip(labels.get(snapshot.version_id, []), snapshot.contribution, strict=False)
            worst = sorted((points, label) for label, points in costs if points < 0)[:limit]
            found[snapshot.account_id] = [Reason(label, points / 100) for points, label in worst]
    return found

"""What an account's overview shows of its health: what moves the score, and use by week."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Min, Q
from django.db.models.functions import TruncWeek

from accounts.models import Account
from health.models import CurrentScore, ScoreSnapshot, UsageDay
from health.rollup import read_children
from health.scorecards import Group, Measure

# scoring.BASELINE in points; scoring is not imported here, because it brings pandas along.
BASELINE_POINTS = 50.0


@dataclass(frozen=True)
class Moves:
    """Points by which each top group of the scorecard, and each limit that holds, moves the score from the baseline.

    `steps`: (label, points), points None where nothing of the group is known. They add up to
    score − baseline exactly.
    """

    baseline: float
    steps: list[tuple[str, float | None]]
    score: float


def moves(score: CurrentScore) -> Moves | None:
    """Return what moves a score, from its stored snapshot; None without a score. Two queries."""
    if score.score is None:
        return None
    snapshot = ScoreSnapshot.objects.filter(
        account_id=score.account_id, scorecard_id=score.scorecard_id, as_of=score.as_of, revision=score.revision
    ).first()
    if snapshot is None:
        return None
    steps: list[tuple[str, float | None]] = []
    start = 0
    card = score.version.card()
    below = sum(child.contribution for child in read_children(snapshot.children or ())) / 100
    if snapshot.children:
        steps.append(("The accounts below", below))
    for child in () if snapshot.children else card.root.children:
        width = _measure_count(child)
        part = slice(start, start + width)
        known = any(points >= 0 for points in snapshot.points[part])
        steps.append((child.label, sum(snapshot.contribution[part]) / 100 if known else None))
        start += width
    for place, limit in enumerate(card.limits, len(card.measures)):
        if snapshot.contribution[place]:
            steps.append((limit.label, snapshot.contribution[place] / 100))
    if snapshot.override >= 0:
        start_from = BASELINE_POINTS + below + sum(snapshot.contribution) / 100
        steps.append(("Set by hand", round(float(score.score) - start_from, 2)))
    return Moves(BASELINE_POINTS, steps, float(score.score))


def _measure_count(child: Group | Measure) -> int:
    return 1 if isinstance(child, Measure) else len(list(child.measures()))


def weekly_people(account: Account, *, today: date, weeks: int) -> list[tuple[date, float | None]]:
    """Return (Monday, contacts who used the product in that week) for the last `weeks` UTC weeks.

    Weeks before the account's first known use are None: nothing was measured then. Two queries.
    """
    this_monday = today - timedelta(days=today.weekday())
    mondays = [this_monday - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]
    rows = UsageDay.objects.filter(account_id=account.pk)
    counts = dict(
        rows.filter(day__gte=mondays[0], contact_id__gt=0)
        .order_by()
        .annotate(week=TruncWeek("day"))
        .values("week")
        .annotate(people=Count("contact_id", distinct=True))
        .values_list("week", "people")
    )
    first = rows.aggregate(first=Min("day", filter=Q(count__gt=0)))["first"]
    return [
        (monday, None if first is None or monday + timedelta(days=6) < first else float(counts.get(monday, 0)))
        for monday in mondays
    ]

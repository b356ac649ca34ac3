"""What an account's overview shows of its health: what moves the score, and use by week."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Max, Min, Q, Sum
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


@dataclass(frozen=True)
class WeeklyUse:
    """`points`: (Monday, contacts who used the product in that week), or events where no contact is known.

    `until` is the last day shown: today, or for an account that has been silent for as long, the day of
    its last use. Weeks before the first known use are None: nothing was measured then.
    """

    points: list[tuple[date, float | None]]
    unit: str
    until: date
    is_known: bool
    is_past: bool

    @property
    def label(self) -> str:
        return "Active people by week" if self.unit == "people" else "Events by week"


def weekly_use(account: Account, *, today: date, weeks: int) -> WeeklyUse:
    """Return the use of `weeks` UTC weeks. Two queries."""
    rows = UsageDay.objects.filter(account_id=account.pk)
    known = rows.aggregate(first=Min("day", filter=Q(count__gt=0)), last=Max("day", filter=Q(count__gt=0)))
    first, last = known["first"], known["last"]
    is_past = last is not None and last < _monday(today) - timedelta(weeks=weeks - 1)
    until = last if is_past else today
    mondays = [_monday(until) - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]
    found = (
        rows.filter(day__gte=mondays[0], day__lt=mondays[-1] + timedelta(weeks=1))
        .order_by()
        .annotate(week=TruncWeek("day"))
        .values("week")
        .annotate(people=Count("contact_id", distinct=True, filter=Q(contact_id__gt=0)), events=Sum("count"))
    )
    people = {row["week"]: row["people"] for row in found}
    unit, counts = "people", people
    if people and not any(people.values()):
        unit, counts = "events", {row["week"]: row["events"] for row in found}
    points = [
        (
            monday,
            None if first is None or monday + timedelta(days=6) < first else float(counts.get(monday, 0)),
        )
        for monday in mondays
    ]
    return WeeklyUse(points, unit, until, first is not None, is_past)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())

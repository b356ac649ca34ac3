"""Success against happiness: where the accounts of a book stand, and who turned out to be right."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Case, CharField, Count, F, FilteredRelation, FloatField, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Abs, Cast, Coalesce, Greatest

from accounts.models import Account, Sentiment
from health.corners import LINE, Corner, corner_of
from health.enums import ScoreKind
from health.metrics.query import AccountSet
from health.models import CurrentScore, ScoreSnapshot
from health.outcomes import ChurnRule, Outcome, churn_outcomes
from health.proportions import wilson

# An older judgement of the CSM says nothing about today.
SENTIMENT_DAYS = 90
HISTORY_DAYS = 180
# Who was right is asked every fourth Monday of a year and a half; Mondays are kept for ever.
VERDICT_DAYS = 540
STEP_DAYS = 28
# Fewer disagreements with a known end say nothing.
MINIMUM_CASES = 20
STAYS_FROM, LEAVES_UP_TO = 4, 2


@dataclass(frozen=True)
class CornerShare:
    """How many accounts stand in a corner, and their ARR where it is known."""

    corner: Corner
    count: int
    arr: Decimal


@dataclass(frozen=True)
class Place:
    """Where an account stands. `sentiment` 1 to 5, None: nobody has said lately."""

    account: Account
    success: float
    happiness: float
    corner: Corner
    sentiment: int | None = None
    since: date | None = None
    """Since when the two disagree, as far as history of HISTORY_DAYS goes; None: they agree, or no history."""

    @property
    def sentiment_label(self) -> str:
        return "" if self.sentiment is None else Sentiment(level=self.sentiment).get_level_display()


def placed(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """Annotate success, happiness and corner from the main scores; leave out where one is unknown."""
    relations = {
        f"{kind.value}_main": FilteredRelation("scores", condition=Q(scores__main_of=kind))
        for kind in (ScoreKind.SUCCESS, ScoreKind.HAPPINESS)
    }
    succeeds, happy = Q(success__gte=LINE), Q(happiness__gte=LINE)
    corner = Case(
        When(succeeds & happy, then=Value(Corner.THRIVING.value)),
        When(succeeds, then=Value(Corner.UNHAPPY.value)),
        When(happy, then=Value(Corner.FAILING.value)),
        default=Value(Corner.TROUBLE.value),
        output_field=CharField(),
    )
    return (
        accounts.order_by()
        .annotate(**relations)
        .annotate(success=F("success_main__score"), happiness=F("happiness_main__score"))
        .filter(success__isnull=False, happiness__isnull=False)
        .annotate(corner=corner)
    )


def corner_shares(accounts: QuerySet[Account]) -> list[CornerShare]:
    """Return the shares of all four corners, in the order of Corner. One query."""
    rows = placed(accounts).values("corner").annotate(count=Count("pk"), total=Sum("arr"))  # type: ignore[misc]
    found = {row["corner"]: (row["count"], row["total"] or Decimal(0)) for row in rows}
    return [CornerShare(corner, *found.get(corner.value, (0, Decimal(0)))) for corner in Corner]


def largest_places(accounts: QuerySet[Account], *, limit: int) -> list[Place]:
    """Return the accounts with most ARR and where they stand. One query."""
    rows = placed(accounts).order_by(F("arr").desc(nulls_last=True), "pk")[:limit]
    return [_place(row) for row in rows]


def disagreements(accounts: QuerySet[Account], *, now: datetime, limit: int) -> list[Place]:
    """Return the accounts where success and happiness disagree, by distance × ARR, highest first.

    An unknown ARR counts as 1, so that it ranks last and is not lost. Four queries.
    """
    revenue = Cast(Greatest(Coalesce(F("arr"), Value(Decimal(1))), Value(Decimal(1))), FloatField())
    distance = Cast(Abs(F("success") - F("happiness")), FloatField())
    rows = (
        placed(accounts)
        .filter(corner__in=[Corner.FAILING, Corner.UNHAPPY])  # type: ignore[misc]
        .select_related("csm")
        .annotate(rank=distance * revenue)
        .order_by("-rank", "pk")[:limit]
    )
    found = list(rows)
    ids = [row.pk for row in found]
    said, since = sentiments(ids, before=now), _disagree_since(ids, now.date())
    return [_place(row, said.get(row.pk), since.get(row.pk)) for row in found]


def sentiments(account_ids: Sequence[int], *, before: datetime) -> dict[int, int]:
    """Return the newest judgement of each account in the SENTIMENT_DAYS before a moment, 1 to 5."""
    rows = (
        Sentiment.objects.filter(
            account_id__in=account_ids,
            occurred_at__lt=before,
            known_at__lt=before,
            occurred_at__gte=before - timedelta(days=SENTIMENT_DAYS),
        )
        .order_by("account_id", "-occurred_at", "-pk")
        .distinct("account_id")
    )
    return dict(rows.values_list("account_id", "level"))


def place_of(account: Account) -> Place | None:
    """Return where one account stands; None where a score is unknown."""
    row = placed(Account.objects.filter(pk=account.pk)).first()
    return _place(row) if row else None


def kind_scores(account: Account) -> list[CurrentScore]:
    """Return the account's success and happiness score, in this order, as far as there are any. One query."""
    rows = CurrentScore.objects.filter(account=account, main_of__in=[ScoreKind.SUCCESS, ScoreKind.HAPPINESS])
    return sorted(rows.select_related("scorecard"), key=lambda row: row.main_of != ScoreKind.SUCCESS)


def _place(row: Account, sentiment: int | None = None, since: date | None = None) -> Place:
    success, happiness, corner = (getattr(row, name) for name in ("success", "happiness", "corner"))
    return Place(row, float(success), float(happiness), Corner(corner), sentiment, since)


def _disagree_since(account_ids: Sequence[int], today: date) -> dict[int, date]:
    """Return the first day of the run of days on which the two scores stood as they stand now."""
    cards: dict[int, str | None] = dict(
        CurrentScore.objects.filter(
            account_id__in=account_ids, main_of__in=[ScoreKind.SUCCESS, ScoreKind.HAPPINESS]
        ).values_list("scorecard_id", "main_of")
    )
    days: dict[int, dict[date, dict[str | None, bool]]] = {}
    snapshots = (
        ScoreSnapshot.objects.filter(
            account_id__in=account_ids, scorecard_id__in=list(cards), as_of__gt=today - timedelta(days=HISTORY_DAYS)
        )
        .exclude(score=-1)
        .order_by("as_of", "revision")
    )
    for account_id, scorecard_id, as_of, score in snapshots.values_list("account_id", "scorecard_id", "as_of", "score"):
        day = days.setdefault(account_id, {}).setdefault(as_of, {})
        day[cards[scorecard_id]] = score >= LINE * 100
    return {account_id: since for account_id, each in days.items() if (since := _start_of_run(each))}


def _start_of_run(days: Mapping[date, Mapping[str | None, bool]]) -> date | None:
    """Return since when the two have differed without a day between on which they agreed."""
    since = None
    for day in sorted(days):
        sides = days[day]
        if len(sides) == 2:
            differ = sides[ScoreKind.SUCCESS] != sides[ScoreKind.HAPPINESS]
            since = (since or day) if differ else None
    return since


# Who was right


@dataclass(frozen=True)
class Precedent:
    """One account at its first disagreement whose end is known."""

    account_id: int
    as_of: date
    corner: Corner
    sentiment: int | None
    churned: bool


@dataclass
class Judge:
    """How often a voice said beforehand what then happened, of the cases in which it said anything."""

    name: str
    right: int = 0
    told: int = 0

    @property
    def interval(self) -> tuple[int, int] | None:
        """The 95 % interval of the share in percent; None where there are too few cases."""
        if self.told < MINIMUM_CASES:
            return None
        low, high = wilson(self.right, self.told)
        return round(100 * low), round(100 * high)


@dataclass(frozen=True)
class Verdict:
    """Who was right where success and happiness disagreed. `days`: the days looked at."""

    judges: list[Judge]
    corners: dict[Corner, tuple[int, int]] = field(default_factory=dict)
    """By corner: how many cases, how many of them churned."""
    days: list[date] = field(default_factory=list)

    @property
    def case_count(self) -> int:
        return sum(count for count, _ in self.corners.values())

    @property
    def is_enough(self) -> bool:
        return self.case_count >= MINIMUM_CASES


def who_was_right(accounts: QuerySet[Account], *, now: datetime, rule: ChurnRule | None = None) -> Verdict:
    """Judge success score, happiness score and CSM sentiment by what became of accounts they disagreed on.

    Looks at every fourth Monday of the last VERDICT_DAYS, up to the last one whose horizon is over;
    an account counts once, when its scores first disagreed. "Stays" is said by a score from LINE on and by a
    sentiment of at least "good"; "leaves" by a score below LINE and at most "poor".
    """
    rule = rule or ChurnRule()
    days = _mondays(now.date(), rule)
    visible = set(accounts.order_by().values_list("pk", flat=True))
    cases: dict[int, Precedent] = {}
    for day in days:
        stood = {pk: corner for pk, corner in corners_on(day).items() if pk in visible and pk not in cases}
        apart = [pk for pk, corner in stood.items() if corner.is_disagreement]
        if not apart:
            continue
        outcomes = churn_outcomes(rule, as_of=day, recorded_by=now, accounts=AccountSet(ids=tuple(apart)))
        said = sentiments(apart, before=_midnight_of(day, now))
        cases |= {case.account_id: case for case in _cases(day, apart, stood, outcomes, said)}
    return judge(cases.values(), days)


def judge(cases: Iterable[Precedent], days: list[date]) -> Verdict:
    """Count for each voice how often it was right."""
    success, happiness, csm = Judge("Success score"), Judge("Happiness score"), Judge("CSM sentiment")
    counts: Counter[Corner] = Counter()
    churned: Counter[Corner] = Counter()
    for case in cases:
        counts[case.corner] += 1
        churned[case.corner] += case.churned
        success_says_stays = case.corner is Corner.UNHAPPY
        _hear(success, says_stays=success_says_stays, churned=case.churned)
        _hear(happiness, says_stays=not success_says_stays, churned=case.churned)
        if case.sentiment is not None and not LEAVES_UP_TO < case.sentiment < STAYS_FROM:
            _hear(csm, says_stays=case.sentiment >= STAYS_FROM, churned=case.churned)
    corners = {corner: (counts[corner], churned[corner]) for corner in Corner if corner.is_disagreement}
    return Verdict([success, happiness, csm], corners, days)


def corners_on(day: date) -> dict[int, Corner]:
    """Return the corner of every account on a day, by the snapshots of its main scorecards of today."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH sides AS (
                SELECT DISTINCT ON (p.account_id, c.main_of) p.account_id, c.main_of, p.score
                FROM health_scoresnapshot p JOIN health_currentscore c
                    ON c.account_id = p.account_id AND c.scorecard_id = p.scorecard_id
                WHERE p.as_of = %(day)s AND c.main_of IN ('{ScoreKind.SUCCESS}', '{ScoreKind.HAPPINESS}')
                ORDER BY p.account_id, c.main_of, p.revision DESC
            )
            SELECT s.account_id, s.score / 100.0, h.score / 100.0
            FROM sides s JOIN sides h ON h.account_id = s.account_id
            WHERE s.main_of = '{ScoreKind.SUCCESS}' AND h.main_of = '{ScoreKind.HAPPINESS}'
                AND s.score >= 0 AND h.score >= 0
            """,  # noqa: S608 -- constants
            {"day": day},
        )
        rows = cursor.fetchall()
    corners = ((account_id, corner_of(success, happiness)) for account_id, success, happiness in rows)
    return {account_id: corner for account_id, corner in corners if corner is not None}


def _cases(
    day: date,
    apart: Iterable[int],
    stood: Mapping[int, Corner],
    outcomes: Mapping[int, Outcome],
    said: Mapping[int, int],
) -> Iterable[Precedent]:
    for pk in apart:
        outcome = outcomes.get(pk)
        if outcome is not None and outcome.churned is not None:
            yield Precedent(pk, day, stood[pk], said.get(pk), outcome.churned)


def _hear(judge: Judge, *, says_stays: bool, churned: bool) -> None:
    judge.told += 1
    judge.right += says_stays != churned


def _mondays(today: date, rule: ChurnRule) -> list[date]:
    """Return the days to look at, oldest first."""
    _, end = rule.window(today)
    last = today - (end - today)
    day = last - timedelta(days=last.weekday())
    days = []
    while day > today - timedelta(days=VERDICT_DAYS):
        days.append(day)
        day -= timedelta(days=STEP_DAYS)
    return days[::-1]


def _midnight_of(day: date, now: datetime) -> datetime:
    return datetime.combine(day, datetime.min.time(), now.tzinfo)

"""How right people were who set a score by hand: nearer to what became of the account, or the computed score?

What became of it is whether it churned within 90 days (outcomes.py): 0 for churned, 100 for stayed.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from accounts.permissions import visible_rows
from health.metrics.query import AccountSet
from health.models import ScoreOverride
from health.outcomes import ChurnRule, Outcome, churn_outcomes
from team.models import User

# The newest so many are judged and listed.
JUDGED = 500
LISTED = 50
CHURNED, STAYED = 0, 100


@dataclass(frozen=True)
class Judged:
    """`nearer`: "override", "computed" or "same"; None: too early, or the computed score was unknown."""

    override: ScoreOverride
    churned: bool | None
    nearer: str | None

    @property
    def words(self) -> str:
        if self.nearer is None:
            return "Too early to tell" if self.churned is None else "Not comparable: there was no computed score"
        became = "It churned" if self.churned else "It stayed"
        nearer = {"override": "the override was nearer", "computed": "the computed score was nearer"}
        return f"{became}: {nearer.get(self.nearer, 'both were as near')}"


@dataclass(frozen=True)
class Accuracy:
    """How often which was nearer to what came."""

    who: str
    override: int = 0
    computed: int = 0
    same: int = 0
    open: int = 0


@dataclass(frozen=True)
class OverrideReport:
    overall: Accuracy
    by_user: list[Accuracy]
    running: list[Judged]
    past: list[Judged]


def override_report(*, user: User, now: datetime) -> OverrideReport:
    """Return the newest overrides of the accounts a user sees, judged by what came."""
    rows = visible_rows(ScoreOverride.objects.all(), user).select_related("account", "scorecard", "made_by")
    judged = judge(rows.order_by("-made_at", "-pk")[:JUDGED], now=now)
    people: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        people[str(each.override.made_by or "Somebody")].append(each)
    return OverrideReport(
        overall=_accuracy("Everybody", judged),
        by_user=[_accuracy(name, theirs) for name, theirs in sorted(people.items())],
        running=[each for each in judged if each.override.ended_at is None][:LISTED],
        past=[each for each in judged if each.override.ended_at is not None][:LISTED],
    )


def judge(overrides: Iterable[ScoreOverride], *, now: datetime) -> list[Judged]:
    """Return overrides with what became of their accounts; a query for each day on which any was made."""
    rows = list(overrides)
    days: dict[date, set[int]] = defaultdict(set)
    for row in rows:
        days[_day(row)].add(row.account_id)
    outcomes = {
        day: churn_outcomes(ChurnRule(), as_of=day, recorded_by=now, accounts=AccountSet(ids=tuple(ids)))
        for day, ids in days.items()
    }
    return [_judged(row, outcomes[_day(row)].get(row.account_id, Outcome(None))) for row in rows]


def _day(row: ScoreOverride) -> date:
    return row.made_at.astimezone(UTC).date()


def _judged(row: ScoreOverride, outcome: Outcome) -> Judged:
    churned = outcome.churned
    if churned is None or row.computed is None:
        return Judged(row, churned, None)
    came = CHURNED if churned else STAYED
    by_hand, by_rule = abs(row.score - came), abs(row.computed - came)
    return Judged(row, churned, "same" if by_hand == by_rule else "override" if by_hand < by_rule else "computed")


def _accuracy(who: str, judged: list[Judged]) -> Accuracy:
    counts = {word: sum(each.nearer == word for each in judged) for word in ("override", "computed", "same")}
    return Accuracy(who, **counts, open=sum(each.nearer is None for each in judged))

"""The rules of alerts: which comes first, how many fit into a day, and how far a rule can be trusted. Pure."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from health.proportions import wilson

# Urgency halves when the renewal is this far away; an unknown renewal counts as that far.
RENEWAL_HALF_LIFE_DAYS = 90
# Without a score one cannot know; neither first nor last.
UNKNOWN_PROBABILITY = 0.5
# Where nobody says otherwise: accounts that alerts may ask a CSM to look at in a day.
ACCOUNTS_PER_DAY = 10
# Risks come first, but opportunities keep this part of the day, rounded up.
OPPORTUNITY_SHARE = 0.2
# Below this many verdicts the share of useful alerts says nothing.
MINIMUM_VERDICTS = 10


def churn_probability(score: Decimal | float | None) -> float:
    """Return how likely an account leaves, by its main score from 0 to 100; None: nothing is known."""
    return UNKNOWN_PROBABILITY if score is None else (100 - float(score)) / 100


def closeness(renews_on: date | None, today: date) -> float:
    """Return 1 on the day of the renewal or after it, a half 90 days before, towards 0 farther away."""
    days = RENEWAL_HALF_LIFE_DAYS if renews_on is None else max((renews_on - today).days, 0)
    return RENEWAL_HALF_LIFE_DAYS / (RENEWAL_HALF_LIFE_DAYS + days)


def rank(*, probability: float, arr: Decimal | None, renews_on: date | None, today: date) -> float:
    """Return probability × revenue × closeness of the renewal.

    Unknown revenue counts as 1, so that it comes last and is not lost.
    """
    return probability * max(float(arr or 0), 1.0) * closeness(renews_on, today)


@dataclass(frozen=True)
class Candidate:
    """An account with open alerts. `owner_id` None: nobody's, and nobody's budget limits it."""

    account_id: int
    owner_id: int | None
    is_risk: bool
    rank: float


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return risks before opportunities, the highest rank first; by account where two are equal.

    Most customers are likely to stay, so by rank alone good news would push every risk off the page.
    """
    return sorted(candidates, key=lambda each: (not each.is_risk, -each.rank, each.account_id))


def within_budget(candidates: Iterable[Candidate], left: dict[int, int]) -> set[int]:
    """Return the accounts that fit into what is left of each owner's day, the highest rank first.

    `left` has how many accounts each owner still takes today. Opportunities keep OPPORTUNITY_SHARE
    of it, rounded up; what one kind does not need the other takes.
    """
    by_owner: defaultdict[int | None, list[Candidate]] = defaultdict(list)
    for candidate in in_order(candidates):
        by_owner[candidate.owner_id].append(candidate)
    shown: set[int] = set()
    for owner_id, ranked in by_owner.items():
        slots = len(ranked) if owner_id is None else max(left.get(owner_id, 0), 0)
        risks = [each.account_id for each in ranked if each.is_risk]
        opportunities = [each.account_id for each in ranked if not each.is_risk]
        reserved = min(len(opportunities), math.ceil(slots * OPPORTUNITY_SHARE))
        taken = min(len(risks), slots - reserved)
        shown.update(risks[:taken], opportunities[: slots - taken])
    return shown


@dataclass(frozen=True)
class Precision:
    """How many of the judged alerts were useful, and the 95 % interval of that share in percent."""

    useful: int
    judged: int
    low_pct: int | None = None
    high_pct: int | None = None

    @property
    def words(self) -> str:
        if not self.judged:
            return "No verdict yet"
        if self.low_pct is None:
            return f"Useful {self.useful} of {self.judged}: too few to tell"
        return f"Useful {self.useful} of {self.judged}, {self.low_pct}–{self.high_pct} %"


def precision(useful: int, judged: int) -> Precision:
    """Return the precision with Wilson's interval; none below MINIMUM_VERDICTS."""
    if judged < MINIMUM_VERDICTS:
        return Precision(useful, judged)
    low, high = wilson(useful, judged)
    return Precision(useful, judged, round(100 * low), round(100 * high))


def average(precisions: Sequence[Precision]) -> Precision:
    """Return what several rules are worth together."""
    return precision(sum(each.useful for each in precisions), sum(each.judged for each in precisions))


@dataclass(frozen=True)
class Day:
    """What a rule's conditions said of accounts on a day; `leaves` says which of those inside it ends for."""

    on: date
    matching: set[int]
    leaves: Callable[[set[int]], set[int]]


def replay(days: Iterable[Day], *, hold_days: int, cooldown_days: int) -> list[tuple[date, int]]:
    """Return (day, account) of each alert a rule would have raised; who matches on the first day stands."""
    raised: list[tuple[date, int]] = []
    since: dict[int, date] = {}
    shown: set[int] = set()
    told: set[int] = set()
    ended: dict[int, date] = {}
    for number, day in enumerate(days):
        inside = set(since)
        gone = day.leaves((inside & shown) - day.matching) | (inside - shown - day.matching)
        for account in gone:
            if account in told:
                ended[account] = day.on
            del since[account]
            shown.discard(account)
            told.discard(account)
        for account in day.matching - since.keys():
            since[account] = day.on
            if number == 0:
                shown.add(account)
        for account in sorted(day.matching - shown):
            is_held = (day.on - since[account]).days >= hold_days
            is_rested = account not in ended or (day.on - ended[account]).days >= cooldown_days
            if is_held and is_rested:
                raised.append((day.on, account))
                shown.add(account)
                told.add(account)
    return raised

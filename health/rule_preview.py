"""What a rule would do: who matches now, and what it would have raised over the last days."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from time import monotonic

from accounts.conditions import Catalogue, Moment, filter_accounts, matching_ids
from accounts.enums import Stage
from accounts.models import Account
from health.alert_conditions import enter_tree, leave_tree
from health.alerts import Day, replay
from health.models import AlertRule
from health.services.scores import midnight

REPLAY_DAYS = 90
# Each day of a replay asks the condition once: daily for small books, weekly for larger ones, else not at all.
DAILY_ACCOUNTS = 2_000
WEEKLY_ACCOUNTS = 50_000
REPLAY_SECONDS = 12.0
SHOWN = 10


@dataclass(frozen=True)
class RulePreview:
    """Who matches now (the first by name), and the whole number."""

    count: int
    accounts: list[Account]


@dataclass
class Replay:
    """What would have been raised since `first`; by month for the page. `every_days` None: the book is too large."""

    every_days: int | None
    first: date | None = None
    last: date | None = None
    raised: list[tuple[date, int]] = field(default_factory=list)

    @property
    def account_count(self) -> int:
        return len({account for _, account in self.raised})

    @property
    def by_week(self) -> list[tuple[date, float]]:
        """Return (week's first day, alerts) from the first to the last."""
        if self.first is None or self.last is None:
            return []
        weeks = {self.first + timedelta(days=7 * n): 0 for n in range((self.last - self.first).days // 7 + 1)}
        for day, _ in self.raised:
            weeks[self.first + timedelta(days=(day - self.first).days // 7 * 7)] += 1
        return [(day, float(count)) for day, count in weeks.items()]


def preview_rule(rule: AlertRule, *, now: datetime, catalogue: Catalogue | None = None) -> RulePreview:
    """Return who would stand if the rule began now. Raises a ConditionError."""
    customers = Account.objects.exclude(stage=Stage.CHURNED)
    matching = filter_accounts(customers, enter_tree(rule), Moment.live(now), catalogue=catalogue)
    accounts = list(matching.select_related("csm").order_by("name", "pk")[: SHOWN + 1])
    count = len(accounts) if len(accounts) <= SHOWN else matching.order_by().count()
    return RulePreview(count, accounts[:SHOWN])


def replay_rule(rule: AlertRule, *, now: datetime) -> Replay:
    """Return what the rule would have raised in REPLAY_DAYS, by what is recorded now. Raises a ConditionError.

    It ends early when its time is over; `first` says how far back it came.
    """
    count = Account.objects.count()
    if count > WEEKLY_ACCOUNTS:
        return Replay(None)
    every = 1 if count <= DAILY_ACCOUNTS else 7
    asked = list(_days(rule, now, every))
    asked.reverse()
    raised = replay(asked, hold_days=rule.hold_days, cooldown_days=rule.cooldown_days)
    return Replay(every, asked[0].on, asked[-1].on, raised)


def _days(rule: AlertRule, now: datetime, every: int) -> Iterator[Day]:
    """Yield the days from today backwards, so that the newest are there when the time is over."""
    catalogue, until = Catalogue(), monotonic() + REPLAY_SECONDS
    churned = set(Account.objects.filter(stage=Stage.CHURNED).values_list("pk", flat=True))
    leave = leave_tree(rule)
    for back in range(0, REPLAY_DAYS + 1, every):
        moment = Moment(as_of=midnight(now.date() - timedelta(days=back)), recorded_by=now)
        matching = matching_ids(enter_tree(rule), moment, catalogue=catalogue) - churned
        yield Day(moment.as_of.date(), matching, _leaves(leave, moment, catalogue))
        if monotonic() > until:
            return


def _leaves(leave: object, moment: Moment, catalogue: Catalogue) -> Callable[[set[int]], set[int]]:
    return lambda inside: matching_ids(leave, moment, ids=inside, catalogue=catalogue) if inside else set()

"""Backtests: ask one, work through its dates, cancel it. Nothing here changes a score."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now

from accounts.errors import InvalidInput
from health.drafts import from_draft
from health.enums import BacktestState
from health.metrics.query import LOOKBACK_DAYS
from health.models import Backtest, BacktestDay, LearnedModel, Scorecard, ScorecardDraft, ScorecardVersion
from health.outcomes import RULE_KINDS, ChurnRule
from health.scorecards import Card, InvalidScorecard, read_card
from health.services.scorecards import check_actor
from team.models import User
from team.work import enqueue, renew_lease

if TYPE_CHECKING:
    from health.backtest_days import Configuration

WORK_KIND = "health.backtest"
# One stretch of work; the rest is enqueued again, so that a worker never holds on for long.
STRETCH_SECONDS = 90.0
LEASE_SECONDS = 240
MAX_FAILURES = 3
MAX_DATES = 60
# What is read lies years before a date, and the calendar has a beginning.
EARLIEST = date(1970, 1, 1)
MAX_CONTENDERS = 6
MAX_HORIZON_DAYS = 730
MAX_LEAD_DAYS = 365
MAX_CAPACITY = 100_000
DEFAULT_CAPACITY = 50
# Where it learns: this many dates before the first one judged, whose horizon ends before that.
TRAINING_DATES = 4
TRAINING_STEP_DAYS = 30


@dataclass(frozen=True)
class Candidate:
    """A configuration to judge: of a version, of a draft, or from a file."""

    key: str
    label: str
    config: dict[str, Any]
    version_id: int | None = None

    @classmethod
    def of_version(cls, version: ScorecardVersion) -> "Candidate":
        return cls(f"v{version.pk}", str(version), version.config, version.pk)

    @classmethod
    def of_draft(cls, draft: ScorecardDraft) -> "Candidate":
        """The draft as it is now; what is edited later does not count."""
        return cls(f"d{draft.pk}", f"Draft of {draft}", from_draft(draft.config))


@transaction.atomic
def create_backtest(
    *,
    candidates: Sequence[Candidate],
    rule: ChurnRule,
    dates: Sequence[date],
    now: datetime,
    capacity: int = DEFAULT_CAPACITY,
    learns: bool = False,
    training_dates: Sequence[date] = (),
    scorecard: Scorecard | None = None,
    name: str = "",
    actor: User | None = None,
    in_background: bool = True,
) -> Backtest:
    """Ask whether configurations would have told who would churn. Raises InvalidInput and PermissionDenied.

    It `learns` from the training dates, or where none are given from earlier ones. Without
    `in_background` the caller runs it.
    """
    check_actor(actor)
    dates = sorted(set(dates))
    _check_rule(rule)
    _check_dates(dates, rule, now)
    if not 1 <= capacity <= MAX_CAPACITY:
        raise InvalidInput(f"The capacity is a number of accounts from 1 to {MAX_CAPACITY:,}.", "capacity")
    cards = _check_candidates(candidates)
    if learns and not training_dates:
        training_dates = earlier_dates(dates[0], rule)
    _check_training_dates(training_dates, dates[0], rule)
    backtest = Backtest.objects.create(
        scorecard=scorecard,
        name=(name or _name(candidates, dates))[:120],
        contenders=[
            asdict(each) | {"config": card.as_dict(), "hash": card.hash}
            for each, card in zip(candidates, cards, strict=True)
        ],
        rule=_rule_as_dict(rule),
        dates=[day.isoformat() for day in dates],
        training_dates=[day.isoformat() for day in sorted(set(training_dates))],
        capacity=capacity,
        created_at=now,
        created_by=actor,
    )
    if in_background:
        resume_backtest(backtest=backtest)
    return backtest


def resume_backtest(*, backtest: Backtest) -> None:
    """Make it due to go on with a backtest. Others' work goes first."""
    enqueue(kind=WORK_KIND, key=str(backtest.pk), payload={"backtest_id": backtest.pk}, priority=10)


def earlier_dates(first: date, rule: ChurnRule) -> list[date]:
    """Return dates to learn from before the first one judged: their horizons have ended by then."""
    newest = first - timedelta(days=rule.lead_days + rule.horizon_days)
    return sorted(newest - timedelta(days=step * TRAINING_STEP_DAYS) for step in range(TRAINING_DATES))


def run_backtest(
    *, backtest: Backtest, seconds: float | None = None, on_date: Callable[[], object] = lambda: None
) -> bool:
    """Go on with a backtest, date by date; True when it is over, False when the time was.

    May run twice and be cut off anywhere: what was read stays read.
    """
    from health.backtest_days import pack, read_day

    until = None if seconds is None else time.monotonic() + seconds
    Backtest.objects.filter(pk=backtest.pk, state=BacktestState.WAITING).update(
        state=BacktestState.RUNNING, started_at=Now()
    )
    configurations, rule = configurations_of(backtest), rule_of(backtest)
    while (as_of := _next_date(backtest)) is not None:
        if _is_over(backtest):
            return True
        if until is not None and time.monotonic() > until:
            return False
        arrays, unknown, recorded_by = read_day(configurations, rule, as_of, with_points=bool(backtest.training_dates))
        BacktestDay.objects.get_or_create(
            backtest=backtest,
            as_of=as_of,
            defaults={"recorded_by": recorded_by, "unknown_count": unknown, "rows": pack(arrays)},
        )
        renew_lease(LEASE_SECONDS)
        on_date()
    if until is not None and time.monotonic() > until - STRETCH_SECONDS / 2:
        return False
    finish_backtest(backtest=backtest)
    return True


def finish_backtest(*, backtest: Backtest) -> None:
    """Judge what was read and keep the result, unless it was cancelled meanwhile."""
    from health.backtest_result import conclude

    conclusion = conclude(backtest)
    with transaction.atomic():
        changed = Backtest.objects.filter(pk=backtest.pk, state=BacktestState.RUNNING).update(
            state=BacktestState.DONE, result=conclusion.result, finished_at=Now(), message=""
        )
        if changed and conclusion.learned is not None:
            conclusion.learned.save()
    backtest.refresh_from_db()


def note_failure(*, backtest: Backtest, error: Exception) -> bool:
    """Count a failure; True when it was one too many, or no other attempt could end otherwise."""
    is_final = isinstance(error, InvalidInput | InvalidScorecard) or backtest.failures + 1 >= MAX_FAILURES
    changes: dict[str, Any] = {"failures": backtest.failures + 1, "message": _told(error)[:500]}
    if is_final:
        changes |= {"state": BacktestState.FAILED, "finished_at": Now()}
    Backtest.objects.filter(pk=backtest.pk, state__in=[BacktestState.WAITING, BacktestState.RUNNING]).update(**changes)
    return is_final


def cancel_backtest(*, backtest: Backtest, now: datetime, actor: User | None = None) -> bool:
    """Stop a backtest after the date it is at; False when it was over already. Raises PermissionDenied."""
    check_actor(actor)
    stopped = Backtest.objects.filter(pk=backtest.pk, state__in=[BacktestState.WAITING, BacktestState.RUNNING])
    return bool(stopped.update(state=BacktestState.CANCELLED, finished_at=now))


@transaction.atomic
def restart_backtest(*, backtest: Backtest, actor: User | None = None) -> bool:
    """Go on with one that was cancelled or failed, from the dates it has; False when it is neither.

    Raises PermissionDenied.
    """
    check_actor(actor)
    stopped = Backtest.objects.filter(pk=backtest.pk, state__in=[BacktestState.CANCELLED, BacktestState.FAILED])
    changed = stopped.update(state=BacktestState.WAITING, failures=0, message="", finished_at=None)
    if changed:
        resume_backtest(backtest=backtest)
    return bool(changed)


@transaction.atomic
def delete_backtest(*, backtest: Backtest, actor: User | None = None) -> None:
    """Delete a backtest with what was learned from it.

    Raises InvalidInput while its model is in force, and PermissionDenied.
    """
    check_actor(actor)
    if LearnedModel.objects.filter(backtest=backtest, is_in_force=True).exists():
        raise InvalidInput(f"The probability learned from “{backtest}” ranks accounts; withdraw it first.")
    backtest.delete()


def rule_of(backtest: Backtest) -> ChurnRule:
    data = dict(backtest.rule)
    until = data.get("complete_until")
    return ChurnRule(
        **data | {"events": tuple(data["events"]), "complete_until": date.fromisoformat(until) if until else None}
    )


def configurations_of(backtest: Backtest) -> "list[Configuration]":
    from health.backtest_days import Configuration

    return [Configuration(each["key"], each["label"], read_card(each["config"])) for each in backtest.contenders]


def _next_date(backtest: Backtest) -> date | None:
    done = {day.isoformat() for day in backtest.days.values_list("as_of", flat=True)}
    return next((date.fromisoformat(text) for text in backtest.all_dates if text not in done), None)


def _is_over(backtest: Backtest) -> bool:
    return not Backtest.objects.filter(pk=backtest.pk, state=BacktestState.RUNNING).exists()


def _told(error: Exception) -> str:
    if isinstance(error, InvalidInput | InvalidScorecard):
        return str(error)
    return f"An error stopped it ({type(error).__name__}); the log of the worker says more."


def _check_rule(rule: ChurnRule) -> None:
    if rule.kind not in RULE_KINDS:
        raise InvalidInput(f"Churn is one of {', '.join(RULE_KINDS)}, not {rule.kind!r}.", "rule")
    if not 1 <= rule.horizon_days <= MAX_HORIZON_DAYS:
        raise InvalidInput(f"The horizon is a number of days from 1 to {MAX_HORIZON_DAYS}.", "horizon_days")
    if not 0 <= rule.lead_days <= MAX_LEAD_DAYS:
        raise InvalidInput(f"The lead time is a number of days from 0 to {MAX_LEAD_DAYS}.", "lead_days")
    if not 1 <= rule.active_days <= LOOKBACK_DAYS:
        raise InvalidInput(f"Active is a number of days from 1 to {LOOKBACK_DAYS}.", "active_days")


def _check_dates(dates: Sequence[date], rule: ChurnRule, now: datetime) -> None:
    if not 1 <= len(dates) <= MAX_DATES:
        raise InvalidInput(f"Choose 1 to {MAX_DATES} dates, not {len(dates)}.", "dates")
    if dates[0] < EARLIEST:
        raise InvalidInput(f"{dates[0]} is too long ago; choose dates from {EARLIEST} on.", "dates")
    if dates[-1] > now.date():
        raise InvalidInput(f"{dates[-1]} has not come yet; choose days of the past.", "dates")
    newest = now.date() - timedelta(days=rule.lead_days + rule.horizon_days)
    if dates[-1] > newest:
        raise InvalidInput(
            f"What became of accounts after {dates[-1]} is not known before {rule.window(dates[-1])[1]}:"
            f" choose dates up to {newest}, or a shorter horizon.",
            "dates",
        )


def _check_training_dates(dates: Sequence[date], first: date, rule: ChurnRule) -> None:
    if len(dates) > MAX_DATES:
        raise InvalidInput(f"Learn from at most {MAX_DATES} dates.", "training_dates")
    for day in dates:
        if rule.window(day)[1] > first:
            raise InvalidInput(
                f"The horizon of {day} ends on {rule.window(day)[1]}, after {first}, which is judged: it would learn"
                " from what it is to foretell. Choose earlier dates to learn from.",
                "training_dates",
            )


def _check_candidates(candidates: Sequence[Candidate]) -> list[Card]:
    if not 1 <= len(candidates) <= MAX_CONTENDERS:
        raise InvalidInput(f"Choose 1 to {MAX_CONTENDERS} versions or drafts, not {len(candidates)}.", "versions")
    if len({each.key for each in candidates}) < len(candidates):
        raise InvalidInput("The same version is there twice.", "versions")
    cards = []
    for each in candidates:
        try:
            cards.append(read_card(each.config))
        except InvalidScorecard as error:
            raise InvalidInput(f"{each.label}: {error}", "versions") from error
    return cards


def _rule_as_dict(rule: ChurnRule) -> dict[str, Any]:
    until = rule.complete_until.isoformat() if rule.complete_until else None
    return asdict(rule) | {"events": list(rule.events), "complete_until": until}


def _name(candidates: Sequence[Candidate], dates: Sequence[date]) -> str:
    labels = " and ".join([candidates[0].label, *([f"{len(candidates) - 1} more"] if len(candidates) > 1 else [])])
    return f"{labels} on {dates[0]}" if len(dates) == 1 else f"{labels}, {dates[0]} to {dates[-1]}"

"""Computing scores: live ones for everybody or for those that changed, and any past day."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from accounts.conditions import Moment, Sql
from accounts.conditions.compiler import matching_sql
from accounts.enums import Origin
from accounts.errors import InvalidInput
from accounts.events import advance, read_events, stamp_events
from accounts.models.times import VISIBLE
from health.metrics.query import EVERYBODY, AccountSet
from health.models import DirtyAccount, Scorecard, ScorecardVersion
from health.overrides import override_scores
from health.scorecards import Card, Rollup
from health.services.alert_evaluation import evaluate_changed
from health.usage.moment import reading_moment
from health.usage.partitions import PartitionedTable, ensure_partitions
from health.usage.source import usage_source
from team.work import enqueue

if TYPE_CHECKING:
    from health.results import Results

SCORE_WRITE_LOCK = 0x5EED_0012
SCORE_CHANGED_LOCK = 0x5EED_0013
SCORE_SNAPSHOT = PartitionedTable("health_scoresnapshot", "month")
# Few and large: usage lies by day on disk, so that every chunk of accounts reads all of it.
CHUNK_ACCOUNTS = 100_000
DIRTY_BATCH = 2_000
LARGE_WRITE = 200
EVENT_BATCH = 1_000
CONSUMER = "health.scores"
# What scoring itself writes must not make it score again.
OWN_EVENTS = {"alert.closed", "alert.raised", "band.changed"}

# Whether account `x` was there as of then: created, using, or subscribed by what was known.
_EXISTED = (
    "EXISTS (SELECT FROM accounts_accountevent e WHERE e.account_id = x.id AND e.kind = 'account.created'"  # noqa: S608
    " AND e.occurred_at < %(as_of)s AND e.recorded_at <= %(recorded_by)s"
    " AND (e.origin = 'backfill' OR e.recorded_at <= %(as_of)s))"
    f" OR EXISTS (SELECT FROM {usage_source(live=True)} u WHERE u.account_id = x.id)"
    " OR EXISTS (SELECT FROM accounts_subscription s JOIN accounts_subscriptionchange c ON c.subscription_id = s.id"
    f" WHERE s.account_id = x.id AND {VISIBLE.format(t='c')})"
)


@dataclass(frozen=True)
class ScoreReport:
    """How many accounts were scored, how many results were new, and how many bands changed (live only)."""

    scored: int = 0
    written: int = 0
    band_changes: int = 0

    def __add__(self, other: "ScoreReport") -> "ScoreReport":
        return ScoreReport(
            self.scored + other.scored, self.written + other.written, self.band_changes + other.band_changes
        )


def live_as_of(now: datetime) -> date:
    """Return the as_of of the live score: the end of the UTC day that is running."""
    return now.astimezone(UTC).date() + timedelta(days=1)


def midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time(), UTC)


def account_chunks(size: int = CHUNK_ACCOUNTS) -> list[AccountSet]:
    """Return all accounts in sets of at most `size`, by range of ids; one set is simply everybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(id), max(id) FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / %s AS n"
            " FROM accounts_account WHERE deleted_at IS NULL) numbered GROUP BY n ORDER BY n",
            [size],
        )
        rows = cursor.fetchall()
    return [EVERYBODY] if len(rows) <= 1 else [AccountSet(first=first, last=last) for first, last in rows]


def score_everybody(*, now: datetime, scorecard: Scorecard | None = None) -> None:
    """Make it due to score all accounts by the live scorecards (or one), chunk by chunk."""
    cards = [scorecard] if scorecard else list(Scorecard.objects.live())
    for chunk in account_chunks():
        for card in cards:
            enqueue(
                kind="health.score_chunk",
                key=f"{card.pk}:{chunk.first or 0}",
                payload={"scorecard_id": card.pk, "first": chunk.first, "last": chunk.last},
                priority=5,
            )


def score_accounts(
    *,
    scorecard: Scorecard,
    now: datetime,
    accounts: AccountSet = EVERYBODY,
    as_of: date | None = None,
    origin: str = Origin.LIVE,
    version: ScorecardVersion | None = None,
) -> ScoreReport:
    """Score accounts by a version, that in force unless another is given, and keep what is new.

    Without `as_of` the live score: the current scores follow, and a changed band writes an event of
    the given origin in the same transaction. For a past day only snapshots are written, as a
    further revision where the day has one already. Raises InvalidInput for a day to come.
    """
    live = live_as_of(now)
    as_of = as_of or live
    if as_of > live:
        raise InvalidInput(f"{as_of} has not come yet; the last day to score is {live}.", "as_of")
    version = version or scorecard.version
    if version is None:
        raise InvalidInput(f"The scorecard {scorecard} has no published version.", "scorecard")
    ensure_partitions(SCORE_SNAPSHOT, [as_of])
    results, recorded_by = compute(version, accounts, as_of=as_of, is_live=as_of == live)
    return _keep(version, results, accounts, as_of=as_of, recorded_by=recorded_by, origin=origin, is_live=as_of == live)


def compute(
    version: ScorecardVersion, accounts: AccountSet, *, as_of: date, is_live: bool = False
) -> "tuple[Results, datetime]":
    """Return what a version says about accounts as of a day, by all that is recorded now, and that moment.

    Writes nothing. Leaves out accounts the scorecard does not apply to, and those not there yet.
    """
    from health.results import with_overrides

    card = version.card()
    results, recorded_by = compute_card(
        card,
        accounts,
        applies_to=version.applies_to,
        as_of=as_of,
        is_live=is_live,
        version_hash=version.hash,
        scorecard_id=version.scorecard_id,
    )
    overrides = override_scores(version.scorecard_id, accounts, as_of=as_of, recorded_by=recorded_by)
    return with_overrides(card, results, overrides), recorded_by


def compute_card(
    card: Card,
    accounts: AccountSet,
    *,
    applies_to: dict[str, Any] | None,
    as_of: date,
    is_live: bool = False,
    version_hash: str = "",
    scorecard_id: int | None = None,
) -> "tuple[Results, datetime]":
    """Return what a configuration, published or not, says about the accounts it applies to. See compute.

    `scorecard_id`: whose overrides count where the score of a parent is made from those below it.
    """
    from health.computing import compute_results
    from health.hierarchy import rolled_results

    with reading_moment() as recorded_by:
        moment = Moment(as_of=midnight(as_of), recorded_by=recorded_by)

        def compute(some: AccountSet) -> "Results":
            return compute_results(
                card,
                some,
                as_of=as_of,
                recorded_by=recorded_by,
                live=True,
                only=_applicable(applies_to, some, moment, is_live=is_live),
                version_hash=version_hash,
            )

        def shown(some: AccountSet) -> dict[int, int]:
            if scorecard_id is None:
                return {}
            return override_scores(scorecard_id, some, as_of=as_of, recorded_by=recorded_by)

        results = rolled_results(
            card, compute(accounts), compute, as_of=moment.as_of, recorded_by=recorded_by, shown=shown
        )
    return results, recorded_by


def score_changed_accounts(*, now: datetime, seconds: float = 40) -> ScoreReport:
    """Score the accounts whose facts changed since they were scored, until none is left or the time is over.

    One at a time: who finds another at it leaves the work to them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [SCORE_CHANGED_LOCK])
        if not cursor.fetchone()[0]:
            return ScoreReport()
        try:
            return _score_changed_accounts(now, seconds)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [SCORE_CHANGED_LOCK])


def stop_scoring(*, scorecard: Scorecard, now: datetime) -> None:
    """Delete the current scores of a scorecard that was switched off; the snapshots stay."""
    from health import snapshots

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SCORE_WRITE_LOCK])
    snapshots.delete_all_current(scorecard, now=now)
    snapshots.choose_main(EVERYBODY)


def forget_old_snapshots(*, now: datetime, daily: int = 100) -> int:
    """Thin out history: daily for `daily` days, then Mondays, and every band change for ever.

    Returns how many were deleted.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM health_scoresnapshot WHERE as_of < %s AND extract(isodow FROM as_of) <> 1"
            " AND NOT is_band_change",
            [live_as_of(now) - timedelta(days=daily)],
        )
        return int(cursor.rowcount)


def _score_changed_accounts(now: datetime, seconds: float) -> ScoreReport:
    until = time.monotonic() + seconds
    report = ScoreReport()
    _note_events(now)
    while time.monotonic() < until:
        batch = list(DirtyAccount.objects.order_by("since")[:DIRTY_BATCH].values_list("account_id", "marked_at"))
        if not batch:
            break
        cards = list(Scorecard.objects.live())
        accounts = AccountSet(ids=_whose_scores_change([pk for pk, _ in batch], cards))
        for scorecard in cards:
            report += score_accounts(scorecard=scorecard, now=now, accounts=accounts)
        evaluate_changed(accounts.ids or ())
        _forget_dirty(batch)
    else:
        enqueue(kind="health.score_changed", key="again")
    return report


def _whose_scores_change(ids: list[int], cards: list[Scorecard]) -> tuple[int, ...]:
    """Return accounts that changed with those above them where a scorecard looks below."""
    if not any(card.version and card.version.card().rollup is not Rollup.OWN for card in cards):
        return tuple(ids)
    from health.hierarchy import with_ancestors

    return with_ancestors(ids)


def _applicable(
    applies_to: dict[str, Any] | None, accounts: AccountSet, moment: Moment, *, is_live: bool
) -> Sql | None:
    """Return SQL for the ids that a scorecard scores as of then; None for all."""
    conditions, params = [accounts.holds("x.id")], {}
    if applies_to:
        matching = matching_sql(applies_to, moment, ids=accounts.ids)
        conditions.append(f"x.id IN ({matching.text})")
        params = matching.params
    if not is_live:
        conditions.append(f"({_EXISTED})")
    if len(conditions) == 1:
        return None
    return Sql(f"SELECT x.id FROM accounts_account x WHERE {' AND '.join(conditions)}", params)  # noqa: S608


@transaction.atomic
def _keep(
    version: ScorecardVersion,
    results: "Results",
    accounts: AccountSet,
    *,
    as_of: date,
    recorded_by: datetime,
    origin: str,
    is_live: bool,
) -> ScoreReport:
    """Write what is new, in one transaction with its events; one writer at a time.

    A run that comes late with what was recorded earlier changes no current score.
    """
    from health import snapshots
    from health.results import decide

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SCORE_WRITE_LOCK])
    scorecard = version.scorecard
    if is_live and not Scorecard.objects.live().filter(pk=scorecard.pk).exists():
        # It was switched off while this was computed, and its current scores are gone.
        return ScoreReport()
    current = snapshots.read_current(scorecard, accounts)
    newest = snapshots.read_newest(scorecard, accounts, as_of)
    plan = decide(results, current, newest, as_of=as_of, recorded_by=recorded_by, is_live=is_live)
    if len(plan.results) > LARGE_WRITE:
        # Nobody has counted the rows that are being written: the planner takes them for few, and loops.
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_nestloop = off")
    changes = 0
    if is_live:
        snapshots.delete_superseded(scorecard, as_of, plan.superseded_ids, plan.superseded_revisions)
    snapshots.copy_snapshots(
        version,
        plan.results,
        as_of=as_of,
        recorded_by=recorded_by,
        revision=plan.revision,
        is_band_change=plan.is_band_change,
    )
    snapshots.keep_children(scorecard, plan.results, as_of=as_of, recorded_by=recorded_by)
    if is_live:
        written = plan.results.account_ids
        changes = snapshots.write_band_changes(
            scorecard, written[plan.is_band_change], as_of=as_of, recorded_by=recorded_by, origin=origin
        )
        snapshots.follow_with_current(scorecard, written, as_of=as_of, recorded_by=recorded_by)
        snapshots.delete_current(scorecard, plan.gone_ids, now=recorded_by)
        snapshots.choose_main(accounts)
    return ScoreReport(len(results), len(plan.results), changes)


def _note_events(now: datetime) -> None:
    """Mark the accounts of new events in the log as changed."""
    stamp_events()
    while events := read_events(CONSUMER, EVENT_BATCH):
        changed = {event.account_id for event in events if event.kind not in OWN_EVENTS}
        with transaction.atomic():
            DirtyAccount.objects.bulk_create(
                [DirtyAccount(account_id=pk, since=now, marked_at=now) for pk in sorted(changed)],
                update_conflicts=True,
                unique_fields=["account_id"],
                update_fields=["marked_at"],
            )
            advance(CONSUMER, events[-1].position or 0, now=now)


def _forget_dirty(batch: list[tuple[int, datetime]]) -> None:
    """Forget those that were not marked again while they were scored."""
    ids, marks = zip(*batch, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM health_dirtyaccount d USING unnest(%s::int[], %s::timestamptz[]) scored (id, marked_at)"
            " WHERE d.account_id = scored.id AND d.marked_at = scored.marked_at",
            [list(ids), list(marks)],
        )

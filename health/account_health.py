"""What the health page of an account shows: its history, and how a score came about."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from accounts.models import Account
from health.enums import ScoreKind
from health.models import CurrentScore, ScorecardVersion, ScoreSnapshot
from health.queries import score_history, snapshot_at
from health.receipts import HUNDREDTHS, UNKNOWN, LimitLine, Line, Part, Receipt, build_receipt

if TYPE_CHECKING:
    from health.recovery import Recovery

HISTORY_DAYS = 180
PULLS = 3
TREND_POINTS = 30
KEPT_EVERY_DAYS = 7
# From here on a decimal says nothing.
LARGE = 100


@dataclass(frozen=True)
class Row:
    """A line of the table of measures: a group (`part`) or a measure (`line`), and its trend.

    `trend`: points on the last days of the same version, None where unknown. `seen_at`: the time of
    the newest input; of a day that was running, when the score was computed.
    """

    part: Part | None
    line: Line | None
    trend: tuple[float | None, ...] = ()
    seen_at: datetime | None = None

    @property
    def weight(self) -> str:
        """The share of the whole weight it had, and the one the scorecard gives it where that differs."""
        node = self.part or self.line
        assert node is not None
        real, nominal = round(node.share * 100, 1), round(node.nominal_share * 100, 1)
        return f"{real:g} %" if real == nominal else f"{real:g} % (of {nominal:g} %)"

    @property
    def moves(self) -> str:
        """The points by which it moves the score, with their sign."""
        node = self.part or self.line
        assert node is not None
        if isinstance(node, Line) and node.share == 0:
            return "–"
        return f"{node.contribution:+.2f}".replace("-", "−") if node.contribution else "0"

    @property
    def value(self) -> str:
        """The value as people read it: whole where it is large, with its unit."""
        if self.line is None or self.line.value is None:
            return ""
        value = self.line.value
        digits = 0 if abs(value) >= LARGE or math.isclose(value, round(value)) else 1
        return f"{value:,.{digits}f} {self.line.metric.unit}".replace("-", "−").strip()


@dataclass(frozen=True)
class Revision:
    """That the score of a day that was over changed, because late data arrived. Points are None without a score."""

    at: datetime
    old: float | None
    new: float | None


@dataclass(frozen=True)
class AccountHealth:
    """`history`: (last day counted, score or None) for each day; `markers`: days on which another version began.

    `since`: the first day of the run of days in the band of the receipt; `is_since_start`: it may
    have begun before the history that is shown.
    """

    scores: list[CurrentScore]
    current: CurrentScore | None
    receipt: Receipt | None
    problems: list[str]
    rows: list[Row]
    history: list[tuple[date, float | None]]
    markers: list[tuple[date, str]]
    recovery: "Recovery | None" = None  # of a parent that is scored by the accounts below it there is none
    revision: Revision | None = None
    since: date | None = None
    is_since_start: bool = False

    @property
    def pulls(self) -> list[Line | LimitLine]:
        """What pulls the score down most, the worst first."""
        if self.receipt is None:
            return []
        lines: list[Line | LimitLine] = [*self.receipt.lines, *self.receipt.limits]
        return sorted((line for line in lines if line.contribution < 0), key=lambda line: line.contribution)[:PULLS]

    @property
    def lifts(self) -> list[Line | LimitLine]:
        """What lifts the score most, the best first."""
        if self.receipt is None:
            return []
        lines: list[Line | LimitLine] = [*self.receipt.lines, *self.receipt.limits]
        return sorted((line for line in lines if line.contribution > 0), key=lambda line: -line.contribution)[:PULLS]

    @property
    def gaps(self) -> list[Line]:
        """The measures that lower the confidence, the weightiest first."""
        lines = [] if self.receipt is None else self.receipt.lines
        return sorted((line for line in lines if line.state != "known"), key=lambda line: -line.nominal_share)

    @property
    def is_newest(self) -> bool:
        """Whether the receipt is that of the current score."""
        if self.receipt is None or self.current is None:
            return False
        snapshot = self.receipt.snapshot
        return (snapshot.as_of, snapshot.revision) == (self.current.as_of, self.current.revision)


def account_health(account: Account, *, scorecard_id: int | None = None, day: date | None = None) -> AccountHealth:
    """Return what is known by a scorecard (None: the main one), with the receipt that counts `day` as its last.

    Without that day, the newest before it; without any, no receipt.
    """
    scores = list(
        CurrentScore.objects.filter(account=account)
        .select_related("scorecard", "version")
        .order_by("scorecard__position", "scorecard_id")
    )
    scores.sort(key=lambda score: score.main_of != ScoreKind.HEALTH)
    current = next((score for score in scores if score.scorecard_id == scorecard_id), None)
    if scorecard_id is None and scores:
        current = scores[0]
        scorecard_id = current.scorecard_id
    if scorecard_id is None:
        return AccountHealth(scores, None, None, [], [], [], [])
    as_of = None if day is None else day + timedelta(days=1)
    snapshot = snapshot_at(account, scorecard_id=scorecard_id, as_of=as_of)
    if snapshot is None:
        return AccountHealth(scores, current, None, [], [], [], [])
    from health.proof import verify
    from health.recovery import recovery
    from health.score_change import inputs_of

    receipt = build_receipt(snapshot)
    inputs = inputs_of(snapshot, receipt.card, {snapshot.version_id: receipt.card})
    past, revised = _past(account, scorecard_id, until=snapshot.as_of)
    since = _band_since(past)
    return AccountHealth(
        scores=scores,
        current=current,
        receipt=receipt,
        problems=verify(receipt.as_dict()),
        rows=list(_rows(receipt, past)),
        history=_history(past),
        markers=_markers(past, revised),
        recovery=None if receipt.children else recovery(receipt.card, inputs.value, inputs.age),
        revision=revised.get(snapshot.as_of),
        since=since,
        is_since_start=since == past[0].as_of - timedelta(days=1),
    )


def _past(account: Account, scorecard_id: int, *, until: date) -> tuple[list[ScoreSnapshot], dict[date, Revision]]:
    """Return the newest snapshot of each day that has one, oldest first, and what late data revised, by as_of."""
    rows = score_history(
        account, scorecard_id=scorecard_id, first=until - timedelta(days=HISTORY_DAYS - 1), last=until
    ).order_by("as_of", "revision")
    newest: dict[date, ScoreSnapshot] = {}
    revised: dict[date, Revision] = {}
    for row in rows.defer("value", "fresh", "contribution", "hash"):
        before = newest.get(row.as_of)
        if before is not None and row.recorded_by > datetime.combine(row.as_of, time(), UTC):
            revised[row.as_of] = Revision(row.recorded_by, _points(before.score), _points(row.score))
        newest[row.as_of] = row
    return list(newest.values()), revised


def _band_since(past: list[ScoreSnapshot]) -> date:
    """Return the first day of the last run of days in one band."""
    run = list(itertools.takewhile(lambda row: row.band == past[-1].band, reversed(past)))
    return run[-1].as_of - timedelta(days=1)


def _points(score: int) -> float | None:
    return None if score == UNKNOWN else score / HUNDREDTHS


def _history(past: list[ScoreSnapshot]) -> list[tuple[date, float | None]]:
    """Return a point a day. Old history is kept by the week: a kept score stands until the next, a week at most."""
    found = {row.as_of: None if row.score == UNKNOWN else row.score / HUNDREDTHS for row in past}
    history, kept = [], past[0].as_of
    for n in range((past[-1].as_of - past[0].as_of).days + 1):
        day = past[0].as_of + timedelta(days=n)
        kept = day if day in found else kept
        score = found[kept] if (day - kept).days < KEPT_EVERY_DAYS else None
        history.append((day - timedelta(days=1), score))
    return history


def _markers(past: list[ScoreSnapshot], revised: dict[date, Revision]) -> list[tuple[date, str]]:
    """Return the days on which another version began, a score was set by hand or given back, or was revised."""
    changes = [
        (after.as_of, after.version_id)
        for before, after in itertools.pairwise(past)
        if before.version_id != after.version_id
    ]
    numbers = {}
    if changes:
        numbers = dict(ScorecardVersion.objects.filter(pk__in=[pk for _, pk in changes]).values_list("pk", "number"))
    words: dict[date, list[str]] = defaultdict(list)
    for as_of, pk in changes:
        words[as_of].append(f"v{numbers[pk]}")
    by_hand = [False, *(row.override != UNKNOWN for row in past)]
    for row, (was, is_now) in zip(past, itertools.pairwise(by_hand), strict=True):
        if was != is_now:
            words[row.as_of].append("by hand" if is_now else "computed")
    for as_of in revised:
        words[as_of].append("revised")
    return [(as_of - timedelta(days=1), ", ".join(words[as_of])) for as_of in sorted(words)]


def _rows(receipt: Receipt, past: list[ScoreSnapshot]) -> Iterator[Row]:
    """Yield the rows of the table; a measure's trend goes back as far as its version does, a page at most."""
    same = [row for row in past if row.version_id == receipt.version.pk][-TREND_POINTS:]
    place = 0
    for node in receipt.root.walk():
        if isinstance(node, Part):
            yield Row(node, None)
        else:
            points = (row.points[place] for row in same)
            seen_at = None if node.fresh_at is None else min(node.fresh_at, receipt.snapshot.recorded_by)
            yield Row(None, node, tuple(None if p == UNKNOWN else p / HUNDREDTHS for p in points), seen_at)
            place += 1

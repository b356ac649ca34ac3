"""What a draft would change before it is published: bands, scores, and what these set off. Writes nothing.

Both configurations are computed from the same facts, now: what differs is the configuration alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from accounts.models import Account
from health.sampling import Sample, sample_accounts
from health.scorecards import Band, Card
from health.scoring import HUNDREDTHS, UNKNOWN
from health.services.scores import compute_card, live_as_of

if TYPE_CHECKING:
    from health.results import Results

BINS = 10
BAND_ORDER = (Band.RED, Band.YELLOW, Band.GREEN, Band.UNKNOWN)


@dataclass(frozen=True)
class Standing:
    """What one configuration says of an account. `score` None: too little is known."""

    score: float | None
    band: Band


@dataclass(frozen=True)
class Move:
    """An account whose band differs; None on one side: the scorecard does not score it."""

    account_id: int
    name: str
    before: Standing | None
    after: Standing | None


@dataclass(frozen=True)
class Distribution:
    """How the accounts stand under one configuration. `bins`: (from, how many, band) by tens of the score."""

    accounts: int
    counts: dict[str, int]
    bins: list[tuple[str, int, str]]


@dataclass(frozen=True)
class Pinned:
    """A chosen account. `steps`: (label, points it moves the score by; None: no data) under the draft."""

    account_id: int
    name: str
    before: Standing | None
    after: Standing | None
    steps: list[tuple[str, float | None]] = field(default_factory=list)


@dataclass(frozen=True)
class Consequence:
    """Something that publishing would set off: "12 risk alerts would open"."""

    text: str
    url: str = ""


@dataclass(frozen=True)
class Preview:
    sample: Sample
    before: Distribution | None
    after: Distribution
    moves: list[Move]
    pinned: list[Pinned]
    consequences: list[Consequence]

    @property
    def turns(self) -> list[tuple[Band | None, Band | None, int]]:
        """How many accounts turn from which band to which (None: not scored), the most first."""
        counts: dict[tuple[Band | None, Band | None], int] = {}
        for move in self.moves:
            turn = (move.before.band if move.before else None, move.after.band if move.after else None)
            counts[turn] = counts.get(turn, 0) + 1
        return [(*turn, count) for turn, count in sorted(counts.items(), key=lambda each: -each[1])]


Asked = Callable[[list[Move], Sample], list[Consequence]]
_consequences: list[Asked] = []


def register_consequence(asked: Asked) -> Asked:
    """Let a room say what changed bands would set off: alerts, playbooks; upper apps call this in ready()."""
    _consequences.append(asked)
    return asked


def preview(
    after: Card,
    before: Card | None,
    *,
    now: datetime,
    pinned_ids: list[int] | None = None,
    sample: Sample | None = None,
) -> Preview:
    """Compare a draft with the version in force (None: a new scorecard), over all accounts or a sample of many."""
    pinned = pinned_ids or []
    sample = sample or sample_accounts(including=tuple(pinned))
    new = _computed(after, sample, now)
    old = _computed(before, sample, now) if before else None
    moves = _moves(old, new) if old is not None else []
    names = _names([move.account_id for move in moves] + pinned)
    moves = [Move(m.account_id, names[m.account_id], m.before, m.after) for m in moves if m.account_id in names]
    return Preview(
        sample=sample,
        before=_distribution(before, old) if before and old is not None else None,
        after=_distribution(after, new),
        moves=moves,
        pinned=[_pinned(pk, names[pk], after, old, new) for pk in pinned if pk in names],
        consequences=[each for asked in _consequences for each in asked(moves, sample)] if moves else [],
    )


@dataclass(frozen=True)
class _Computed:
    results: "Results"
    standings: dict[int, Standing]


def _computed(card: Card, sample: Sample, now: datetime) -> _Computed:
    applies_to: Any = dict(card.applies_to) if card.applies_to else None
    results, _ = compute_card(card, sample.accounts, applies_to=applies_to, as_of=live_as_of(now), is_live=True)
    rows = results.scores.accounts
    standings = {
        int(pk): Standing(None if score == UNKNOWN else score / HUNDREDTHS, Band(band))
        for pk, score, band in zip(results.account_ids, rows["score"].tolist(), rows["band"].tolist(), strict=True)
    }
    return _Computed(results, standings)


def _moves(old: _Computed, new: _Computed) -> list[Move]:
    """Return the accounts whose band differs, those that fall deepest first."""
    found = []
    for pk in old.standings.keys() | new.standings.keys():
        before, after = old.standings.get(pk), new.standings.get(pk)
        if (before and before.band) != (after and after.band):
            found.append(Move(pk, "", before, after))
    return sorted(found, key=lambda move: (_change(move), move.account_id))


def _change(move: Move) -> float:
    scores = [each.score if each and each.score is not None else 50.0 for each in (move.before, move.after)]
    return scores[1] - scores[0]


def _names(account_ids: list[int]) -> dict[int, str]:
    return dict(Account.objects.filter(pk__in=account_ids).values_list("pk", "name"))


def _distribution(card: Card, computed: _Computed) -> Distribution:
    counts = {band.word: 0 for band in BAND_ORDER}
    bins = [0] * BINS
    for standing in computed.standings.values():
        counts[standing.band.word] += 1
        if standing.score is not None:
            bins[min(int(standing.score // BINS), BINS - 1)] += 1
    rows = [(str(place * BINS), count, _band_of(card, place * BINS).word) for place, count in enumerate(bins)]
    return Distribution(len(computed.standings), counts, rows)


def _band_of(card: Card, score: float) -> Band:
    if score >= card.green_from:
        return Band.GREEN
    return Band.YELLOW if score >= card.yellow_from else Band.RED


def _pinned(pk: int, name: str, card: Card, old: _Computed | None, new: _Computed) -> Pinned:
    before = old.standings.get(pk) if old else None
    after = new.standings.get(pk)
    if after is None:
        return Pinned(pk, name, before, None)
    row = new.results.account_ids.tolist().index(pk)
    moved = new.results.scores.contributions.iloc[row]
    known = new.results.scores.points.iloc[row]
    labels = {each.key: each.label for each in card.inputs}
    steps = [
        (labels.get(str(key), str(key)), None if known[key] == UNKNOWN else moved[key] / HUNDREDTHS)
        for key in moved.index
    ]
    return Pinned(pk, name, before, after, [(label, points) for label, points in steps if points != 0])

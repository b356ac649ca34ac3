"""The change of an account's score between two days, from its stored snapshots."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
from django.db.models import QuerySet

from accounts.models import Account
from health.changes import Cause, Inputs, Split, Step, split_change
from health.computing import ages_of
from health.freezes import freezes_of, frozen_days
from health.frozen_values import read_with_freezes
from health.metrics.query import AccountSet
from health.metrics.registry import MetricUse
from health.metrics.values import Values
from health.models import ScorecardVersion, ScoreSnapshot
from health.queries import score_history
from health.rollup import read_children, roll_up
from health.scorecards import Card
from health.scoring import HUNDREDTHS, UNKNOWN


@dataclass(frozen=True)
class ScoreChange:
    """A split between two stored scores. `revised`: the newest revision of the old day, perhaps the same."""

    old: ScoreSnapshot
    revised: ScoreSnapshot
    new: ScoreSnapshot
    old_version: ScorecardVersion
    new_version: ScorecardVersion
    split: Split

    @property
    def first_day(self) -> date:
        return self.old.as_of - timedelta(days=1)

    @property
    def last_day(self) -> date:
        return self.new.as_of - timedelta(days=1)

    @property
    def old_points(self) -> float | None:
        return _points(self.split.old)

    @property
    def new_points(self) -> float | None:
        return _points(self.split.new)

    @property
    def points(self) -> float:
        return self.split.moved / HUNDREDTHS

    @property
    def lines(self) -> list[tuple[Step, str, str]]:
        """Each step with its name and a sentence that says what it stands for."""
        return [(step, NAMES[step.cause], self._sentence(step)) for step in self.split.steps]

    def _sentence(self, step: Step) -> str:
        if step.cause is Cause.CONFIGURATION and self.old.version_id != self.new.version_id:
            return f"Version {self.old_version.number} gave way to version {self.new_version.number} of the scorecard."
        if not step.parts:
            return ABSENT[step.cause]
        return PRESENT[step.cause]

    def as_dict(self) -> dict[str, Any]:
        return {
            "from": {"as_of": self.old.as_of, "score": self.old_points, "scorecard_version": self.old_version.number},
            "to": {"as_of": self.new.as_of, "score": self.new_points, "scorecard_version": self.new_version.number},
            "change": self.points,
            "causes": [
                {
                    "cause": str(step.cause),
                    "points": step.points,
                    "text": text,
                    "parts": [{"key": p.key, "label": p.label, "points": p.points} for p in step.parts],
                }
                for step, _, text in self.lines
            ],
        }


NAMES = {
    Cause.CONFIGURATION: "Configuration",
    Cause.LATE_DATA: "Late data",
    Cause.DECAY: "Decay",
    Cause.OVERRIDE: "Set by hand",
    Cause.BEHAVIOUR: "Behaviour",
}
PRESENT = {
    Cause.CONFIGURATION: "The scorecard changed, not the customer.",
    Cause.LATE_DATA: "Facts about the first day arrived after it was over.",
    Cause.DECAY: "Nothing new came, and what was known is too old by now.",
    Cause.OVERRIDE: "Somebody set the score by hand, or that ended.",
    Cause.BEHAVIOUR: "What the customer, and we, did meanwhile.",
}
ABSENT = {
    Cause.CONFIGURATION: "The scorecard is the same.",
    Cause.LATE_DATA: "Nothing about the first day arrived later.",
    Cause.DECAY: "No input ran out of its time.",
    Cause.OVERRIDE: "Nobody set the score by hand.",
    Cause.BEHAVIOUR: "Nothing that is measured changed.",
}


def score_change(account: Account, *, scorecard_id: int, first: date, last: date) -> ScoreChange | None:
    """Return why a score changed between two days (the last that each counts); None without stored scores.

    Days without a stored score are answered by the newest one before them.
    """
    rows = score_history(account, scorecard_id=scorecard_id)
    new = _newest(rows, last + timedelta(days=1))
    revised = _newest(rows, first + timedelta(days=1)) or rows.order_by("as_of", "-revision").first()
    if new is None or revised is None or revised.as_of > new.as_of:
        return None
    old = _as_shown_then(rows, revised)
    versions = ScorecardVersion.objects.select_related("scorecard").in_bulk({old.version_id, new.version_id})
    old_version, new_version = versions[old.version_id], versions[new.version_id]
    old_card, new_card = old_version.card(), new_version.card()
    split = split_change(
        old_card=old_card,
        old=inputs_of(old, old_card, {old.version_id: old_card}),
        new_card=new_card,
        old_for_new_card=inputs_of(old, new_card, {pk: each.card() for pk, each in versions.items()}),
        late=inputs_of(revised, new_card, _cards_of(revised, versions)),
        new=inputs_of(new, new_card, {new.version_id: new_card}),
        old_override=old.override,
        new_override=new.override,
    )
    return ScoreChange(old, revised, new, old_version, new_version, split)


def _cards_of(snapshot: ScoreSnapshot, versions: dict[int, ScorecardVersion]) -> dict[int, Card]:
    version = versions.get(snapshot.version_id) or ScorecardVersion.objects.get(pk=snapshot.version_id)
    return {version.pk: version.card()}


def _newest(rows: QuerySet[ScoreSnapshot], as_of: date) -> ScoreSnapshot | None:
    return rows.filter(as_of__lte=as_of).order_by("-as_of", "-revision").first()


def _as_shown_then(rows: QuerySet[ScoreSnapshot], revised: ScoreSnapshot) -> ScoreSnapshot:
    """Return the last revision that was recorded before its day was over; of a day scored later the first."""
    revisions = rows.filter(as_of=revised.as_of)
    shown = revisions.filter(recorded_by__lte=_midnight(revised.as_of)).order_by("-revision").first()
    return shown or revisions.order_by("revision").first() or revised


def inputs_of(snapshot: ScoreSnapshot, card: Card, cards: dict[int, Card]) -> Inputs:
    """Return the stored inputs of a snapshot by the places of a card; what it does not hold is read again.

    Read as it was known when the snapshot was taken. `cards` holds the card of the snapshot's version.
    """
    freezes = freezes_of(snapshot.account_id, as_of=_midnight(snapshot.as_of), recorded_by=snapshot.recorded_by)
    uses = [part.use for part in card.inputs]
    pairs = zip(snapshot.value, snapshot.fresh, strict=True)
    stored = dict(zip([part.use for part in cards[snapshot.version_id].inputs], pairs, strict=True))
    if missing := [use for use in dict.fromkeys(uses) if use not in stored]:
        stored |= _read_again(snapshot, missing)
    row = Values(
        np.array([snapshot.account_id]),
        np.array([[stored[use][0] for use in uses]], np.float64),
        np.array([[stored[use][1] for use in uses]], np.int32),
        np.array([frozen_days(uses, freezes)], np.int32),
    )
    return Inputs(
        row.value[0], row.fresh[0], ages_of(row, snapshot.as_of)[0], _rolled(snapshot, cards[snapshot.version_id])
    )


def _rolled(snapshot: ScoreSnapshot, card: Card) -> int | None:
    """Return the score that the accounts below gave a parent; None: its own measures did."""
    if not snapshot.children:
        return None
    return roll_up(card.rollup, read_children(snapshot.children), minimum_confidence=card.minimum_confidence).score


def _read_again(snapshot: ScoreSnapshot, uses: list[MetricUse]) -> dict[MetricUse, tuple[float, int]]:
    found = read_with_freezes(
        uses,
        AccountSet(ids=(snapshot.account_id,)),
        as_of=_midnight(snapshot.as_of),
        recorded_by=snapshot.recorded_by,
        live=False,
    )
    if not len(found.account_ids):
        return dict.fromkeys(uses, (float("nan"), -1))
    return {use: (float(found.value[0, i]), int(found.fresh[0, i])) for i, use in enumerate(uses)}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _points(hundredths: int) -> float | None:
    return None if hundredths == UNKNOWN else hundredths / HUNDREDTHS

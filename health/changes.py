"""Why a score changed between two days: an exact split by cause, down to the measure. Pure.

The causes are taken away one after the other, always in the same order: the configuration (the old
inputs under the new scorecard), late data (what was recorded of the old day after it was over),
decay (the same inputs, some of them too old by now), an override, and what is left: the behaviour
of the account. Every step is the difference of two sets of contributions in whole hundredths, so
that the parts sum to the change exactly, and a step is zero where its cause is absent. A score that
is unknown on the way counts as the baseline of 50, from which nothing moves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from health.scorecards import Card, Measure
from health.scoring import BASELINE, HUNDREDTHS, UNKNOWN, score

NO_INPUT = -1
# The key of the part that the accounts below a parent have; no measure can have it.
BELOW = "accounts below"


class Cause(StrEnum):
    """In the order in which they are taken away."""

    CONFIGURATION = "configuration"
    LATE_DATA = "late_data"
    DECAY = "decay"
    OVERRIDE = "override"
    BEHAVIOUR = "behaviour"


@dataclass(frozen=True)
class Inputs:
    """What went into a score, by the place of a card's inputs.

    value: canonical, NaN: unknown. minute: of the newest input since 1970, NO_INPUT: none. age: days
    from that to when the score counts, NaN: no input. rolled: the score of a parent that comes from
    the accounts below it (hundredths, UNKNOWN), which takes the place of its own measures; None: it
    does not.
    """

    value: npt.NDArray[np.float64]
    minute: npt.NDArray[np.int32]
    age: npt.NDArray[np.float64]
    rolled: int | None = None


@dataclass(frozen=True)
class Part:
    """What one measure, limit or override did, in hundredths of points."""

    key: str
    label: str
    moved: int

    @property
    def points(self) -> float:
        return self.moved / HUNDREDTHS


@dataclass(frozen=True)
class Step:
    """What one cause did; the parts that moved anything, the largest first."""

    cause: Cause
    parts: tuple[Part, ...]

    @property
    def moved(self) -> int:
        return sum(part.moved for part in self.parts)

    @property
    def points(self) -> float:
        return self.moved / HUNDREDTHS


@dataclass(frozen=True)
class Split:
    """The steps in their order. old, new: what was shown, in hundredths, UNKNOWN: no score."""

    old: int
    new: int
    steps: tuple[Step, ...]

    @property
    def moved(self) -> int:
        """The change; a day without a score counts as the baseline."""
        return _base(self.new) - _base(self.old)

    @property
    def is_complete(self) -> bool:
        """Whether there was a score on both days."""
        return UNKNOWN not in {self.old, self.new}

    def step(self, cause: Cause) -> Step:
        return next(step for step in self.steps if step.cause is cause)


def split_change(
    *,
    old_card: Card,
    old: Inputs,
    new_card: Card,
    old_for_new_card: Inputs,
    late: Inputs,
    new: Inputs,
    old_override: int = UNKNOWN,
    new_override: int = UNKNOWN,
) -> Split:
    """Split the change of a score.

    old: of the old day as it was scored then, by the places of the old card; old_for_new_card and
    late: of the same day by the places of the new card, as recorded then and as recorded by now.
    """
    before, computed_before = _contributions(old_card, [old])
    stale = _decayed(new_card, late, new)
    after, computed_after = _contributions(new_card, [old_for_new_card, late, stale, new])
    configured, told_late, decayed, behaved = after
    labels = {part.key: part.label for part in (*old_card.inputs, *new_card.inputs)} | {BELOW: "The accounts below"}
    by_hand = _override_moves(new_override, computed_after[-1]) - _override_moves(old_override, computed_before[0])
    override = (Part("override", "Set by hand", by_hand),) if by_hand else ()
    steps = (
        Step(Cause.CONFIGURATION, _parts(before[0], configured, labels)),
        Step(Cause.LATE_DATA, _parts(configured, told_late, labels)),
        Step(Cause.DECAY, _parts(told_late, decayed, labels)),
        Step(Cause.OVERRIDE, override),
        Step(Cause.BEHAVIOUR, _parts(decayed, behaved, labels)),
    )
    return Split(
        old=computed_before[0] if old_override == UNKNOWN else old_override,
        new=computed_after[-1] if new_override == UNKNOWN else new_override,
        steps=steps,
    )


def _contributions(card: Card, rows: Sequence[Inputs]) -> tuple[list[dict[str, int]], list[int]]:
    """Return by row the contributions by key, and the computed score."""
    keys = [part.key for part in card.inputs]
    scores = score(
        card,
        pd.DataFrame([row.value for row in rows], columns=keys, dtype="float64"),
        pd.DataFrame([row.age for row in rows], columns=keys, dtype="float64"),
    )
    found = [dict(zip(keys, row, strict=True)) for row in scores.contributions.astype(int).to_numpy().tolist()]
    computed = scores.accounts["score"].astype(int).tolist()
    for place, row in enumerate(rows):
        if row.rolled is not None:
            found[place], computed[place] = {BELOW: _base(row.rolled) - BASELINE}, row.rolled
    return found, computed


def _decayed(card: Card, old: Inputs, new: Inputs) -> Inputs:
    """Return the old inputs as old as they are by now, where no newer one has come and they are too old now."""
    age = old.age.copy()
    for place, part in enumerate(card.inputs):
        if not isinstance(part, Measure) or part.fresh_days is None:
            continue
        is_same = old.minute[place] == new.minute[place] != NO_INPUT
        if is_same and not old.age[place] > part.fresh_days and new.age[place] > part.fresh_days:
            age[place] = new.age[place]
    return replace(old, age=age)


def _parts(before: dict[str, int], after: dict[str, int], labels: dict[str, str]) -> tuple[Part, ...]:
    keys = dict.fromkeys([*before, *after])
    parts = (Part(key, labels[key], after.get(key, 0) - before.get(key, 0)) for key in keys)
    return tuple(sorted((part for part in parts if part.moved), key=lambda part: -abs(part.moved)))


def _override_moves(override: int, computed: int) -> int:
    return 0 if override == UNKNOWN else override - _base(computed)


def _base(hundredths: int) -> int:
    return BASELINE if hundredths == UNKNOWN else hundredths

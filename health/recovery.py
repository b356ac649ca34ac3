"""What would turn a score green: the smallest single improvements, or several together. Pure.

A target is found by reading a curve backwards and is checked by scoring the account with it.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from health.metrics.registry import get_metric
from health.scorecards import Band, Card, Effect, Limit, Measure
from health.scoring import FIRED, HUNDREDTHS, MAX_HUNDREDTHS, UNKNOWN, Scores, score

ROUND_DIGITS = 2
# Nobody can do anything about these but wait.
MOVED_BY_TIME = {"days_to_renewal", "days_to_notice", "tenure_days"}


@dataclass(frozen=True)
class Target:
    """A measure and the value nearest to today's that is enough. `points`: by how much the score rises."""

    measure: Measure
    value: float
    target: float
    points: float

    @property
    def unit(self) -> str:
        return get_metric(self.measure.use.metric).unit


@dataclass(frozen=True)
class Recovery:
    """What keeps a score from green, and what would lift it there.

    missing: points to green without the limits that hold it; 0 when only they do. blocks: caps and
    vetoes that fire below green. alone: each is enough by itself. together: all of them are needed;
    empty where one is enough, or where all are not. gaps: without a score, the measures whose data
    would give one, the weightiest first.
    """

    is_green: bool
    missing: float = 0.0
    blocks: tuple[Limit, ...] = ()
    alone: tuple[Target, ...] = ()
    together: tuple[Target, ...] = ()
    gaps: tuple[Measure, ...] = ()


def recovery(card: Card, values: npt.NDArray[np.float64], ages: npt.NDArray[np.float64]) -> Recovery:
    """Say what would turn an account green. values, ages: one row by the places of the card's inputs; see score."""
    now = _scored(card, [values], ages)
    row = now.accounts.iloc[0]
    if row["band"] == Band.GREEN:
        return Recovery(is_green=True)
    if row["band"] == Band.UNKNOWN:
        return Recovery(is_green=False, gaps=_gaps(card, now))
    blocks = tuple(
        limit
        for place, limit in enumerate(card.limits, len(card.measures))
        if limit.effect is not Effect.FLOOR
        and now.points.iloc[0, place] == FIRED
        and card.held_at(limit) < card.green_from
    )
    free = replace(card, limits=tuple(limit for limit in card.limits if limit not in blocks))
    keep = [place for place, part in enumerate(card.inputs) if part not in blocks]
    values, ages = values[keep], ages[keep]
    base = _scored(free, [values], ages)
    green = math.ceil(card.green_from * HUNDREDTHS)
    missing = max(0, green - int(base.accounts["score"].to_numpy()[0]))
    if not missing:
        return Recovery(is_green=False, blocks=blocks)
    alone = tuple(_alone(free, base, values, ages, missing))
    return Recovery(
        is_green=False,
        missing=missing / HUNDREDTHS,
        blocks=blocks,
        alone=alone,
        together=() if alone else tuple(_together(free, base, values, ages)),
    )


def _alone(
    card: Card, base: Scores, values: npt.NDArray[np.float64], ages: npt.NDArray[np.float64], missing: int
) -> Iterable[Target]:
    """Yield the measures that are enough by themselves, the least demanding in points first."""
    tried: list[tuple[int, float]] = []
    for place, measure in enumerate(card.measures):
        share, points = float(base.shares.to_numpy()[0, place]), int(base.points.to_numpy()[0, place])
        if points == UNKNOWN or share <= 0 or measure.use.metric in MOVED_BY_TIME:
            continue
        wanted = points + missing / share
        if wanted <= MAX_HUNDREDTHS + 0.5:
            tried += [(place, each) for each in _reaching(measure, values[place], min(wanted, MAX_HUNDREDTHS))]
    found: dict[int, Target] = {}
    for place, target, gain in _checked(card, base, values, ages, tried):
        best, measure = found.get(place), card.measures[place]
        if best is None or abs(target - values[place]) < abs(best.target - values[place]):
            found[place] = Target(measure, float(values[place]), target, gain)
    return sorted(found.values(), key=lambda target: abs(_points_change(card, base, target)))


def _together(
    card: Card, base: Scores, values: npt.NDArray[np.float64], ages: npt.NDArray[np.float64]
) -> Iterable[Target]:
    """Return the fewest measures that are enough when each is at its best, the most promising first.

    None when not even all of them are.
    """
    gains = []
    for place, measure in enumerate(card.measures):
        share, points = float(base.shares.to_numpy()[0, place]), int(base.points.to_numpy()[0, place])
        highest = max(ys for _, ys in measure.curve) * HUNDREDTHS
        is_ours = measure.use.metric not in MOVED_BY_TIME
        if is_ours and points != UNKNOWN and share > 0 and highest > points:
            gains.append((share * (highest - points), place, highest))
    chosen, row = [], values.copy()
    for gain, place, highest in sorted(gains, reverse=True):
        target = min(
            _reaching(card.measures[place], values[place], highest), key=lambda each: abs(each - values[place])
        )
        row[place] = target
        chosen.append(Target(card.measures[place], float(values[place]), target, gain / HUNDREDTHS))
        if _scored(card, [row], ages).accounts["band"].iloc[0] == Band.GREEN:
            return chosen
    return []


def _reaching(measure: Measure, value: float, wanted: float) -> list[float]:
    """Return values, at most four, at which the curve gives the wanted hundredths: nearest above and below."""
    crossings = []
    curve = [(x, y * HUNDREDTHS) for x, y in measure.curve]
    for (x0, y0), (x1, y1) in itertools.pairwise(curve):
        if min(y0, y1) <= wanted <= max(y0, y1):
            crossings.append(x0 if y0 == y1 else x0 + (x1 - x0) * (wanted - y0) / (y1 - y0))
    above, below = [x for x in crossings if x >= value], [x for x in crossings if x <= value]
    nearest = ([min(above)] if above else []) + ([max(below)] if below else [])
    # Whole numbers read better; the exact one stays, should that not be enough.
    rounded = [math.ceil(x - 1e-9) if x >= value else math.floor(x + 1e-9) for x in nearest]
    fine = [_away(x, value) for x in nearest]
    return list(dict.fromkeys([*map(float, rounded), *fine]))


def _away(x: float, value: float) -> float:
    scale: int = 10**ROUND_DIGITS
    return math.ceil(x * scale - 1e-9) / scale if x >= value else math.floor(x * scale + 1e-9) / scale


def _checked(
    card: Card,
    base: Scores,
    values: npt.NDArray[np.float64],
    ages: npt.NDArray[np.float64],
    tried: list[tuple[int, float]],
) -> list[tuple[int, float, float]]:
    """Return (place, target, points won) of those that really turn the account green; whole numbers win."""
    if not tried:
        return []
    rows = []
    for place, target in tried:
        row = values.copy()
        row[place] = target
        rows.append(row)
    accounts, before = _scored(card, rows, ages).accounts, int(base.accounts["score"].to_numpy()[0])
    good = [
        (place, target, (int(after["score"]) - before) / HUNDREDTHS)
        for (place, target), (_, after) in zip(tried, accounts.iterrows(), strict=True)
        if after["band"] == Band.GREEN
    ]
    whole = {place for place, target, _ in good if target.is_integer()}
    return [each for each in good if each[1].is_integer() or each[0] not in whole]


def _points_change(card: Card, base: Scores, target: Target) -> float:
    place = card.measures.index(target.measure)
    xs, ys = zip(*target.measure.curve, strict=True)
    return float(np.interp(target.target, xs, ys)) - int(base.points.to_numpy()[0, place]) / HUNDREDTHS


def _gaps(card: Card, now: Scores) -> tuple[Measure, ...]:
    shares = card.shares()
    unknown = [m for place, m in enumerate(card.measures) if now.points.iloc[0, place] == UNKNOWN]
    return tuple(sorted(unknown, key=lambda measure: -shares[measure.key]))


def _scored(card: Card, rows: list[npt.NDArray[np.float64]], ages: npt.NDArray[np.float64]) -> Scores:
    keys = [part.key for part in card.inputs]
    frame = pd.DataFrame(rows, columns=keys, dtype="float64")
    return score(card, frame, pd.DataFrame([ages] * len(rows), columns=keys, dtype="float64"))

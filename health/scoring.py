"""From values to points to a score with its contributions, for many accounts at once.

Pure pandas, and canonical: the same values give the same hundredths whoever else is in the frame,
today and from a receipt in ten years. Values are rounded to 6 significant digits, points and
scores to 2 places, halves to even, and are kept as whole hundredths, so that sums are exact.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from health.scorecards import Band, Card, Comparison, Effect, Group, Measure, Missing

HUNDREDTHS = 100
BASELINE = 50 * HUNDREDTHS
UNKNOWN = -1
# The points of a limit.
FIRED = MAX_HUNDREDTHS = 10_000
SIGNIFICANT_DIGITS = 6
MOST_DECIMALS = 18
# Far below a hundredth, far above what binary fractions leave behind.
NOISE_DIGITS = 6

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """What came out. Every frame has the index of the values that went in (account ids).

    values: float64, canonical; NaN: unknown.
    points: int16 hundredths 0–10000; UNKNOWN where the value is unknown or too old. Of a limit:
        FIRED, 0 or UNKNOWN.
    shares: float64, the weight each measure really had; a row sums to 1, or 0 when nothing is known.
    contributions: int16 hundredths; a row sums to score − BASELINE, all 0 where the score is unknown.
    accounts: score (int16 hundredths, UNKNOWN), band (int8, a Band), confidence (int8, percent of
        the weight with fresh data).
    The columns are the keys of the card's inputs in its order (measures, then limits); of shares,
    those of its measures.
    """

    values: pd.DataFrame
    points: pd.DataFrame
    shares: pd.DataFrame
    contributions: pd.DataFrame
    accounts: pd.DataFrame


def score(card: Card, values: pd.DataFrame, ages: pd.DataFrame) -> Scores:
    """Score accounts.

    values: float64, a column for each of the card's inputs in its order; NaN: unknown.
    ages: float64, same shape: days from the newest input to as_of; NaN: needed no input, never too old.
    """
    measures, width = card.measures, len(card.measures)
    known = canonical(values.to_numpy(np.float64))
    points = np.full((len(values), width), np.nan)
    for i, measure in enumerate(measures):
        fresh = ~np.isnan(known[:, i]) & ~_too_old(measure, ages.iloc[:, i].to_numpy(np.float64))
        points[fresh, i] = _on_curve(measure, known[fresh, i])
    shares = _real_shares(card, ~np.isnan(points))
    moved = shares * (_assumed(card, points) - BASELINE)
    confidence = _confidence(card, points)
    # Column by column: numpy's own sum adds in an order that depends on the shape.
    total = np.full(len(values), float(BASELINE))
    for i in range(width):
        total += moved[:, i]
    is_scored = _is_scored(card, points, shares, confidence)
    mean = _half_even(total)
    fired = _fired(card, known[:, width:])
    held = _held(card, mean, fired == FIRED)
    contributions = np.hstack([_whole_parts(moved, mean - BASELINE), held])
    contributions[~is_scored] = 0
    result = np.where(is_scored, mean + held.sum(axis=1), UNKNOWN)

    def frame(array: Floats, dtype: type[np.int16 | np.float64]) -> pd.DataFrame:
        return pd.DataFrame(array.astype(dtype), index=values.index, columns=values.columns[: array.shape[1]])

    return Scores(
        values=frame(known, np.float64),
        points=frame(np.hstack([np.where(np.isnan(points), UNKNOWN, points), fired]), np.int16),
        shares=frame(shares, np.float64),
        contributions=frame(contributions, np.int16),
        accounts=pd.DataFrame(
            {
                "score": result.astype(np.int16),
                "band": bands(card, result).astype(np.int8),
                "confidence": confidence.astype(np.int8),
            },
            index=values.index,
        ),
    )


def canonical(values: Floats) -> Floats:
    """Round to 6 significant digits; every result is the double nearest to its decimal text.

    Sums of fractions differ in their last bits with the order of adding; that noise goes first, so
    that it cannot decide which way a half is rounded.
    """
    with np.errstate(divide="ignore"):
        magnitude = np.floor(np.log10(np.abs(values)))
    # Zero and unknown have no magnitude.
    digits = SIGNIFICANT_DIGITS - 1 - np.where(np.isfinite(magnitude), magnitude, 0)
    small, large = 10.0 ** np.clip(digits, 0, MOST_DECIMALS), 10.0 ** np.maximum(-digits, 0)
    rounded: Floats = _half_even(values * small / large) * large / small
    return rounded + 0.0


def _too_old(measure: Measure, age: Floats) -> Flags:
    if measure.fresh_days is None:
        return np.zeros(len(age), dtype=bool)
    return age > measure.fresh_days


def _on_curve(measure: Measure, values: Floats) -> Floats:
    """Return hundredths of points: straight lines between the curve's points, level outside."""
    xs, ys = zip(*measure.curve, strict=True)
    return _half_even(np.interp(values, xs, ys) * HUNDREDTHS)


def _assumed(card: Card, points: Floats) -> Floats:
    """Return the points with what the missing-data rules put in their place."""
    instead = [0.0 if measure.missing == Missing.ZERO else float(BASELINE) for measure in card.measures]
    return np.where(np.isnan(points), np.array(instead), points)


def _real_shares(card: Card, is_known: Flags) -> Floats:
    """Return the share of the weight each measure has once what is missing has given up its own."""
    counts = {
        measure.key: is_known[:, i] | (measure.missing in {Missing.NEUTRAL, Missing.ZERO})
        for i, measure in enumerate(card.measures)
    }
    shares, _ = _within(card.root, counts)
    return np.column_stack([shares[measure.key] for measure in card.measures])


def _within(group: Group, counts: dict[str, Flags]) -> tuple[dict[str, Floats], Flags]:
    """Return each measure's share of the group, and where the group has anything that counts."""
    parts: list[tuple[npt.NDArray[np.floating], dict[str, Floats]]] = []
    for child in group.children:
        if isinstance(child, Measure):
            there = counts[child.key]
            inside = {child.key: there.astype(np.float64)}
        else:
            inside, there = _within(child, counts)
        parts.append((child.weight * there, inside))
    total = np.zeros_like(parts[0][0])
    for weight, _ in parts:
        total = total + weight
    divisor = np.where(total > 0, total, 1.0)
    shares = {key: weight / divisor * share for weight, inside in parts for key, share in inside.items()}
    return shares, total > 0


def _confidence(card: Card, points: Floats) -> Floats:
    """Return the percent of the nominal weight that has fresh data, as whole numbers."""
    total = np.zeros(len(points))
    for i, share in enumerate(card.shares().values()):
        total += share * ~np.isnan(points[:, i])
    return _half_even(total * 100)


def _is_scored(card: Card, points: Floats, shares: Floats, confidence: Floats) -> Flags:
    is_scored: Flags = (shares.max(axis=1) > 0) & (confidence >= card.minimum_confidence)
    for i, measure in enumerate(card.measures):
        if measure.missing == Missing.UNKNOWN:
            is_scored &= ~np.isnan(points[:, i])
    return is_scored


def _fired(card: Card, values: Floats) -> Floats:
    """Return the points of the limits, whose values these are."""
    points = np.full(values.shape, float(UNKNOWN))
    for i, limit in enumerate(card.limits):
        is_beyond = values[:, i] >= limit.value if limit.test is Comparison.AT_LEAST else values[:, i] <= limit.value
        points[:, i] = np.where(np.isnan(values[:, i]), UNKNOWN, np.where(is_beyond, FIRED, 0))
    return points


def _held(card: Card, mean: Floats, fired: Flags) -> Floats:
    """Return by how much each limit moves the score: the highest floor all of the rise, the lowest cap all of the fall.

    Caps and vetoes come last, so that they beat floors.
    """
    moved = np.zeros(fired.shape)
    if not card.limits:
        return moved
    rows, score = np.arange(len(mean)), mean
    at = np.array([_half_even(np.array(card.held_at(limit) * HUNDREDTHS)) for limit in card.limits])
    is_floor = np.array([limit.effect is Effect.FLOOR for limit in card.limits])
    floors = np.where(fired & is_floor, at, -np.inf)
    highest = floors.argmax(axis=1)
    raised = np.maximum(score, floors[rows, highest])
    moved[rows, highest] += raised - score
    caps = np.where(fired & ~is_floor, at, np.inf)
    lowest = caps.argmin(axis=1)
    moved[rows, lowest] += np.minimum(raised, caps[rows, lowest]) - raised
    return moved


def bands(card: Card, result: Floats) -> npt.NDArray[np.int_]:
    """Return the Band of each score in hundredths."""
    return np.select(
        [
            result == UNKNOWN,
            result >= card.green_from * HUNDREDTHS,
            result >= card.yellow_from * HUNDREDTHS,
        ],
        [Band.UNKNOWN, Band.GREEN, Band.YELLOW],
        Band.RED,
    )


def _whole_parts(parts: Floats, totals: Floats) -> Floats:
    """Round each row to whole numbers that sum to its total: the largest remainders are rounded up."""
    parts = np.round(parts, NOISE_DIGITS)
    whole = np.floor(parts)
    missing = totals - whole.sum(axis=1)
    order = np.argsort(whole - parts, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    rounded: Floats = whole + (rank < missing[:, None])
    return rounded


def _half_even(numbers: Floats) -> Floats:
    rounded: Floats = np.rint(np.round(numbers, NOISE_DIGITS))
    return rounded

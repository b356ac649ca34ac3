"""How a metric is spread over the book, and curves made of that."""

from dataclasses import dataclass
from datetime import datetime

from health.metrics.registry import MetricUse
from health.sampling import sample_accounts
from health.services.scores import live_as_of, midnight

# Below this many different values a curve made of them says nothing.
FEWEST_VALUES = 5
POINTS_OF_QUANTILE = ((0.1, 0), (0.25, 30), (0.5, 55), (0.75, 80), (0.9, 100))
SIGNIFICANT_DIGITS = 3


@dataclass(frozen=True)
class Spread:
    """How a metric's known values lie. `quantiles` at 10, 25, 50, 75 and 90 %; empty when too few are known."""

    accounts: int
    known: int
    quantiles: tuple[float, ...]
    is_sample: bool

    @property
    def known_percent(self) -> int:
        return round(100 * self.known / self.accounts) if self.accounts else 0

    @property
    def quartiles(self) -> tuple[float, ...]:
        return self.quantiles[1:4]


def read_spread(use: MetricUse, *, now: datetime) -> Spread:
    """Read a metric over the book, or over a sample of a large one."""
    import numpy as np

    from health.metrics.values import read_values
    from health.usage.moment import reading_moment

    sample = sample_accounts()
    with reading_moment() as recorded_by:
        values = read_values(
            [use], sample.accounts, as_of=midnight(live_as_of(now)), recorded_by=recorded_by, live=True
        )
    known = values.value[:, 0][~np.isnan(values.value[:, 0])]
    if len(np.unique(known)) < FEWEST_VALUES:
        return Spread(len(values.account_ids), len(known), (), sample.is_sample)
    cut = np.quantile(known, [quantile for quantile, _ in POINTS_OF_QUANTILE])
    return Spread(len(values.account_ids), len(known), tuple(_round(float(each)) for each in cut), sample.is_sample)


def preset_curve(spread: Spread, *, more_is_better: bool) -> list[list[float]] | None:
    """Return a curve from 0 to 100 along the quantiles of the book; None when too few values are known.

    Where quantiles coincide, the highest points of theirs count.
    """
    points: dict[float, float] = {}
    for value, (_, at) in zip(spread.quantiles, POINTS_OF_QUANTILE, strict=False):
        points[value] = at
    if len(points) < 2:
        return None
    return [[value, at if more_is_better else 100 - at] for value, at in sorted(points.items())]


def _round(number: float) -> float:
    rounded = float(f"{number:.{SIGNIFICANT_DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded

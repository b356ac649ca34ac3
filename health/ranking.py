"""How well a risk ranks who churned: figures that can be asked again for many weights of the rows.

Pure numpy. Rows are put in order once; after that each set of weights costs a few sums, so that a
bootstrap over accounts is quick. Equal risks count as one step: no order among them is made up.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Steps:
    """Rows in an order, cut into steps of equals. starts: the place in the order where each begins."""

    order: Places
    starts: Places

    def sums(self, numbers: Floats) -> Floats:
        """Return the sum of each step."""
        total: Floats = np.add.reduceat(numbers[self.order], self.starts)
        return total


class Ranking:
    """Rows ranked by risk, the highest first.

    At least one row. risk: float64, no NaN. churned: bool. day: int, the evaluation date a row belongs to; whoever
    has a capacity has it on each of them.
    """

    def __init__(self, risk: Floats, churned: Flags, day: Places) -> None:
        self.churned = churned.astype(np.float64)
        order = np.argsort(-risk, kind="stable")
        self._all = Steps(order, _starts(risk[order]))
        order = np.lexsort((-risk, day))
        self._daily = Steps(order, _starts(day[order], risk[order]))
        step_day = day[order][self._daily.starts]
        first = np.flatnonzero(np.r_[True, step_day[1:] != step_day[:-1]])
        self._first_step_of_day = np.repeat(first, np.diff(np.r_[first, len(step_day)]))

    def roc_auc(self, weights: Floats) -> float:
        """Return the chance that one who churned ranks before one who stayed; NaN where one kind is missing."""
        gone, stayed = self._split(weights)
        total = gone.sum() * stayed.sum()
        if not total:
            return np.nan
        below = stayed.sum() - np.cumsum(stayed)
        return float((gone * (below + stayed / 2)).sum() / total)

    def average_precision(self, weights: Floats) -> float:
        """Return the area under precision over recall, in steps; NaN where nobody churned."""
        gone, stayed = self._split(weights)
        if not gone.sum():
            return np.nan
        reached = np.cumsum(gone)
        everybody = reached + np.cumsum(stayed)
        precision = np.divide(reached, everybody, out=np.zeros_like(reached), where=everybody > 0)
        return float((gone / gone.sum() * precision).sum())

    def top(self, weights: Floats, capacity: int, worth: Floats | None = None) -> tuple[float, float]:
        """Return (churned, taken) among the `capacity` riskiest rows of each day.

        Of a step that does not fit whole, its share counts. `worth`: count this per row instead of 1.
        """
        size = self._daily.sums(weights)
        before = np.cumsum(size) - size
        before -= before[self._first_step_of_day]
        share = np.divide(np.clip(capacity - before, 0, size), size, out=np.zeros_like(size), where=size > 0)
        counted = weights if worth is None else weights * worth
        gone, taken = self._daily.sums(counted * self.churned), self._daily.sums(counted)
        return float((share * gone).sum()), float((share * taken).sum())

    def _split(self, weights: Floats) -> tuple[Floats, Floats]:
        gone = self._all.sums(weights * self.churned)
        return gone, self._all.sums(weights) - gone


def bootstrap_weights(cluster: Places, samples: int, seed: int) -> Iterator[Floats]:
    """Yield for each sample how often each row was drawn: whole clusters (accounts) are drawn, with replacement.

    The rows of an account are no independent evidence: it churns once, however often it is looked at.
    """
    count = int(cluster.max()) + 1
    chance = np.random.default_rng(seed)
    for _ in range(samples):
        drawn = np.bincount(chance.integers(0, count, count), minlength=count)
        yield drawn[cluster].astype(np.float64)


def _starts(*columns: npt.NDArray[np.generic]) -> Places:
    """Return where any of the columns changes."""
    changed = np.zeros(len(columns[0]) - 1, bool)
    for column in columns:
        changed |= column[1:] != column[:-1]
    return np.flatnonzero(np.r_[True, changed])

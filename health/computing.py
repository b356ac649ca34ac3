"""From facts to results: the values of a version's measures and limits, scored."""

from datetime import UTC, date, datetime, time

import numpy as np
import numpy.typing as npt
import pandas as pd

from accounts.conditions import Sql
from health.freezes import EPOCH, NOT_FROZEN
from health.frozen_values import read_with_freezes
from health.metrics.query import AccountSet
from health.metrics.values import NO_INPUT, Values
from health.results import Results, result_hashes
from health.scorecards import Card
from health.scoring import score

MINUTES_PER_DAY = 24 * 60


def compute_results(
    card: Card,
    accounts: AccountSet,
    *,
    as_of: date,
    recorded_by: datetime,
    live: bool,
    only: Sql | None = None,
    version_hash: str = "",
) -> Results:
    """Score accounts by a scorecard as of a day, by what was recorded until then. See read_values.

    A published version gives its own hash, which stays when a metric later gains a parameter.
    """
    values = read_with_freezes(
        [part.use for part in card.inputs],
        accounts,
        as_of=datetime.combine(as_of, time(), UTC),
        recorded_by=recorded_by,
        live=live,
        only=only,
    )
    return score_values(card, version_hash or card.hash, values, as_of)


def score_values(card: Card, version_hash: str, values: Values, as_of: date) -> Results:
    """Score values that were read before, now or when a snapshot was taken."""
    keys = [part.key for part in card.inputs]
    ages = ages_of(values, as_of)
    scores = score(
        card,
        pd.DataFrame(values.value, index=values.account_ids, columns=keys),
        pd.DataFrame(ages, index=values.account_ids, columns=keys),
    )
    hashes = result_hashes(version_hash, values.account_ids, as_of, values.fresh, scores, frozen=values.frozen)
    return Results(values.account_ids, values.fresh, scores, hashes)


def ages_of(values: Values, as_of: date) -> npt.NDArray[np.float64]:
    """Return the days from the newest input to as_of, or to the day on which it was frozen; NaN: no input."""
    days = np.full(values.fresh.shape, (as_of - EPOCH).days)
    if values.frozen is not None:
        days = np.where(values.frozen == NOT_FROZEN, days, values.frozen)
    return np.where(values.fresh == NO_INPUT, np.nan, (days * MINUTES_PER_DAY - values.fresh) / MINUTES_PER_DAY)

"""Frames for tests of backtests: a book of accounts whose churn depends on a hidden risk."""

import numpy as np
import pandas as pd

from health.backtest import Contender
from health.scorecards import Band

CARD = Contender("card", "Card", "scorecard")
OTHER = Contender("other", "Other card", "scorecard")
COUNT = Contender("count", "Number of events", "baseline")
FIRST_DAY = 20_000


def book(accounts=300, days=3, *, rate=0.2, skill=1.0, seed=1):
    """Return (rows, risks): risk of `card` has the given skill, `other` has none, `count` half of it."""
    chance = np.random.default_rng(seed)
    size = accounts * days
    account = np.tile(np.arange(accounts), days)
    day = FIRST_DAY + 30 * np.repeat(np.arange(days), accounts)
    hidden = np.tile(chance.normal(size=accounts), days)
    churned = hidden + chance.normal(size=size) > np.quantile(hidden, 1 - rate) + 0.7
    rows = pd.DataFrame(
        {
            "account": account,
            "day": day,
            "churned": churned,
            "churned_on": np.where(churned, day + 40.0, np.nan),
            "revenue": np.round(np.tile(chance.uniform(100, 1000, accounts), days), 2),
            "is_treated": False,
        }
    )

    def risk(skill):
        return 1 / (1 + np.exp(-skill * hidden - chance.normal(size=size)))

    risks = pd.DataFrame({"card": risk(skill), "other": risk(0), "count": risk(skill / 2)})
    return rows, risks


def bands_of(risks, keys=("card", "other")):
    return pd.DataFrame(
        {key: np.select([risks[key] > 0.6, risks[key] > 0.4], [Band.RED, Band.YELLOW], Band.GREEN) for key in keys},
        index=risks.index,
    ).astype("int8")

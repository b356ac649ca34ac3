"""From the dates of a backtest to what it found: figures, verdicts, and what can be learned.

The result is plain data:
    judgement: see backtest.Judgement · verdicts: see verdicts.Verdict · revenue: what weighs accounts
    · unknown: {as_of: accounts whose outcome is not known} · learning: None, {"refusal": text}, or
    {"shares": [{key, label, share, before}], "strength", "rows", "accounts", "churned_accounts"}
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import pandas as pd

from health.backtest import Contender, judge
from health.backtest_days import Configuration, Frames, frames, unpack
from health.models import Backtest, BacktestDay, LearnedModel
from health.probabilities import measures_hash
from health.scorecards import read_card
from health.scoring import HUNDREDTHS, UNKNOWN
from health.services.backtests import configurations_of
from health.verdicts import Verdict, verdicts

LEARNED_WEIGHTS = Contender("learned_weights", "Learned weights", "scorecard")
LEARNED_PROBABILITY = Contender("learned_probability", "Learned probability", "model")


@dataclass(frozen=True)
class Conclusion:
    """learned: a model that is not saved yet; None: it did not learn, or could not."""

    result: dict[str, Any]
    learned: LearnedModel | None


def conclude(backtest: Backtest) -> Conclusion:
    """Judge the dates that were read. Writes nothing."""
    configurations = configurations_of(backtest)
    days = list(backtest.days.all())
    tested = _frames(days, backtest.dates, configurations)
    contenders = [Contender(each.key, each.label, "scorecard") for each in configurations]
    learned, learning = None, None
    if backtest.training_dates:
        training = _frames(days, backtest.training_dates, configurations)
        learned, learning, found = _learn(backtest, configurations[0], training, tested)
        contenders += found
    contenders += tested.baselines
    judgement = judge(tested.rows, tested.risks, tested.bands, contenders, capacity=backtest.capacity)
    said = verdicts(judgement)
    if learned is not None:
        learned.is_usable = _is_usable(said)
    result = {
        "judgement": judgement.as_dict(),
        "verdicts": [asdict(each) for each in said],
        "revenue": "Value of events in 365 days" if tested.is_worth_of_events else "ARR",
        "unknown": {day.as_of.isoformat(): day.unknown_count for day in days if day.unknown_count},
        "learning": learning,
    }
    return Conclusion(result, learned)


def _frames(days: Sequence[BacktestDay], dates: Sequence[str], configurations: Sequence[Configuration]) -> Frames:
    chosen: list[tuple[date, Any]] = [
        (day.as_of, unpack(bytes(day.rows))) for day in days if day.as_of.isoformat() in dates
    ]
    return frames(chosen, configurations)


def _learn(
    backtest: Backtest, configuration: Configuration, training: Frames, tested: Frames
) -> tuple[LearnedModel | None, dict[str, Any], list[Contender]]:
    """Learn from the earlier dates and add what came out to the risks of the later ones."""
    from health import learning

    measures = [each.key for each in configuration.card.measures]
    try:
        model = learning.learn(training.rows, _points(training, configuration)[measures])
    except learning.CannotLearn as refusal:
        return None, {"refusal": str(refusal)}, []
    contenders = [LEARNED_PROBABILITY]
    points = _points(tested, configuration)
    tested.risks[LEARNED_PROBABILITY.key] = learning.probabilities(model, points)
    shares = learning.shares(model)
    config = learning.with_weights(configuration.card.as_dict(), shares)
    if config is not None:
        accounts = learning.score_points(read_card(config), points).accounts
        score = accounts["score"].astype(float)
        tested.risks[LEARNED_WEIGHTS.key] = (1 - score / HUNDREDTHS / 100).where(score != UNKNOWN)
        tested.bands[LEARNED_WEIGHTS.key] = accounts["band"]
        contenders.insert(0, LEARNED_WEIGHTS)
    learned = LearnedModel(
        scorecard=backtest.scorecard,
        backtest=backtest,
        config=configuration.card.as_dict(),
        measures_hash=measures_hash(configuration.card),
        model=model.as_dict(),
        shares=shares,
    )
    return learned, _told(configuration, shares, model.strength, training.rows), contenders


def _points(found: Frames, configuration: Configuration) -> pd.DataFrame:
    from health.learning import points_of

    if found.points is None:
        return pd.DataFrame(columns=[each.key for each in configuration.card.inputs], index=found.rows.index)
    return points_of(found.points)


def _told(
    configuration: Configuration, shares: dict[str, float], strength: float, rows: pd.DataFrame
) -> dict[str, Any]:
    before, labels = configuration.card.shares(), {each.key: each.label for each in configuration.card.measures}
    order = sorted(before, key=lambda key: -shares.get(key, 0.0))
    return {
        "shares": [
            {"key": key, "label": labels[key], "share": shares.get(key, 0.0), "before": before[key]} for key in order
        ],
        "strength": strength,
        "rows": len(rows),
        "accounts": rows["account"].nunique(),
        "churned_accounts": rows.loc[rows["churned"], "account"].nunique(),
    }


def _is_usable(said: Sequence[Verdict]) -> bool:
    return any(each.contender == LEARNED_PROBABILITY.key and each.state == "signal" for each in said)

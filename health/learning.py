"""Weights and a chance of churn, learned from what became of accounts on earlier dates. Pure.

Logistic regression with L2 on standardised points, with a flag for what is missing. More points
never mean more risk, so that the coefficients make a scorecard. Its strength is chosen by
cross-validation over accounts on all earlier dates but the last; on that one the probability is
calibrated (Platt). What comes out is plain numbers, so that anybody can compute it again.

    points: index as of `rows` (see backtest.py); float64 0 to 100 for each measure, NaN: unknown.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from health.ranking import Flags, Floats
from health.scorecards import Card, Group, Measure
from health.scoring import FIRED, HUNDREDTHS, UNKNOWN, Scores, score

# Fewer do not say which of several measures mattered.
MIN_CHURNED_ACCOUNTS = 30
MIN_STAYED_ACCOUNTS = 30
MIN_DATES = 2
# The strengths of L2 that are tried, the strongest first (scikit-learn's C, its inverse).
STRENGTHS = (0.0003, 0.001, 0.01, 0.1, 1.0)
FOLDS = 4
# A flag for what is missing needs this share of rows on both sides.
MIN_FLAGGED_SHARE = 0.01
MAX_TRAINING_ROWS = 60_000
SEED = 20_100_901
# Measures with a smaller share are left out of the proposed scorecard.
SMALLEST_SHARE = 0.005
FULL_WEIGHT = 100
CALIBRATION_STRENGTH = 1e6
MAX_ITERATIONS = 500


class CannotLearn(ValueError):
    """The earlier dates cannot carry it. The message says why and what to do."""


@dataclass(frozen=True)
class Feature:
    """One measure in the model. risk: change of the log-odds for one standard deviation more points
    (never above 0); missing_risk: what it adds that the measure is unknown.
    """

    key: str
    mean: float
    deviation: float
    risk: float
    missing_risk: float


@dataclass(frozen=True)
class Model:
    """A logistic model; `slope` and `offset` calibrate its log-odds."""

    features: tuple[Feature, ...]
    intercept: float
    slope: float
    offset: float
    strength: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_model(data: dict[str, Any]) -> Model:
    """Read a model from its plain form."""
    return Model(**data | {"features": tuple(Feature(**each) for each in data["features"])})


def learn(rows: pd.DataFrame, points: pd.DataFrame) -> Model:
    """Learn from rows of earlier dates. Raises CannotLearn."""
    _check(rows)
    rows, points = _at_most(rows, points)
    last = rows["day"].max()
    early = rows["day"] < last
    strength = _choose_strength(rows[early], points[early])
    model = _fit(points[early], rows.loc[early, "churned"].to_numpy(bool), strength)
    return _calibrated(model, points[~early], rows.loc[~early, "churned"].to_numpy(bool))


def probabilities(model: Model, points: pd.DataFrame) -> Floats:
    """Return the chance of churn, 0 to 1, for each row."""
    return _chance(model.slope * log_odds(model, points) + model.offset)


def log_odds(model: Model, points: pd.DataFrame) -> Floats:
    """Return the model's own log-odds, not calibrated."""
    total = np.full(len(points), model.intercept)
    for feature in model.features:
        column = points[feature.key].to_numpy(np.float64)
        is_known = ~np.isnan(column)
        total[is_known] += feature.risk * (column[is_known] - feature.mean) / feature.deviation
        total[~is_known] += feature.missing_risk
    return total


def shares(model: Model) -> dict[str, float]:
    """Return the share of the weight that each measure earned, largest first; they sum to 1, or there is none."""
    pull = {each.key: -each.risk / each.deviation for each in model.features if each.risk < 0}
    whole = sum(pull.values())
    large = {key: each for key, each in pull.items() if each / whole >= SMALLEST_SHARE}
    kept = sum(large.values())
    return {key: large[key] / kept for key in sorted(large, key=lambda key: -large[key])}


def with_weights(config: dict[str, Any], share: dict[str, float]) -> dict[str, Any] | None:
    """Return a scorecard's plain form with these shares as weights; None when no measure has any.

    Groups stay, with the sum of what is inside; measures without a share go, and so do locks.
    """
    children = [child for each in config["children"] if (child := _weighted(each, share))]
    return {**config, "children": children} if children else None


def score_points(card: Card, points: pd.DataFrame) -> Scores:
    """Score by the points of the card's inputs instead of values; freshness was heeded when they were made."""
    straight = replace(card, root=_straight(card.root))
    values = points[[each.key for each in straight.inputs]].copy()
    for limit in straight.limits:
        # What did not fire then must not fire now: unknown never does.
        values[limit.key] = np.where(values[limit.key] == FIRED / HUNDREDTHS, limit.value, np.nan)
    return score(straight, values, pd.DataFrame(np.nan, values.index, values.columns))


def points_of(hundredths: pd.DataFrame) -> pd.DataFrame:
    """Return stored points (int16 hundredths, UNKNOWN) as this module takes them."""
    return (hundredths / HUNDREDTHS).where(hundredths != UNKNOWN)


def _check(rows: pd.DataFrame) -> None:
    days = rows["day"].nunique()
    if days < MIN_DATES:
        raise CannotLearn(
            f"Learning needs {MIN_DATES} earlier dates with known outcomes and has {days}."
            " Judge later dates, or shorten the horizon."
        )
    early = rows[rows["day"] < rows["day"].max()]
    churned = early.loc[early["churned"], "account"].nunique()
    stayed = early.loc[~early["churned"], "account"].nunique()
    if churned < MIN_CHURNED_ACCOUNTS or stayed < MIN_STAYED_ACCOUNTS:
        raise CannotLearn(
            f"Of the accounts on the earlier dates, {churned} churned and {stayed} stayed: too few to learn from."
            f" It takes {MIN_CHURNED_ACCOUNTS} of each."
        )
    if rows.loc[rows["day"] == rows["day"].max(), "churned"].nunique() < 2:
        raise CannotLearn("On the last of the earlier dates all accounts fared alike; choose other dates.")


def _at_most(rows: pd.DataFrame, points: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw whole accounts where there are more rows than it takes."""
    if len(rows) <= MAX_TRAINING_ROWS:
        return rows, points
    accounts = np.sort(rows["account"].unique())
    wanted = int(len(accounts) * MAX_TRAINING_ROWS / len(rows))
    chosen = np.random.default_rng(SEED).choice(accounts, wanted, replace=False)
    kept = rows["account"].isin(chosen)
    return rows[kept], points[kept]


def _choose_strength(rows: pd.DataFrame, points: pd.DataFrame) -> float:
    """Return the strength that ranks accounts it has not seen best; of equals the strongest."""
    churned, account = rows["churned"].to_numpy(bool), rows["account"].to_numpy()
    folds = list(GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(points, churned, account))
    best, best_auc = STRENGTHS[0], 0.0
    for strength in STRENGTHS:
        risk = np.zeros(len(rows))
        for seen, unseen in folds:
            risk[unseen] = log_odds(_fit(points.iloc[seen], churned[seen], strength), points.iloc[unseen])
        auc = round(float(roc_auc_score(churned, risk)), 3)
        if auc > best_auc:
            best, best_auc = strength, auc
    return best


def _fit(points: pd.DataFrame, churned: Flags, strength: float) -> Model:
    """Fit, and leave out one by one the measures for which more points would mean more risk."""
    known = points.notna().to_numpy()
    mean = np.where(known.any(axis=0), np.nan_to_num(points.mean().to_numpy(np.float64)), 0.0)
    deviation = np.nan_to_num(points.std(ddof=0).to_numpy(np.float64))
    standard = np.where(known, (points.to_numpy(np.float64) - mean) / np.where(deviation > 0, deviation, 1), 0.0)
    missing = (~known).mean(axis=0)
    flagged = [i for i in range(points.shape[1]) if MIN_FLAGGED_SHARE <= missing[i] <= 1 - MIN_FLAGGED_SHARE]
    kept = [i for i in range(points.shape[1]) if deviation[i] > 0]
    flags = (~known)[:, flagged].astype(np.float64)
    while True:
        columns = np.column_stack([standard[:, kept], flags])
        risk, intercept = _regress(columns, churned, strength)
        if not kept or risk[: len(kept)].max() <= 0:
            break
        del kept[int(np.argmax(risk[: len(kept)]))]
    risks = dict(zip(kept, risk[: len(kept)], strict=True))
    missing_risks = dict(zip(flagged, risk[len(kept) :], strict=True))
    features = tuple(
        Feature(
            key=str(key),
            mean=float(mean[i]),
            deviation=float(deviation[i]) or 1.0,
            risk=float(risks.get(i, 0.0)),
            missing_risk=float(missing_risks.get(i, 0.0)),
        )
        for i, key in enumerate(points.columns)
    )
    return Model(features, intercept, slope=1.0, offset=0.0, strength=strength)


def _regress(columns: Floats, churned: Flags, strength: float) -> tuple[Floats, float]:
    """Return (coefficients, intercept)."""
    if not columns.shape[1]:
        rate = churned.mean()
        return np.zeros(0), float(np.log(rate / (1 - rate)))
    fitted = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS).fit(columns, churned)
    return fitted.coef_[0], float(fitted.intercept_[0])


def _calibrated(model: Model, points: pd.DataFrame, churned: Flags) -> Model:
    """Platt: a line through the log-odds, fitted on a date the model has not seen."""
    odds = log_odds(model, points)
    if np.ptp(odds) == 0:
        return model
    fitted = LogisticRegression(C=CALIBRATION_STRENGTH, max_iter=MAX_ITERATIONS).fit(odds[:, None], churned)
    # A falling line would turn the ranking over; then there was no signal, and everybody gets the same.
    slope = max(float(fitted.coef_[0, 0]), 0.0)
    rate = churned.mean()
    offset = float(fitted.intercept_[0]) if slope else float(np.log(rate / (1 - rate)))
    return replace(model, slope=slope, offset=offset)


def _chance(odds: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
    return chance


def _weighted(node: dict[str, Any], share: dict[str, float]) -> dict[str, Any] | None:
    node = {key: value for key, value in node.items() if key != "locked"}
    if "children" not in node:
        weight = round(FULL_WEIGHT * share.get(node["key"], 0.0), 1)
        return {**node, "weight": weight} if weight > 0 else None
    children = [child for each in node["children"] if (child := _weighted(each, share))]
    if not children:
        return None
    return {**node, "weight": round(sum(child["weight"] for child in children), 1), "children": children}


def _straight(node: Group) -> Group:
    """Return the group with measures whose value is already points."""
    children: Sequence[Group | Measure] = [
        _straight(child) if isinstance(child, Group) else replace(child, curve=((0, 0), (100, 100)), fresh_days=None)
        for child in node.children
    ]
    return replace(node, children=tuple(children))

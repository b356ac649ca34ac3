"""How well scores told who would churn, told apart from chance. Pure pandas and numpy.

    rows: one per account and evaluation date, whose outcome is known, with columns
        account int64; day int64 (days since 1970); churned bool; churned_on float64 (days since
        1970, NaN: never); revenue float64 (a year, NaN: unknown); is_treated bool (somebody
        intervened near the date).
    risks: same index; float64 for each contender, the higher the riskier; NaN: it has no score.
    bands: same index; int8 (a Band) for each contender that has bands.

All contenders are judged on the same rows: those that all of them have a risk for.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from health.ranking import Floats, Ranking, bootstrap_weights
from health.scorecards import Band

SAMPLES = 400
SEED = 20_100_901
INTERVAL_PERCENT = (2.5, 97.5)
RELIABILITY_BINS = 10
LISTED_ALARMS = 200
EARLY_DAYS = 60
FIGURES = ("roc_auc", "pr_auc", "precision", "recall", "lift", "revenue_roc_auc", "revenue_recall")
EPOCH = date(1970, 1, 1)

Kind = Literal["scorecard", "model", "baseline"]


@dataclass(frozen=True)
class Contender:
    """Something that ranks accounts by risk. `is_probability`: its risks are chances of churn, 0 to 1."""

    key: str
    label: str
    kind: Kind

    @property
    def is_probability(self) -> bool:
        return self.kind != "baseline"


@dataclass(frozen=True)
class Estimate:
    """A figure with the interval that 95 % of the redrawn books of accounts give; None: cannot be said."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class BandRow:
    """rate: share of its rows that churned. recall: share of all churned rows that stood in it."""

    band: str
    rows: int
    churned: int
    rate: float | None
    recall: float | None
    revenue_recall: float | None


@dataclass(frozen=True)
class Bin:
    """Rows of like probability: what was said on average, and what happened."""

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class LeadTimes:
    """How long before they churned accounts turned red (or left green) and stayed so, in days.

    episodes: churns of accounts that were scored before; a date between two evaluations is not seen.
    """

    episodes: int
    red: int
    below_green: int
    early: int
    median_red: float | None
    median_below_green: float | None


@dataclass(frozen=True)
class Judged:
    """A contender's figures. Bands, lead times and alarms only where it has bands.

    missed, false: LISTED_ALARMS of missed_count and false_count, the dearest first.
    """

    contender: dict[str, Any]
    figures: dict[str, Estimate]
    by_day: list[dict[str, Any]]
    brier: float | None = None
    reliability: list[Bin] = field(default_factory=list)
    bands: list[BandRow] = field(default_factory=list)
    lead: LeadTimes | None = None
    missed_count: int = 0
    missed: list[dict[str, Any]] = field(default_factory=list)
    false_count: int = 0
    false: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Difference:
    """ROC-AUC of `of` less that of `than`, on the same rows and the same redrawn books."""

    of: str
    than: str
    difference: Estimate


@dataclass(frozen=True)
class Apart:
    """The rows with, or without, an intervention; ROC-AUC by contender."""

    rows: int
    accounts: int
    churned: int
    rate: float | None
    roc_auc: dict[str, Estimate]


@dataclass(frozen=True)
class Judgement:
    """All that a backtest found. rows_unscored: left out since some contender had no score for them; unscored_rate: how
    many of those churned.
    """

    rows: int
    rows_unscored: int
    unscored_rate: float | None
    accounts: int
    churned_rows: int
    churned_accounts: int
    stayed_accounts: int
    base_rate: float | None
    capacity: int
    has_revenue: bool
    judged: list[Judged]
    differences: list[Difference]
    treated: Apart | None
    untreated: Apart | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return asdict(self)


def judge(
    rows: pd.DataFrame,
    risks: pd.DataFrame,
    bands: pd.DataFrame,
    contenders: Sequence[Contender],
    *,
    capacity: int,
    samples: int = SAMPLES,
) -> Judgement:
    """Judge contenders on the rows that all of them have a risk for. See the top for the frames."""
    is_scored = risks.notna().all(axis="columns")
    unscored = rows[~is_scored]
    rows, risks, bands = rows[is_scored], risks[is_scored], bands[is_scored]
    churned = rows["churned"].to_numpy(bool)
    has_revenue = bool((rows["revenue"].fillna(0) > 0).any())
    estimates, differences = _estimates(rows, risks, contenders, capacity, samples, has_revenue=has_revenue)
    treated = rows["is_treated"].to_numpy(bool)
    is_marked = bool(treated.any())
    return Judgement(
        rows=len(rows),
        rows_unscored=len(unscored),
        unscored_rate=_ratio(unscored["churned"].sum(), len(unscored)),
        accounts=rows["account"].nunique(),
        churned_rows=int(churned.sum()),
        churned_accounts=rows["account"][churned].nunique(),
        stayed_accounts=rows["account"][~churned].nunique(),
        base_rate=_ratio(churned.sum(), len(rows)),
        capacity=capacity,
        has_revenue=has_revenue,
        judged=[_judged(each, estimates.get(each.key, {}), rows, risks, bands) for each in contenders],
        differences=differences,
        treated=_apart(rows[treated], risks[treated], contenders, samples) if is_marked else None,
        untreated=_apart(rows[~treated], risks[~treated], contenders, samples) if is_marked else None,
    )


def _estimates(
    rows: pd.DataFrame,
    risks: pd.DataFrame,
    contenders: Sequence[Contender],
    capacity: int,
    samples: int,
    *,
    has_revenue: bool,
) -> tuple[dict[str, dict[str, Estimate]], list[Difference]]:
    """Return each contender's figures with intervals, and the differences that matter."""
    if not len(rows):
        return {}, []
    rankings = _rankings(rows, risks, contenders)
    revenue = np.clip(rows["revenue"].fillna(0).to_numpy(np.float64), 0, None) if has_revenue else None
    value = np.array([_figures(each, np.ones(len(rows)), revenue, capacity) for each in rankings])
    drawn = np.array(
        [
            [_figures(each, weights, revenue, capacity) for each in rankings]
            for weights in bootstrap_weights(_clusters(rows), samples, SEED)
        ]
    )
    estimates = {
        each.key: {name: _estimate(value[i, j], drawn[:, i, j]) for j, name in enumerate(FIGURES)}
        for i, each in enumerate(contenders)
    }
    auc, drawn_auc = value[:, 0], drawn[:, :, 0]
    differences = [
        Difference(contenders[i].key, contenders[j].key, _estimate(auc[i] - auc[j], drawn_auc[:, i] - drawn_auc[:, j]))
        for i, j in _pairs(contenders, auc)
    ]
    return estimates, differences


def _pairs(contenders: Sequence[Contender], auc: Floats) -> list[tuple[int, int]]:
    """Return who is compared with whom: all others with the first, and each with the best baseline."""
    baselines = [i for i, each in enumerate(contenders) if each.kind == "baseline" and not np.isnan(auc[i])]
    others = [i for i, each in enumerate(contenders) if each.kind != "baseline"]
    pairs = [(i, others[0]) for i in others[1:]]
    if baselines:
        best = max(baselines, key=lambda i: auc[i])
        pairs += [(i, best) for i in others]
    return pairs


def _rankings(rows: pd.DataFrame, risks: pd.DataFrame, contenders: Sequence[Contender]) -> list[Ranking]:
    churned, day = rows["churned"].to_numpy(bool), rows["day"].to_numpy(np.intp)
    return [Ranking(risks[each.key].to_numpy(np.float64), churned, day) for each in contenders]


def _clusters(rows: pd.DataFrame) -> npt.NDArray[np.intp]:
    _, cluster = np.unique(rows["account"].to_numpy(), return_inverse=True)
    return cluster


def _figures(ranking: Ranking, weights: Floats, revenue: Floats | None, capacity: int) -> list[float]:
    """Return the FIGURES in their order."""
    gone = float((weights * ranking.churned).sum())
    caught, taken = ranking.top(weights, capacity)
    precision = caught / taken if taken else np.nan
    figures = [
        ranking.roc_auc(weights),
        ranking.average_precision(weights),
        precision,
        caught / gone if gone else np.nan,
        precision / (gone / weights.sum()) if gone else np.nan,
    ]
    if revenue is None:
        return [*figures, np.nan, np.nan]
    lost = float((weights * revenue * ranking.churned).sum())
    caught_revenue, _ = ranking.top(weights, capacity, revenue)
    return [*figures, ranking.roc_auc(weights * revenue), caught_revenue / lost if lost else np.nan]


def _estimate(value: float, drawn: Floats) -> Estimate:
    drawn = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(drawn):
        return Estimate(None if np.isnan(value) else float(value), None, None)
    low, high = np.percentile(drawn, INTERVAL_PERCENT)
    return Estimate(float(value), float(low), float(high))


def _apart(rows: pd.DataFrame, risks: pd.DataFrame, contenders: Sequence[Contender], samples: int) -> Apart:
    churned = int(rows["churned"].sum())
    auc: dict[str, Estimate] = {}
    if len(rows):
        rankings = _rankings(rows, risks, contenders)
        draws = bootstrap_weights(_clusters(rows), samples, SEED)
        drawn = np.array([[each.roc_auc(weights) for each in rankings] for weights in draws])
        for i, each in enumerate(contenders):
            auc[each.key] = _estimate(rankings[i].roc_auc(np.ones(len(rows))), drawn[:, i])
    return Apart(len(rows), rows["account"].nunique(), churned, _ratio(churned, len(rows)), auc)


def _judged(
    contender: Contender,
    figures: dict[str, Estimate],
    rows: pd.DataFrame,
    risks: pd.DataFrame,
    bands: pd.DataFrame,
) -> Judged:
    risk, churned = risks[contender.key], rows["churned"]
    brier = float(((risk - churned) ** 2).mean()) if contender.is_probability and len(rows) else None
    has_bands = contender.key in bands
    band = bands[contender.key] if has_bands else pd.Series(dtype=np.int8)
    missed, false = _alarms(rows, risk, band) if has_bands else (rows[:0], rows[:0])
    return Judged(
        contender=asdict(contender),
        figures=figures,
        by_day=_by_day(rows, risk),
        brier=brier,
        reliability=_reliability(risk, churned) if contender.is_probability else [],
        bands=[_band_row(each, band, rows) for each in (Band.RED, Band.YELLOW, Band.GREEN)] if has_bands else [],
        lead=_lead_times(rows, band) if has_bands else None,
        missed_count=len(missed),
        missed=_listed(missed),
        false_count=len(false),
        false=_listed(false),
    )


def _by_day(rows: pd.DataFrame, risk: pd.Series) -> list[dict[str, Any]]:
    found = []
    for day in np.unique(rows["day"].to_numpy(np.int64)):
        these = rows[rows["day"] == day]
        ranking = Ranking(
            risk[these.index].to_numpy(np.float64), these["churned"].to_numpy(bool), np.zeros(len(these), np.intp)
        )
        auc = ranking.roc_auc(np.ones(len(these)))
        found.append(
            {
                "as_of": iso(int(day)),
                "rows": len(these),
                "churned": int(these["churned"].sum()),
                "roc_auc": None if np.isnan(auc) else auc,
            }
        )
    return found


def _reliability(risk: pd.Series, churned: pd.Series) -> list[Bin]:
    """Cut the rows, in order of probability, into bins of like size; equals stay together."""
    if not len(risk):
        return []
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, RELIABILITY_BINS + 1)))
    place = np.clip(np.searchsorted(edges, risk, side="right") - 1, 0, max(len(edges) - 2, 0))
    grouped = pd.DataFrame({"risk": risk, "churned": churned}).groupby(place)
    return [Bin(len(each), float(each["risk"].mean()), float(each["churned"].mean())) for _, each in grouped]


def _band_row(band: Band, column: pd.Series, rows: pd.DataFrame) -> BandRow:
    within, churned, revenue = column == band, rows["churned"], rows["revenue"].fillna(0)
    caught = int((within & churned).sum())
    return BandRow(
        band=band.word,
        rows=int(within.sum()),
        churned=caught,
        rate=_ratio(caught, within.sum()),
        recall=_ratio(caught, churned.sum()),
        revenue_recall=_ratio(revenue[within & churned].sum(), revenue[churned].sum()),
    )


def _lead_times(rows: pd.DataFrame, band: pd.Series) -> LeadTimes:
    seen = pd.DataFrame({"account": rows["account"], "day": rows["day"], "band": band})
    churns = rows.loc[rows["churned"] & rows["churned_on"].notna(), ["account", "churned_on"]].drop_duplicates()
    before = churns.merge(seen, on="account")
    before = before[before["day"] < before["churned_on"]].sort_values("day", ascending=False)
    episode = ["account", "churned_on"]
    episodes = before[episode].drop_duplicates().shape[0]

    def lead(is_bad: "pd.Series[bool]") -> "pd.Series[float]":
        """Return the days of those that were bad on the last date and without a break before."""
        unbroken = is_bad.astype(int).groupby([before[key] for key in episode]).cummin() == 1
        streak = before[unbroken]
        return (streak["churned_on"] - streak["day"]).groupby([streak[key] for key in episode]).max()

    red, below = lead(before["band"] == Band.RED), lead(before["band"].isin([Band.RED, Band.YELLOW]))
    return LeadTimes(
        episodes=episodes,
        red=len(red),
        below_green=len(below),
        early=int((below >= EARLY_DAYS).sum()),
        median_red=float(red.median()) if len(red) else None,
        median_below_green=float(below.median()) if len(below) else None,
    )


def _alarms(rows: pd.DataFrame, risk: pd.Series, band: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the accounts whose newest row was green and churned, and red and stayed; the dearest first."""
    every = rows.assign(risk=risk, band=band).sort_values("day")
    latest = every.groupby("account").tail(1).sort_values(["revenue", "account"], ascending=[False, True])
    churned = latest["churned"]
    return latest[churned & (latest["band"] == Band.GREEN)], latest[~churned & (latest["band"] == Band.RED)]


def _listed(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "account": int(row["account"]),
            "as_of": iso(int(row["day"])),
            "score": round(100 * (1 - float(row["risk"])), 2),
            "churned_on": None if np.isnan(row["churned_on"]) else iso(int(row["churned_on"])),
            "revenue": None if np.isnan(row["revenue"]) else float(row["revenue"]),
            "is_treated": bool(row["is_treated"]),
        }
        for row in rows.head(LISTED_ALARMS).to_dict("records")
    ]


def iso(day: int) -> str:
    """Return the ISO date of a number of days since 1970."""
    return (EPOCH + timedelta(days=day)).isoformat()


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None

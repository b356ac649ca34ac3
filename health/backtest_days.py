"""What a backtest reads as of one date, and the frames it judges.

The arrays of a date, one row per account that is eligible, has a known outcome and is scored by
every contender's configuration (unknown scores included):
    account int64 · churned bool · churned_on int64 (days since 1970, NEVER) · arr, worth float64 (a
    year, NaN: unknown) · is_treated bool · scores int16 and bands int8 (a row per contender;
    hundredths, UNKNOWN) · baselines float64 (a row per BASELINES) · points int16 (a row per input
    of the first contender, limits too; hundredths, UNKNOWN; only where it learns).
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from health.backtest import EPOCH, Contender
from health.interventions import treated_accounts
from health.metrics.query import LOOKBACK_DAYS, AccountSet
from health.metrics.registry import MetricUse, clean_use
from health.metrics.values import read_values
from health.outcomes import ChurnRule, Outcome, churn_outcomes
from health.scorecards import Card
from health.scoring import HUNDREDTHS, UNKNOWN
from health.services.scores import account_chunks, compute_card, midnight
from health.usage.moment import reading_moment

NEVER = -1
BASELINE_DAYS = 90
WORTH_DAYS = 365
# What anybody could count without a scorecard.
BASELINES = (
    Contender(f"events_{BASELINE_DAYS}", f"Number of events in {BASELINE_DAYS} days", "baseline"),
    Contender(f"events_{LOOKBACK_DAYS}", f"Number of events in {LOOKBACK_DAYS} days", "baseline"),
    Contender("days_since", "Days since the last event", "baseline"),
)

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Configuration:
    """A configuration to read scores by."""

    key: str
    label: str
    card: Card


def read_day(
    contenders: Sequence[Configuration], rule: ChurnRule, as_of: date, *, with_points: bool
) -> tuple[Arrays, int, datetime]:
    """Return (arrays, how many accounts' outcomes are unknown, recorded_by) as of a date.

    Scores see what happened and was known before the date; outcomes see all that is recorded now.
    """
    with reading_moment() as recorded_by:
        pass
    treated = treated_accounts(as_of, recorded_by)
    parts, unknown = [], 0
    for accounts in account_chunks():
        outcomes = churn_outcomes(rule, as_of=as_of, recorded_by=recorded_by, accounts=accounts)
        known = {pk: outcome for pk, outcome in outcomes.items() if outcome.churned is not None}
        unknown += len(outcomes) - len(known)
        if known:
            parts.append(
                _read_chunk(contenders, rule, as_of, accounts, outcomes=known, treated=treated, with_points=with_points)
            )
    if not parts:
        return {}, unknown, recorded_by
    arrays = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}
    return arrays, unknown, recorded_by


def pack(arrays: Arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack(data: bytes) -> Arrays:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def _read_chunk(
    contenders: Sequence[Configuration],
    rule: ChurnRule,
    as_of: date,
    accounts: AccountSet,
    *,
    outcomes: dict[int, Outcome],
    treated: set[int],
    with_points: bool,
) -> Arrays:
    results = [
        compute_card(each.card, accounts, applies_to=_plain(each.card.applies_to), as_of=as_of)[0]
        for each in contenders
    ]
    ids = np.array(sorted(outcomes), np.int64)
    for result in results:
        ids = np.intersect1d(ids, result.account_ids)
    churns = [outcomes[pk] for pk in ids.tolist()]
    frames = [result.scores.accounts.loc[ids] for result in results]
    values = _values(rule, as_of, accounts, ids)
    arrays: Arrays = {
        "account": ids,
        "churned": np.array([bool(each.churned) for each in churns], bool),
        "churned_on": np.array(
            [(each.churned_on - EPOCH).days if each.churned_on else NEVER for each in churns], np.int64
        ),
        "arr": values[0],
        "worth": values[1],
        "is_treated": np.isin(ids, np.fromiter(treated, np.int64, len(treated))),
        "scores": np.array([frame["score"] for frame in frames], np.int16).reshape(len(frames), len(ids)),
        "bands": np.array([frame["band"] for frame in frames], np.int8).reshape(len(frames), len(ids)),
        "baselines": values[2:],
    }
    if with_points:
        keys = [each.key for each in contenders[0].card.inputs]
        arrays["points"] = results[0].scores.points.loc[ids, keys].to_numpy(np.int16).T
    return arrays


def _plain(condition: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if condition is None else dict(condition)


def _values(rule: ChurnRule, as_of: date, accounts: AccountSet, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return rows: ARR, the worth of a year's events, the BASELINES; as of the date, for these accounts."""
    uses = [clean_use({"metric": "arr"}), _events(rule, "event_value", WORTH_DAYS)]
    uses += [_events(rule, "event_count", days) for days in (BASELINE_DAYS, LOOKBACK_DAYS)]
    uses += [_events(rule, "days_since_event")]
    with reading_moment() as recorded_by:
        found = read_values(uses, accounts, as_of=midnight(as_of), recorded_by=recorded_by, live=True)
    order = np.argsort(found.account_ids)
    place = order[np.searchsorted(found.account_ids, ids, sorter=order)]
    return found.value[place].T


def _events(rule: ChurnRule, metric: str, days: int | None = None) -> MetricUse:
    params: dict[str, object] = {"events": list(rule.events)}
    return clean_use({"metric": metric, "params": params | ({"days": days} if days else {})})


@dataclass(frozen=True)
class Frames:
    """The dates together, in the shape that health/backtest.py takes; `points` None: not read."""

    rows: pd.DataFrame
    risks: pd.DataFrame
    bands: pd.DataFrame
    points: pd.DataFrame | None
    baselines: tuple[Contender, ...]
    is_worth_of_events: bool


def frames(days: Iterable[tuple[date, Arrays]], contenders: Sequence[Configuration]) -> Frames:
    """Put the arrays of dates together. Revenue is ARR, or where nobody has any the worth of events."""
    filled = [(as_of, arrays) for as_of, arrays in days if arrays]
    if not filled:
        return _no_frames(contenders)
    day = np.concatenate([np.full(len(arrays["account"]), (as_of - EPOCH).days) for as_of, arrays in filled])
    whole = {name: np.concatenate([arrays[name] for _, arrays in filled], axis=-1) for name in filled[0][1]}
    has_arr = bool((np.nan_to_num(whole["arr"]) > 0).any())
    churned_on = whole["churned_on"].astype(np.float64)
    rows = pd.DataFrame(
        {
            "account": whole["account"],
            "day": day.astype(np.int64),
            "churned": whole["churned"],
            "churned_on": np.where(churned_on == NEVER, np.nan, churned_on),
            "revenue": whole["arr"] if has_arr else whole["worth"],
            "is_treated": whole["is_treated"],
        }
    )
    keys = [each.key for each in contenders]
    scores = whole["scores"].T.astype(np.float64)
    risks = pd.DataFrame(np.where(scores == UNKNOWN, np.nan, 1 - scores / HUNDREDTHS / 100), columns=keys)
    baselines = BASELINES if (~np.isnan(whole["baselines"])).any() else ()
    for place, each in enumerate(baselines):
        risks[each.key] = _baseline_risk(each, whole["baselines"][place])
    points = None
    if "points" in whole:
        points = pd.DataFrame(whole["points"].T, columns=[each.key for each in contenders[0].card.inputs])
    return Frames(rows, risks, pd.DataFrame(whole["bands"].T, columns=keys), points, baselines, not has_arr)


def _baseline_risk(baseline: Contender, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Fewer events and more days are riskier; whoever never sent any has none, and longest ago."""
    if baseline.key == "days_since":
        return np.where(np.isnan(values), LOOKBACK_DAYS + 1.0, values)
    return -np.nan_to_num(values)


def _no_frames(contenders: Sequence[Configuration]) -> Frames:
    kinds = {"account": int, "day": int, "churned": bool, "churned_on": float, "revenue": float, "is_treated": bool}
    rows = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    keys = [each.key for each in contenders]
    empty = pd.DataFrame(columns=keys, index=rows.index, dtype=np.float64)
    return Frames(rows, empty, empty.astype(np.int8), None, (), is_worth_of_events=False)

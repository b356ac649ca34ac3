"""What a backtest allows to say, in plain sentences, and when it allows nothing. Pure.

Small numbers dominate: at ROC-AUC 0.75 and 10 % churn the figure is off by up to 0.18 with 10
churned accounts, 0.13 with 20, 0.10 with 30 and 0.06 with 100.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from health.backtest import Contender, Difference, Estimate, Judgement

# Below this an interval is wider than the distance between a good score and a coin.
MIN_CHURNED_ACCOUNTS = 30
MIN_STAYED_ACCOUNTS = 30
CHANCE = 0.5
# Less is not worth anybody's attention, however surely it is above chance.
USABLE_ROC_AUC = 0.55
# What the table above comes to: 0.57 / √(churned accounts).
HALF_WIDTH_TIMES_ROOT = 0.57

State = Literal["empty", "too_few", "no_signal", "signal"]


@dataclass(frozen=True)
class Verdict:
    """state of the contender; `sentences`: the first says it all, the others compare."""

    contender: str
    state: State
    sentences: list[str]


def verdicts(judgement: Judgement) -> list[Verdict]:
    """Return a verdict for every contender that is no baseline, in their order."""
    contenders = [Contender(**each.contender) for each in judgement.judged]
    names = {each.key: each.label for each in contenders}
    refusal = _refusal(judgement)
    found = []
    for each, judged in zip(contenders, judgement.judged, strict=True):
        if each.kind == "baseline":
            continue
        if refusal:
            found.append(Verdict(each.key, *refusal))
            continue
        auc = judged.figures["roc_auc"]
        state: State = "signal" if is_usable(auc) else "no_signal"
        compared = _comparisons(each.key, judgement.differences, names)
        found.append(Verdict(each.key, state, [_about(state, auc), *compared]))
    return found


def is_usable(auc: Estimate) -> bool:
    """Return whether a ROC-AUC is surely above chance and far enough above it to be of use."""
    return auc.value is not None and auc.low is not None and auc.low > CHANCE and auc.value >= USABLE_ROC_AUC


def _refusal(judgement: Judgement) -> tuple[State, list[str]] | None:
    """Return why nothing can be said about anybody."""
    if not judgement.rows:
        return "empty", ["Nothing to judge: no account was eligible and scored on these dates with a known outcome."]
    churned, stayed = judgement.churned_accounts, judgement.stayed_accounts
    if churned < MIN_CHURNED_ACCOUNTS:
        needs = f"A verdict needs {MIN_CHURNED_ACCOUNTS}: take more dates, a longer horizon, or wait."
        return "too_few", [f"{_accounts(churned)} churned: too few to tell. {_doubt(churned)} {needs}"]
    if stayed < MIN_STAYED_ACCOUNTS:
        needs = f"A verdict needs {MIN_STAYED_ACCOUNTS}: take a shorter horizon or more dates."
        return "too_few", [f"Only {_accounts(stayed)} stayed: too few to tell. {needs}"]
    return None


def _doubt(churned: int) -> str:
    if not churned:
        return "Nobody left whom a score could have found."
    return f"With so few, ROC-AUC may be off by ±{HALF_WIDTH_TIMES_ROOT / math.sqrt(churned):.2f}."


def _about(state: State, auc: Estimate) -> str:
    figure = f"ROC-AUC {interval(auc)}"
    if state == "signal":
        return f"It ranks who will churn better than chance: {figure}; chance is 0.50."
    if auc.high is not None and auc.high < CHANCE:
        return f"No usable signal: {figure} is below chance (0.50). Whom it calls healthy churned more often."
    if auc.value is not None and auc.value < USABLE_ROC_AUC:
        return f"No usable signal: {figure} is about what chance gives (0.50). It did not tell who would churn."
    return f"No usable signal: {figure} cannot be told from chance (0.50)."


def _comparisons(key: str, differences: Iterable[Difference], names: dict[str, str]) -> list[str]:
    return [_compared(each, names[each.than]) for each in differences if each.of == key]


def _compared(found: Difference, than: str) -> str:
    difference = found.difference
    text = interval(difference, signed=True)
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return f"It cannot be told apart from “{than}” on the same rows: difference {text}."
    word = "better" if difference.low > 0 else "worse"
    return f"It ranks {word} than “{than}” on the same rows: difference {text}."


def interval(estimate: Estimate, *, signed: bool = False) -> str:
    """Return an estimate as text: 0.74 (0.72 to 0.76)."""
    form = "+.3f" if signed else ".3f"

    def number(value: float) -> str:
        return format(value, form).replace("-", "−")

    if estimate.value is None:
        return "unknown"
    if estimate.low is None or estimate.high is None:
        return number(estimate.value)
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"


def _accounts(count: int) -> str:
    return f"{count:,} account{'' if count == 1 else 's'}"

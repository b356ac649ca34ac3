"""What the pages about backtests show."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from accounts.permissions import visible_accounts
from health.backtest_text import (
    FIGURE_LABELS,
    estimate_text,
    lead_text,
    number_text,
    percent_text,
    rule_text,
)
from health.enums import BacktestState
from health.models import Backtest, LearnedModel, Scorecard
from health.scorecards import Band
from health.services.backtests import rule_of
from team.models import User

# What a state of a backtest, and of a verdict, looks like: (word, band).
STATE_PILLS = {
    BacktestState.WAITING: ("Waiting", "unknown"),
    BacktestState.RUNNING: ("Running", "yellow"),
    BacktestState.DONE: ("Done", "green"),
    BacktestState.CANCELLED: ("Cancelled", "unknown"),
    BacktestState.FAILED: ("Failed", "red"),
}
VERDICT_PILLS = {
    "signal": ("Better than chance", "green"),
    "no_signal": ("No usable signal", "red"),
    "too_few": ("Too few to tell", "unknown"),
    "empty": ("Nothing to judge", "unknown"),
}

ALARMS = [
    ("missed", "Missed", "healthy on the last date, and churned"),
    ("false", "False alarms", "at risk on the last date, and stayed"),
]


@dataclass(frozen=True)
class ListedBacktest:
    """`done`: how many of its dates are read. `verdict` and `roc_auc`: of the first contender."""

    backtest: Backtest
    pill: tuple[str, str]
    done: int
    verdict: tuple[str, str] | None
    roc_auc: str


def listed_backtests(scorecard: Scorecard) -> list[ListedBacktest]:
    """Return the backtests of a scorecard, newest first. One query."""
    rows = scorecard.backtests.select_related("created_by").annotate(done=Count("days")).defer("contenders")
    return [
        ListedBacktest(
            backtest=row,
            pill=STATE_PILLS[BacktestState(row.state)],
            done=row.done,
            verdict=VERDICT_PILLS[row.result["verdicts"][0]["state"]] if row.result else None,
            roc_auc=estimate_text(row.result["judgement"]["judged"][0]["figures"].get("roc_auc"))
            if row.result
            else "–",
        )
        for row in rows
    ]


def page_of(backtest: Backtest, user: User) -> dict[str, Any]:
    """Return the context of a backtest's page."""
    total = len(backtest.all_dates)
    context: dict[str, Any] = {
        "backtest": backtest,
        "scorecard": backtest.scorecard,
        "pill": STATE_PILLS[BacktestState(backtest.state)],
        "rule": rule_text(rule_of(backtest)),
        "done": backtest.days.count(),
        "total": total,
        "labels": [each["label"] for each in backtest.contenders],
    }
    if backtest.result:
        context |= _result(backtest, backtest.result, user)
    return context


def _result(backtest: Backtest, result: dict[str, Any], user: User) -> dict[str, Any]:
    found = result["judgement"]
    labels = {each["contender"]["key"]: each["contender"]["label"] for each in found["judged"]}
    names = _account_names(found["judged"], user)
    return {
        "found": found,
        "revenue": result["revenue"],
        "base_rate": percent_text(found["base_rate"]),
        "unscored_rate": percent_text(found["unscored_rate"]),
        "unknown": list(result["unknown"].items()),
        "verdicts": [
            {"label": labels[each["contender"]], "pill": VERDICT_PILLS[each["state"]], "sentences": each["sentences"]}
            for each in result["verdicts"]
        ],
        "figures": _figures(found),
        "days": _days(found),
        "judged": [_judged(each, names) for each in found["judged"] if each["bands"]],
        "reliability": [_reliability(each) for each in found["judged"] if each["reliability"]],
        "apart": _apart(found, labels),
        "learning": _learning(result["learning"]),
        "learned": LearnedModel.objects.filter(backtest=backtest).select_related("published_by").first(),
    }


def _figures(found: dict[str, Any]) -> dict[str, Any]:
    shown = [name for name in FIGURE_LABELS if found["has_revenue"] or not name.startswith("revenue")]
    return {
        "columns": [FIGURE_LABELS[name] for name in shown],
        "rows": [
            {
                "label": each["contender"]["label"],
                "is_baseline": each["contender"]["kind"] == "baseline",
                "cells": [(FIGURE_LABELS[name], _cell(each["figures"].get(name))) for name in shown],
                "brier": number_text(each["brier"]),
            }
            for each in found["judged"]
        ],
    }


def _cell(estimate: dict[str, float | None] | None) -> tuple[str, str]:
    """Return (value, interval)."""
    if estimate is None or estimate["value"] is None:
        return "–", ""
    if estimate["low"] is None:
        return number_text(estimate["value"]), ""
    return number_text(estimate["value"]), f"{number_text(estimate['low'])}–{number_text(estimate['high'])}"


def _days(found: dict[str, Any]) -> dict[str, Any]:
    days = found["judged"][0]["by_day"]
    return {
        "columns": [(day["as_of"], f"{day['churned']:,} of {day['rows']:,} churned") for day in days],
        "rows": [
            (each["contender"]["label"], [(day["as_of"], number_text(day["roc_auc"])) for day in each["by_day"]])
            for each in found["judged"]
        ],
    }


def _judged(judged: dict[str, Any], names: dict[int, str]) -> dict[str, Any]:
    return {
        "key": judged["contender"]["key"],
        "label": judged["contender"]["label"],
        "bands": [
            {
                "band": row["band"],
                "word": Band[row["band"].upper()].label,
                "rows": row["rows"],
                "churned": row["churned"],
                "rate": percent_text(row["rate"]),
                "recall": percent_text(row["recall"]),
                "revenue_recall": percent_text(row["revenue_recall"]),
            }
            for row in judged["bands"]
        ],
        "lead": lead_text(judged["lead"]),
        "alarms": [
            {"title": title, "about": about, "count": judged[f"{kind}_count"], "rows": _named(judged[kind], names)}
            for kind, title, about in ALARMS
        ],
    }


def _named(alarms: list[dict[str, Any]], names: dict[int, str]) -> list[dict[str, Any]]:
    return [{**each, "name": names[each["account"]]} for each in alarms if each["account"] in names]


def _account_names(judged: list[dict[str, Any]], user: User) -> dict[int, str]:
    """Return the names of the listed accounts that the reader may see."""
    ids = {alarm["account"] for each in judged for alarm in [*each["missed"], *each["false"]]}
    rows = visible_accounts(user).filter(pk__in=ids, deleted_at=None)
    return dict(rows.values_list("pk", "name"))


def _reliability(judged: dict[str, Any]) -> dict[str, Any]:
    bins = [(each["predicted"], each["observed"], each["rows"]) for each in judged["reliability"]]
    return {"label": judged["contender"]["label"], "bins": bins, "brier": number_text(judged["brier"])}


def _apart(found: dict[str, Any], labels: dict[str, str]) -> dict[str, Any] | None:
    if not found["treated"]:
        return None
    parts = [("With an intervention", found["treated"]), ("Without", found["untreated"])]
    return {
        "columns": list(labels.values()),
        "rows": [
            {
                "label": label,
                "about": f"{part['churned']:,} of {part['rows']:,} rows churned ({percent_text(part['rate'])})",
                "cells": [(labels[key], _cell(part["roc_auc"].get(key))) for key in labels],
            }
            for label, part in parts
        ],
    }


def _learning(learning: dict[str, Any] | None) -> dict[str, Any] | None:
    if learning is None or "refusal" in learning:
        return learning
    shares = [
        {
            "label": each["label"],
            "before": percent_text(each["before"]),
            "share": percent_text(each["share"]),
            "width": round(100 * each["share"], 1),
        }
        for each in learning["shares"]
    ]
    return {**learning, "shares": shares}

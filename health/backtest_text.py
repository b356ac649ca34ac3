"""A finished backtest as lines of text, as `manage.py backtest` prints it."""

from typing import Any

from health.models import Backtest
from health.outcomes import ChurnRule
from health.scorecards import Band
from health.services.backtests import rule_of

LISTED = 10
FIGURE_LABELS = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "precision": "Churned in top",
    "recall": "Found in top",
    "lift": "Lift",
    "revenue_roc_auc": "ROC-AUC by revenue",
    "revenue_recall": "Revenue found",
}


def rule_text(rule: ChurnRule) -> str:
    """Say in words what churn is, and who is judged."""
    ahead = f"{rule.lead_days} to {rule.lead_days + rule.horizon_days} days" if rule.lead_days else None
    if rule.kind != "lapse":
        which = "the last subscription" if rule.kind == "subscription" else "any subscription"
        return f"{which} ended within {ahead or f'{rule.horizon_days} days'} after the date"
    events = f"no {' or '.join(f'“{name}”' for name in rule.events)}" if rule.events else "no usage"
    when = f"from day {rule.lead_days} on, for {rule.horizon_days} days" if ahead else f"for {rule.horizon_days} days"
    return f"{events} {when}, by accounts active in the {rule.active_days} days before"


def report_lines(backtest: Backtest) -> list[str]:
    result: dict[str, Any] = backtest.result or {}
    found = result["judgement"]
    labels = {each["contender"]["key"]: each["contender"]["label"] for each in found["judged"]}
    lines = [backtest.name, f"Churn: {rule_text(rule_of(backtest))}. Dates: {', '.join(backtest.dates)}."]
    lines += [_about(result)]
    if found["rows_unscored"]:
        rate = percent_text(found["unscored_rate"])
        lines += [f"{found['rows_unscored']:,} rows had no score and are left out ({rate} churned)."]
    for day, count in result["unknown"].items():
        lines += [f"{day}: the outcome of {count:,} accounts is not known; history ends before the horizon."]
    lines += ["", *_verdicts(result, labels), "", *_figures(found), "", *_days(found)]
    for each in found["judged"]:
        if each["bands"]:
            lines += ["", *_bands(each)]
    if found["treated"]:
        lines += ["", *_apart(found, labels)]
    lines += _learning(backtest, result["learning"])
    first = found["judged"][0]
    lines += ["", f"Missed alarms (healthy by {first['contender']['label']}, churned): {_listed(first, 'missed')}"]
    return [*lines, f"False alarms (at risk, stayed): {_listed(first, 'false')}"]


def _about(result: dict[str, Any]) -> str:
    found = result["judgement"]
    return (
        f"{found['rows']:,} rows of {found['accounts']:,} accounts; {found['churned_accounts']:,} of them churned"
        f" ({percent_text(found['base_rate'])} of the rows). Capacity {found['capacity']:,} accounts per date."
        f" Revenue: {result['revenue']}."
    )


def _verdicts(result: dict[str, Any], labels: dict[str, str]) -> list[str]:
    return [f"{labels[each['contender']]}: {' '.join(each['sentences'])}" for each in result["verdicts"]]


def _figures(found: dict[str, Any]) -> list[str]:
    shown = [name for name in FIGURE_LABELS if found["has_revenue"] or not name.startswith("revenue")]
    rows = [["", *(FIGURE_LABELS[name] for name in shown), "Brier"]]
    for each in found["judged"]:
        figures = [estimate_text(each["figures"].get(name)) for name in shown]
        rows.append([each["contender"]["label"], *figures, "–" if each["brier"] is None else f"{each['brier']:.3f}"])
    return _table(rows)


def _days(found: dict[str, Any]) -> list[str]:
    days = found["judged"][0]["by_day"]
    rows = [["ROC-AUC as of", *(f"{each['as_of']} ({each['churned']:,}/{each['rows']:,})" for each in days)]]
    rows += [
        [each["contender"]["label"], *(number_text(day["roc_auc"]) for day in each["by_day"])]
        for each in found["judged"]
    ]
    return _table(rows)


def _bands(judged: dict[str, Any]) -> list[str]:
    rows = [[judged["contender"]["label"], "rows", "churned", "of its rows", "of all churn", "of churned revenue"]]
    for each in judged["bands"]:
        rates = [percent_text(each[name]) for name in ("rate", "recall", "revenue_recall")]
        rows.append([Band[each["band"].upper()].label, f"{each['rows']:,}", f"{each['churned']:,}", *rates])
    return [*_table(rows), lead_text(judged["lead"])]


def lead_text(lead: dict[str, Any]) -> str:
    """Say how long before they churned accounts turned red, or left green."""
    if not lead["episodes"]:
        return "No churn was scored before it happened."
    return (
        f"Of {lead['episodes']:,} churns, {lead['red']:,} were at risk before and stayed so (median"
        f" {days_text(lead['median_red'])}), {lead['below_green']:,} below healthy (median"
        f" {days_text(lead['median_below_green'])}), {lead['early']:,} of these for 60 days or more."
    )


def _apart(found: dict[str, Any], labels: dict[str, str]) -> list[str]:
    rows = [["ROC-AUC by intervention", *labels.values()]]
    for name, label in (("treated", "with one within 30 days"), ("untreated", "without")):
        apart = found[name]
        head = f"{label} ({apart['churned']:,}/{apart['rows']:,})"
        rows.append([head, *(estimate_text(apart["roc_auc"].get(key)) for key in labels)])
    return _table(rows)


def _learning(backtest: Backtest, learning: dict[str, Any] | None) -> list[str]:
    if learning is None:
        return []
    if "refusal" in learning:
        return ["", f"Nothing learned: {learning['refusal']}"]
    rows = [["Weights", "now", "learned"]]
    rows += [[each["label"], percent_text(each["before"]), percent_text(each["share"])] for each in learning["shares"]]
    about = (
        f"Learned from {learning['rows']:,} rows of {learning['accounts']:,} accounts"
        f" ({learning['churned_accounts']:,} churned) on {', '.join(backtest.training_dates)}."
    )
    return ["", about, *_table(rows)]


def _listed(judged: dict[str, Any], kind: str) -> str:
    alarms, more = judged[kind], judged[f"{kind}_count"] - LISTED
    told = ", ".join(f"account {each['account']} ({each['score']:.0f})" for each in alarms[:LISTED]) or "none"
    return f"{told} and {more:,} more" if more > 0 else told


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) if not place else cell.rjust(width) for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]


def estimate_text(estimate: dict[str, float | None] | None) -> str:
    if estimate is None or estimate["value"] is None:
        return "–"
    if estimate["low"] is None:
        return number_text(estimate["value"])
    return f"{number_text(estimate['value'])} ({number_text(estimate['low'])}–{number_text(estimate['high'])})"


def number_text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def percent_text(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def days_text(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} days"

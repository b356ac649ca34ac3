"""Every row that a backtest judged, as a CSV."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from accounts.permissions import visible_accounts
from health.backtest import iso
from health.backtest_days import NEVER, Arrays, unpack
from health.models import Backtest
from health.scorecards import Band
from health.scoring import HUNDREDTHS, UNKNOWN
from team.models import User

HEAD = ["account", "name", "as_of", "churned", "churned_on", "arr", "value_of_events_365_days", "intervention"]


def csv_head(backtest: Backtest) -> list[str]:
    labels = [each["label"] for each in backtest.contenders]
    return [*HEAD, *(f"{label} {word}" for label in labels for word in ("score", "band"))]


def csv_rows(backtest: Backtest, user: User | None) -> Iterator[list[Any]]:
    """Yield the rows of accounts that the reader may see, date by date."""
    names = dict(visible_accounts(user).values_list("pk", "name"))
    for day in backtest.days.filter(as_of__in=[date.fromisoformat(text) for text in backtest.dates]):
        if arrays := unpack(bytes(day.rows)):
            yield from _rows(day.as_of, arrays, names)


def _rows(as_of: date, arrays: Arrays, names: dict[int, str]) -> Iterator[list[Any]]:
    for place, account in enumerate(arrays["account"].tolist()):
        if account not in names:
            continue
        churned_on = int(arrays["churned_on"][place])
        scores: list[Any] = []
        for score, band in zip(arrays["scores"][:, place], arrays["bands"][:, place], strict=True):
            scores += [None if score == UNKNOWN else f"{score / HUNDREDTHS:.2f}", Band(int(band)).word]
        yield [
            account,
            names[account],
            as_of.isoformat(),
            "yes" if arrays["churned"][place] else "no",
            None if churned_on == NEVER else iso(churned_on),
            _number(arrays["arr"][place]),
            _number(arrays["worth"][place]),
            "yes" if arrays["is_treated"][place] else "no",
            *scores,
        ]


def _number(value: float) -> str | None:
    return None if value != value else f"{value:.2f}"  # noqa: PLR0124 -- NaN alone differs from itself

"""Why accounts need somebody today. Apps add their reasons; My day shows one line for each account with all of them.

    @register_needs
    def overdue_to_dos(book: QuerySet[Account], at: At) -> Iterable[Need]:
        …

A source returns the most pressing `at.limit` accounts of a book at most, in a fixed number of queries.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from accounts.models import Account

RENEWAL_DAYS = 30
TONES = ("red", "yellow", "green", "")


@dataclass(frozen=True)
class At:
    """When somebody looks: now, the beginning of their day, and which day that is for them."""

    now: datetime
    since: datetime
    today: date
    limit: int = 50


@dataclass(frozen=True)
class Need:
    """A reason in words. `tone` is the band that fits: "", green (an opportunity), yellow or red."""

    account_id: int
    text: str
    tone: str = ""
    detail: str = ""
    url: str = ""


Source = Callable[[QuerySet[Account], At], Iterable[Need]]
_sources: list[Source] = []


def register_needs(source: Source) -> Source:
    """Add a source of reasons; upper apps do so in ready()."""
    _sources.append(source)
    return source


def needs(book: QuerySet[Account], at: At) -> dict[int, list[Need]]:
    """Return the reasons of all sources by account, the gravest first."""
    found: dict[int, list[Need]] = {}
    for source in _sources:
        for need in source(book, at):
            found.setdefault(need.account_id, []).append(need)
    return {pk: sorted(reasons, key=lambda need: TONES.index(need.tone)) for pk, reasons in found.items()}


@register_needs
def renewal_needs(book: QuerySet[Account], at: At) -> Iterable[Need]:
    """Yield renewals that are overdue, or due within RENEWAL_DAYS."""
    rows = book.filter(renews_on__lte=date.fromordinal(at.today.toordinal() + RENEWAL_DAYS)).order_by("renews_on", "pk")
    for pk, renews_on in rows.values_list("pk", "renews_on")[: at.limit]:
        assert renews_on is not None
        days = (renews_on - at.today).days
        if days < 0:
            yield Need(pk, f"Renewal overdue by {_days(-days)}", "red")
        else:
            yield Need(pk, "Renews today" if days == 0 else f"Renews in {_days(days)}", "yellow")


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"

"""My day: how my book stands, who needs attention, what changed."""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.attention import At, Need, needs
from accounts.books import BOOKS, book_name, book_of
from accounts.models import Account
from accounts.queries import proactively_reached, renewals
from accounts.timeline import news
from cs_platform import formats
from health.attention import by_rank
from health.enums import ScoreKind
from health.incident_report import listed_open
from health.models import CurrentScore
from health.portfolio import arr_at_risk, band_shares, score_histogram
from health.scorecards import DEFAULT_BANDS, Band
from health.triage import due_now
from team.requests import UserRequest

NEWS_DAYS = 7
NEWS_ROWS = 6
RENEWAL_DAYS = 90
REACH_DAYS = 30
ATTENTION_ROWS = 12


@require_safe
def my_day(request: UserRequest) -> HttpResponse:
    now = timezone.now()
    local = now.astimezone(ZoneInfo(request.user.time_zone))
    name = book_name(request.user, request.GET.get("book", ""))
    book = book_of(request.user, name)
    at = At(now=now, since=datetime.combine(local.date(), time(), local.tzinfo), today=local.date())
    list_of_day = day_list(book, at)
    shares = band_shares(book)
    counts = {share.band.word: share.count for share in shares}
    accounts_url = reverse("account_list")
    context = {
        "book": name,
        "books": BOOKS,
        "greeting": greeting(local),
        "today": local.date(),
        "figures": book_figures(book, now=now, today=local.date()),
        "arr_at_risk": arr_at_risk(shares),
        "account_count": sum(counts.values()),
        "band_counts": counts,
        "band_links": {word: f"{accounts_url}?{_band_filter(word)}" for word in counts},
        "band_notes": {share.band.word: formats.money(share.arr, settings.REPORTING_CURRENCY) for share in shares},
        "bins": score_bins(score_histogram(book)),
        "attention": list_of_day.lines,
        "waiting": list_of_day.waiting,
        "news": news(book, since=now - timedelta(days=NEWS_DAYS), limit=NEWS_ROWS),
        "accounts_url": accounts_url,
        "renewals": renewals(book, today=local.date(), until=local.date() + timedelta(days=RENEWAL_DAYS))[:6],
        "news_days": NEWS_DAYS,
        "incidents": listed_open() if request.user.can_configure else [],
        "currency": settings.REPORTING_CURRENCY,
    }
    return render(request, "pages/my_day.html", context)


@dataclass(frozen=True)
class Line:
    """An account with all the reasons why it needs somebody."""

    account: Account
    score: CurrentScore | None
    reasons: list[Need]

    @property
    def points(self) -> float | None:
        return None if self.score is None or self.score.score is None else float(self.score.score)

    @property
    def band(self) -> str:
        return Band.UNKNOWN.word if self.score is None else self.score.band_word

    @property
    def change(self) -> float | None:
        return None if self.score is None else self.score.delta


@dataclass(frozen=True)
class DayList:
    """What needs somebody today, and how many accounts wait for another day."""

    lines: list[Line]
    waiting: int


def day_list(book: QuerySet[Account], at: At) -> DayList:
    """Return one line for each account, the most pressing first, as many as fit into the days of their CSMs."""
    found = needs(book, at)
    accounts = Account.objects.select_related("csm").in_bulk(found)
    ranked = by_rank(found, accounts.values(), today=at.today)
    due, _ = due_now(ranked, since=at.since)
    shown = [each.account_id for each in ranked if each.account_id in due][:ATTENTION_ROWS]
    rows = CurrentScore.objects.filter(account__in=shown, main_of=ScoreKind.HEALTH)
    scores = {score.account_id: score for score in rows}
    return DayList([Line(accounts[pk], scores.get(pk), found[pk]) for pk in shown], len(ranked) - len(shown))


@dataclass(frozen=True)
class BookFigures:
    """The strip above My day. `arr` leaves out accounts whose ARR is unknown; `reached_pct` None: no accounts."""

    count: int
    arr: Decimal
    arr_unknown_count: int
    renewal_count: int
    renewal_arr: Decimal
    reached_pct: int | None


def book_figures(book: QuerySet[Account], *, now: datetime, today: date) -> BookFigures:
    """Return the figures of a book: three queries."""
    ends = today + timedelta(days=RENEWAL_DAYS)
    due = Q(renews_on__gte=today, renews_on__lte=ends)
    totals = book.aggregate(
        count=Count("pk"),
        total=Sum("arr"),
        known=Count("arr"),
        renewal_count=Count("pk", filter=due),
        renewal_arr=Sum("arr", filter=due),
    )
    reached = proactively_reached(book, since=now - timedelta(days=REACH_DAYS))
    return BookFigures(
        count=totals["count"],
        arr=totals["total"] or Decimal(0),
        arr_unknown_count=totals["count"] - totals["known"],
        renewal_count=totals["renewal_count"],
        renewal_arr=totals["renewal_arr"] or Decimal(0),
        reached_pct=round(100 * reached / totals["count"]) if totals["count"] else None,
    )


def score_bins(counts: list[int]) -> list[tuple[str, int, str]]:
    """Return (label, count, band) per bin of ten points, coloured by the bands most scorecards use."""
    green, yellow = DEFAULT_BANDS["green"], DEFAULT_BANDS["yellow"]
    return [
        (str(low * 10), count, "green" if low * 10 >= green else "yellow" if low * 10 >= yellow else "red")
        for low, count in enumerate(counts)
    ]


def greeting(local: datetime) -> str:
    """Return the words for the time of day."""
    if local.hour < 12:
        return "Good morning"
    return "Good afternoon" if local.hour < 18 else "Good evening"


def _band_filter(word: str) -> str:
    """Return the query of the accounts list that shows one band."""
    leaf = {"field": "health_band", "op": "any_of", "value": [word]}
    return urlencode({"filter": json.dumps({"all": [leaf]})})

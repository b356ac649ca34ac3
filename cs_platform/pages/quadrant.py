"""Success and happiness: the four corners of a book, where the two disagree, and who turned out right."""

import json
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.books import BOOKS, book_name, book_of
from accounts.models import Account
from health.corners import LINE, Corner
from health.enums import ScoreKind
from health.models import Scorecard
from health.outcomes import ChurnRule
from health.proportions import wilson
from health.quadrant import (
    HISTORY_DAYS,
    MINIMUM_CASES,
    SENTIMENT_DAYS,
    CornerShare,
    corner_shares,
    disagreements,
    largest_places,
    who_was_right,
)
from team.requests import UserRequest

MOST_DOTS = 200
QUEUE_ROWS = 25
IN_THE_PICTURE = {
    "top_left": Corner.FAILING.label,
    "top_right": Corner.THRIVING.label,
    "bottom_left": Corner.TROUBLE.label,
    "bottom_right": Corner.UNHAPPY.label,
}


@require_safe
def quadrant(request: UserRequest) -> HttpResponse:
    now = timezone.now()
    name = book_name(request.user, request.GET.get("book", ""))
    book = book_of(request.user, name)
    shares = corner_shares(book)
    places = largest_places(book, limit=MOST_DOTS)
    placed_count = sum(share.count for share in shares)
    context = {
        "book": name,
        "books": BOOKS,
        "corners": [_corner_card(share) for share in shares],
        "placed_count": placed_count,
        "unplaced_count": book.count() - placed_count,
        "dots": [
            (place.success, place.happiness, place.account.name, reverse("account", args=[place.account.pk]))
            for place in places
        ],
        "words": IN_THE_PICTURE,
        "line": LINE,
        "queue": disagreements(book, now=now, limit=QUEUE_ROWS),
        "owners": Scorecard.objects.live()
        .filter(kind__in=[ScoreKind.SUCCESS, ScoreKind.HAPPINESS])
        .select_related("owner"),
        "history_days": HISTORY_DAYS,
        "sentiment_days": SENTIMENT_DAYS,
        "currency": settings.REPORTING_CURRENCY,
    }
    return render(request, "pages/quadrant.html", context)


@require_safe
def quadrant_verdict(request: UserRequest) -> HttpResponse:
    """Show who was right about accounts whose end is known; former customers are the point of it."""
    verdict = who_was_right(Account.objects.visible_to(request.user), now=timezone.now())
    context = {
        "verdict": verdict,
        "corners": [
            (corner, count, churned, _interval(churned, count)) for corner, (count, churned) in verdict.corners.items()
        ],
        "minimum": MINIMUM_CASES,
        "rule": ChurnRule(),
    }
    return render(request, "pages/quadrant_verdict.html", context)


def _corner_card(share: CornerShare) -> dict[str, object]:
    leaf = {"field": "corner", "op": "any_of", "value": [share.corner.value]}
    url = f"{reverse('account_list')}?{urlencode({'filter': json.dumps({'all': [leaf]})})}"
    return {"share": share, "url": url}


def _interval(churned: int, count: int) -> tuple[int, int] | None:
    """Return the 95 % interval of a share in percent; None where there are too few to tell."""
    if count < MINIMUM_CASES:
        return None
    low, high = wilson(churned, count)
    return round(100 * low), round(100 * high)

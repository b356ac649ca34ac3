"""The tabs of an account that health fills: how the score came about, and how the product is used."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.queries import running_subscriptions
from cs_platform.pages.account import account_context
from health.account_health import AccountHealth
from health.account_health import account_health as health_of
from health.overview import weekly_use
from health.receipts import Receipt
from health.usage.report import WEEKS, usage_report
from team.api.fields import MAX_YEAR, MIN_YEAR
from team.requests import UserRequest

COMPARED_DAYS = 30


@require_safe
def account_health(request: UserRequest, pk: int) -> HttpResponse:
    """Show history, measures and the receipt of the newest score, or of the day asked for."""
    context = account_context(request, pk, "health")
    health = health_of(context["account"], scorecard_id=_number(request, "scorecard"), day=_day(request, "day"))
    context["health"] = health
    context["visible_children"] = _visible(request, health.receipt)
    if health.receipt:
        context |= _change(request, context["account"], health)
    if health.receipt and request.GET.get("replay"):
        from health.proof import replay

        snapshot = health.receipt.snapshot
        context["is_replayed"] = replay(snapshot).hashes[0].tobytes() == bytes(snapshot.hash)
    return render(request, "pages/account_health.html", context)


def _change(request: UserRequest, account: Account, health: AccountHealth) -> dict[str, Any]:
    """Return why the score changed between the days asked for; without any, in the COMPARED_DAYS before the shown."""
    from health.score_change import score_change

    assert health.receipt is not None
    shown = health.receipt.last_day
    last = _day(request, "to") or shown
    first = _day(request, "from") or last - timedelta(days=COMPARED_DAYS)
    scorecard_id = health.receipt.snapshot.scorecard_id
    return {
        "change": score_change(account, scorecard_id=scorecard_id, first=first, last=last),
        "first_day": first,
        "last_day": last,
    }


@require_safe
def account_usage(request: UserRequest, pk: int) -> HttpResponse:
    context = account_context(request, pk, "usage")
    account, today = context["account"], timezone.now().date()
    use = weekly_use(account, today=today, weeks=WEEKS)
    context |= {
        "usage": usage_report(account, today=use.until),
        "use": use,
        "seats": sum(row.seats or 0 for row in running_subscriptions(account, today=today)) or None,
    }
    return render(request, "pages/account_usage.html", context)


def _visible(request: UserRequest, receipt: Receipt | None) -> set[int]:
    """Return the ids of the accounts below that the reader may see."""
    children = [] if receipt is None else [line.account_id for line in receipt.children]
    if not children:
        return set()
    return set(Account.objects.visible_to(request.user).filter(pk__in=children).values_list("pk", flat=True))


def _number(request: UserRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _day(request: UserRequest, name: str) -> date | None:
    """Return a day of the query; what is none, or at the ends of the calendar, is as if it had not been given."""
    try:
        day = date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return None
    return day if MIN_YEAR <= day.year <= MAX_YEAR else None

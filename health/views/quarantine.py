"""Pages of the quarantine: events that could not be taken, why, and what to do about them."""

import json
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from health.forms.sources import RejectedFilter
from health.models import RejectedEvent, Source
from health.usage import quarantine
from team.keyset import Order, keyset_page
from team.permissions import check_can_configure
from team.requests import UserRequest

PAGE_ROWS = 50
NEWEST_FIRST = Order("id", int, is_descending=True, is_nullable=False)


@require_safe
def rejected_list(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    form = RejectedFilter(request.GET)
    rows = _matching(request.GET)
    page = keyset_page(
        rows.select_related("source").defer("raw", "envelope"),
        NEWEST_FIRST,
        size=PAGE_ROWS,
        after=request.GET.get("after", ""),
    )
    context = {
        "form": form,
        "page": page,
        "is_first": not request.GET.get("after"),
        "count": rows.count(),
        "codes": RejectedFilter.codes(),
        "chosen": form.chosen(),
        "sources": Source.objects.all(),
    }
    return render(request, "health/rejected_list.html", context)


@require_safe
def rejected(request: UserRequest, pk: int) -> HttpResponse:
    check_can_configure(request.user)
    row = get_object_or_404(RejectedEvent.objects.select_related("source", "settled_by"), pk=pk)
    return render(request, "health/rejected.html", {"event": row, "raw": readable(bytes(row.raw))})


@require_POST
def rejected_replay(request: UserRequest) -> HttpResponse:
    """Try one event (`pk`), or all that match the filter, again."""
    taken, failed = quarantine.replay(events=_chosen(request.POST), user=request.user, now=timezone.now())
    if taken:
        messages.success(request, f"{taken} {'event was' if taken == 1 else 'events were'} taken.")
    if failed:
        messages.warning(request, f"{failed} {'is' if failed == 1 else 'are'} still rejected.")
    return redirect("rejected_list")


@require_POST
def rejected_discard(request: UserRequest) -> HttpResponse:
    """Give up one event (`pk`), or all that match the filter."""
    count = quarantine.discard(events=_chosen(request.POST), user=request.user, now=timezone.now())
    messages.success(request, f"{count} {'event was' if count == 1 else 'events were'} discarded.")
    return redirect("rejected_list")


def readable(raw: bytes) -> str:
    """Return an event as text to read: indented where it is JSON, else as it came."""
    text = raw.decode(errors="backslashreplace")
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text.replace("\x00", "\\x00")
    return json.dumps(content, indent=2, ensure_ascii=True)


def _chosen(data: QueryDict) -> QuerySet[RejectedEvent]:
    """Return the events to settle: none when it is not plain which are meant."""
    if pk := data.get("pk", ""):
        return RejectedEvent.objects.filter(pk=int(pk) if pk.isdecimal() and len(pk) < 19 else 0)
    return _matching(data) if RejectedFilter(data).is_valid() else RejectedEvent.objects.none()


def _matching(data: QueryDict) -> QuerySet[RejectedEvent]:
    return RejectedEvent.objects.filter(**RejectedFilter(data).chosen())

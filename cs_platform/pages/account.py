"""The account 360: one header, tabs that are addresses. What health shows comes from health."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from accounts.forms.activities import ActivityForm
from accounts.models import Account, Membership
from accounts.permissions import get_account_for
from accounts.queries import (
    account_team,
    former_people,
    last_sentiment,
    people,
    running_subscriptions,
    subscriptions,
    ticket_counts,
    tickets,
)
from accounts.timeline import FILTERS, Entry, timeline
from health.enums import ScoreKind
from health.models import CurrentScore
from health.overview import moves, weekly_use
from health.people_report import people_report
from health.quadrant import kind_scores, place_of
from health.triage import account_alerts
from health.views.alerts import PAUSES
from team.requests import UserRequest

OVERVIEW_ENTRIES = 6
OVERVIEW_PEOPLE = 5
TIMELINE_PAGE = 20
TICKET_PAGE = 50
RECENT_TICKETS_DAYS = 90


RANGES = {13: "90 days", 30: "30 weeks", 52: "1 year"}
TABS = [
    ("overview", "Overview", "account"),
    ("health", "Health", "account_health"),
    ("usage", "Usage", "account_usage"),
    ("people", "People", "account_people"),
    ("tickets", "Tickets", "account_tickets"),
    ("timeline", "Timeline", "account_timeline"),
    ("revenue", "Revenue", "account_revenue"),
]


@dataclass(frozen=True)
class Tab:
    label: str
    url: str
    is_current: bool
    count: int | None = None


def account_context(request: UserRequest, pk: int, tab: str) -> dict[str, Any]:
    """Return what every tab of an account shows: header, score, tabs. Raises Http404."""
    account = get_account_for(request.user, pk)
    score = (
        CurrentScore.objects.filter(account=account, main_of=ScoreKind.HEALTH)
        .select_related("scorecard", "version")
        .first()
    )
    today = timezone.now().astimezone(ZoneInfo(request.user.time_zone)).date()
    people_count = Membership.objects.filter(account=account, until=None, contact__deleted_at=None).count()
    return {
        "account": account,
        "score": score,
        # Templates turn what is missing into text; tags want None.
        "points": None if score is None or score.score is None else float(score.score),
        "band": score.band_word if score else None,
        "today": today,
        "days_to_renewal": (account.renews_on - today).days if account.renews_on else None,
        "currency": settings.REPORTING_CURRENCY,
        "tabs": [
            Tab(label, reverse(url_name, args=[pk]), key == tab, people_count if key == "people" else None)
            for key, label, url_name in TABS
        ],
        "can_contribute": request.user.can_contribute,
    }


@require_safe
def account_overview(request: UserRequest, pk: int) -> HttpResponse:
    context = account_context(request, pk, "overview")
    account, score = context["account"], context["score"]
    weeks = _range(request)
    context |= overview_facts(account) | {
        "alerts": account_alerts(account),
        "pauses": PAUSES,
        "moves": moves(score) if score else None,
        "use": weekly_use(account, today=context["today"], weeks=weeks),
        "seats": sum(row.seats or 0 for row in running_subscriptions(account, today=context["today"])) or None,
        "weeks": weeks,
        "ranges": RANGES,
        "place": place_of(account),
        "kind_scores": kind_scores(account),
    }
    return render(request, "pages/account_overview.html", context)


@require_safe
def account_people(request: UserRequest, pk: int) -> HttpResponse:
    context = account_context(request, pk, "people")
    context |= {
        "report": people_report(context["account"], now=timezone.now()),
        "former": former_people(context["account"])[:20],
        "account_team": account_team(context["account"]),
    }
    return render(request, "pages/account_people.html", context)


@require_safe
def account_tickets(request: UserRequest, pk: int) -> HttpResponse:
    context = account_context(request, pk, "tickets")
    account = context["account"]
    only_open = request.GET.get("show") == "open"
    rows = Paginator(tickets(account, only_open=only_open), TICKET_PAGE).get_page(request.GET.get("page"))
    since = timezone.now() - timedelta(days=RECENT_TICKETS_DAYS)
    context |= {"page": rows, "only_open": only_open, "counts": ticket_counts(account, since=since)}
    return render(request, "pages/account_tickets.html", context)


@require_safe
def account_timeline(request: UserRequest, pk: int) -> HttpResponse:
    context = account_context(request, pk, "timeline")
    only = request.GET.get("only", "")
    only = only if only in FILTERS else ""
    entries = timeline(context["account"], only=only, before=_cursor(request), limit=TIMELINE_PAGE + 1)
    more = len(entries) > TIMELINE_PAGE
    entries = entries[:TIMELINE_PAGE]
    context |= {
        "entries": entries,
        "next_cursor": _key(entries[-1]) if more else "",
        "only": only,
        "filters": {key: label for key, (label, _) in FILTERS.items()},
        "form": ActivityForm(account=context["account"]) if context["can_contribute"] else None,
    }
    return render(request, "pages/account_timeline.html", context)


@require_safe
def account_revenue(request: UserRequest, pk: int) -> HttpResponse:
    context = account_context(request, pk, "revenue")
    context["subscriptions"] = subscriptions(context["account"])
    return render(request, "pages/account_revenue.html", context)


def overview_facts(account: Account) -> dict[str, Any]:
    """Return what the overview shows beside health."""
    members = people(account)
    return {
        "people": members[:OVERVIEW_PEOPLE],
        "more_people": max(len(members) - OVERVIEW_PEOPLE, 0),
        "entries": timeline(account, limit=OVERVIEW_ENTRIES),
        "sentiment": last_sentiment(account),
        "account_team": account_team(account),
    }


def _range(request: UserRequest) -> int:
    asked = request.GET.get("weeks", "")
    return int(asked) if asked in {str(weeks) for weeks in RANGES} else 30


def _key(entry: Entry) -> str:
    return f"{entry.occurred_at.isoformat()}~{entry.key}"


def _cursor(request: UserRequest) -> tuple[datetime, str] | None:
    """Return where the timeline goes on; a broken cursor starts at the top."""
    moment, _, key = request.GET.get("before", "").partition("~")
    name, _, number = key.partition("-")
    try:
        at = parse_datetime(moment.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or timezone.is_naive(at) or name not in {"activity", "event"} or not number.isdecimal():
        return None
    return at, key

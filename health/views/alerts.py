"""The inbox of alerts, and what one does there; an address for each change."""

from collections.abc import Callable
from datetime import datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts.books import BOOKS, book_name, book_of
from accounts.errors import InvalidInput
from health.alert_forms import BudgetForm, InboxFilter, MuteForm, PauseForm, VerdictForm
from health.permissions import get_alert_for, get_mute_for
from health.services import alerts as service
from health.triage import CLOSED_DAYS, SHOWS, account_mutes, budget_of, inbox
from team.permissions import check_can_contribute
from team.requests import UserRequest

F = TypeVar("F", bound=forms.Form)

PAUSES = {1: "1 day", 7: "1 week", 30: "30 days", 90: "90 days"}


@require_safe
def alert_list(request: UserRequest) -> HttpResponse:
    now = timezone.now()
    since = day_start(request, now)
    name = book_name(request.user, request.GET.get("book", ""))
    show = request.GET.get("show", "")
    show = show if show in SHOWS else "now"
    form = InboxFilter(request.GET)
    chosen = form.chosen()
    found = inbox(book_of(request.user, name), show=show, now=now, since=since, today=since.date(), **chosen)
    context = {
        "inbox": found,
        "book": name,
        "books": BOOKS,
        "show": show,
        "shows": [(key, label, found.counts[key]) for key, label in SHOWS.items()],
        "form": form,
        "page": chosen["page"],
        "pauses": PAUSES,
        "closed_days": CLOSED_DAYS,
        "budget": budget_of(request.user),
        "mutes": account_mutes([group.account.pk for group in found.groups], now),
    }
    return render(request, "health/alert_list.html", context)


@require_POST
def alert_acknowledge(request: UserRequest, pk: int) -> HttpResponse:
    check_can_contribute(request.user)
    alert = get_alert_for(request.user, pk)
    service.acknowledge_alert(alert=alert, now=timezone.now(), actor=request.user)
    return back(request, f"{alert.account}: “{alert.rule}” is acknowledged.")


@require_POST
def alert_reopen(request: UserRequest, pk: int) -> HttpResponse:
    check_can_contribute(request.user)
    alert = get_alert_for(request.user, pk)
    service.reopen_alert(alert=alert)
    return back(request, f"{alert.account}: “{alert.rule}” is open again.")


@require_POST
def alert_close(request: UserRequest, pk: int) -> HttpResponse:
    check_can_contribute(request.user)
    alert = get_alert_for(request.user, pk)
    service.close_alert(alert=alert, now=timezone.now(), actor=request.user)
    return back(request, f"{alert.account}: “{alert.rule}” is done.")


@require_POST
def alert_snooze(request: UserRequest, pk: int) -> HttpResponse:
    check_can_contribute(request.user)
    alert, now = get_alert_for(request.user, pk), timezone.now()

    def snooze(form: PauseForm) -> str:
        service.snooze_alert(alert=alert, until=form.until(now), now=now)
        return f"{alert.account}: “{alert.rule}” comes back in {form.cleaned_data['days']} days."

    return _take(request, PauseForm(request.POST), snooze)


@require_POST
def alert_mute(request: UserRequest, pk: int) -> HttpResponse:
    check_can_contribute(request.user)
    alert, now = get_alert_for(request.user, pk), timezone.now()

    def mute(form: MuteForm) -> str:
        service.mute_rule(
            rule=alert.rule,
            account=alert.account,
            until=form.until(now),
            reason=form.cleaned_data["reason"],
            now=now,
            actor=request.user,
        )
        return f"“{alert.rule}” is quiet about {alert.account} for {form.cleaned_data['days']} days."

    return _take(request, MuteForm(request.POST), mute)


@require_POST
def alert_judge(request: UserRequest, pk: int) -> HttpResponse:
    check_can_contribute(request.user)
    alert = get_alert_for(request.user, pk)

    def judge(form: VerdictForm) -> str:
        useful, note = form.cleaned_data["useful"], form.cleaned_data["note"]
        service.judge_alert(alert=alert, is_useful=useful, note=note, now=timezone.now(), actor=request.user)
        return f"Noted: “{alert.rule}” was {'useful' if useful else 'not useful'} at {alert.account}."

    return _take(request, VerdictForm(request.POST), judge)


@require_POST
def mute_end(request: UserRequest, pk: int) -> HttpResponse:
    check_can_contribute(request.user)
    mute = get_mute_for(request.user, pk)
    service.end_mute(mute=mute, now=timezone.now(), actor=request.user)
    return back(request, f"“{mute.rule}” may speak about {mute.account} again.")


@require_POST
def alert_budget(request: UserRequest) -> HttpResponse:
    """Everybody's own day; it changes nothing for others."""

    def keep(form: BudgetForm) -> str:
        service.set_budget(user=request.user, accounts_per_day=form.cleaned_data["accounts_per_day"])
        return f"Alerts ask you to look at {budget_of(request.user)} accounts a day."

    return _take(request, BudgetForm(request.POST), keep)


def day_start(request: UserRequest, now: datetime) -> datetime:
    """Return when the reader's day began."""
    zone = ZoneInfo(request.user.time_zone)
    return datetime.combine(now.astimezone(zone).date(), time(), zone)


def back(request: UserRequest, words: str) -> HttpResponse:
    """Go back to where the button was, and say what came of it."""
    messages.success(request, words)
    return redirect(_next(request))


def _take(request: UserRequest, form: F, act: Callable[[F], str]) -> HttpResponse:
    """Do what a small form asks; what is wrong is said where the reader was."""
    if form.is_valid():
        try:
            return back(request, act(form))
        except InvalidInput as error:
            messages.error(request, str(error))
    else:
        label, problems = next(iter(form.errors.items()))
        messages.error(request, f"{form.fields[label].label or label.replace('_', ' ').capitalize()}: {problems[0]}")
    return redirect(_next(request))


def _next(request: UserRequest) -> str:
    asked = request.POST.get("next", "")
    is_ours = asked.startswith("/") and url_has_allowed_host_and_scheme(
        asked, allowed_hosts=None, require_https=request.is_secure()
    )
    return asked if is_ours else reverse("alert_list")

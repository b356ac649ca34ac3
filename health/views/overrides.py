"""Scores set by hand: setting one, ending it, and how right they were."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import get_account_for
from health.forms.overrides import OverrideForm
from health.models import ScoreOverride
from health.override_report import override_report
from health.services import end_override
from team.permissions import check_can_contribute
from team.requests import UserRequest


@require_http_methods(["GET", "POST"])
def override_set(request: UserRequest, pk: int) -> HttpResponse:
    account = get_account_for(request.user, pk)
    check_can_contribute(request.user)
    asked = request.GET.get("scorecard", "")
    scorecard_id = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else None
    form = OverrideForm(request.POST or None, account=account, scorecard_id=scorecard_id)
    if request.method == "POST" and form.is_valid() and (override := form.save(request.user)):
        messages.success(request, f"The score is {override.score:g} until it expires or you end it.")
        return redirect("account_health", pk=pk)
    context = {"account": account, "form": form}
    return render(request, "health/override_form.html", context, status=422 if form.is_bound else 200)


@require_POST
def override_end(request: UserRequest, pk: int, override_pk: int) -> HttpResponse:
    account = get_account_for(request.user, pk)
    check_can_contribute(request.user)
    override = get_object_or_404(ScoreOverride.objects.filter(account=account), pk=override_pk)
    end_override(override=override, now=timezone.now(), actor=request.user)
    messages.success(request, "Ended. The computed score is shown again.")
    return redirect("account_health", pk=pk)


@require_safe
def override_list(request: UserRequest) -> HttpResponse:
    context = {"report": override_report(user=request.user, now=timezone.now())}
    return render(request, "health/override_list.html", context)

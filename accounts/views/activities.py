"""Logging, correcting and removing activities."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.activities import ActivityEditForm, ActivityForm
from accounts.models import Activity
from accounts.permissions import get_account_for
from accounts.services import delete_activity
from team.models import User
from team.permissions import check_can_contribute
from team.requests import UserRequest


@require_http_methods(["GET", "POST"])
def log_activity(request: UserRequest, pk: int) -> HttpResponse:
    """The composer on a page of its own; the timeline shows the same form."""
    account = get_account_for(request.user, pk)
    check_can_contribute(request.user)
    form = ActivityForm(request.POST or None, account=account)
    if request.method == "POST" and form.is_valid():
        activity = form.save(request.user)
        messages.success(request, f"{activity.get_kind_display()} logged.")
        return redirect("account_timeline", pk=account.pk)
    status = 422 if form.is_bound else 200
    return render(request, "accounts/activity_form.html", {"account": account, "form": form}, status=status)


@require_http_methods(["GET", "POST"])
def change_activity(request: UserRequest, pk: int, activity_pk: int) -> HttpResponse:
    activity = _get_own_activity(request.user, pk, activity_pk)
    initial = {"subject": activity.subject, "body": activity.body, "initiative": activity.initiative}
    form = ActivityEditForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        form.save(activity, request.user)
        messages.success(request, "Saved. What it said before is kept.")
        return redirect("account_timeline", pk=pk)
    context = {"account": activity.account, "activity": activity, "form": form}
    return render(request, "accounts/activity_form.html", context, status=422 if form.is_bound else 200)


@require_POST
def remove_activity(request: UserRequest, pk: int, activity_pk: int) -> HttpResponse:
    activity = _get_own_activity(request.user, pk, activity_pk)
    delete_activity(activity=activity, now=timezone.now(), actor=request.user)
    messages.success(request, "Activity removed.")
    return redirect("account_timeline", pk=pk)


def _get_own_activity(user: User, pk: int, activity_pk: int) -> Activity:
    """Return an activity the user may change: their own, or any for editors."""
    account = get_account_for(user, pk)
    check_can_contribute(user)
    activity = Activity.objects.filter(account=account, pk=activity_pk).first()
    if activity is None:
        msg = "There is no such activity."
        raise Http404(msg)
    if activity.author_id != user.pk and not user.can_configure:
        msg = "Only its author or an editor may change an activity."
        raise PermissionDenied(msg)
    return activity

"""Users and teams, API keys, the security log and one's own profile."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from team import queries
from team.forms import ApiKeyForm, ProfileForm, TeamForm, UserForm
from team.models import ApiKey, User
from team.permissions import check_is_admin
from team.requests import UserRequest
from team.security import first_broken
from team.services import end_sessions, revoke_api_key

LOG_PAGE = 50


@require_safe
def user_list(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    context = {
        "users": queries.users_with_activity(),
        "teams": queries.teams_with_counts(),
        "team_form": TeamForm(),
    }
    return render(request, "team/user_list.html", context)


@require_http_methods(["GET", "POST"])
def user_invite(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    form = UserForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (user := form.save(request.user)):
        messages.success(request, f"{user.email} is added. They choose a password by “Forgot your password?”.")
        return redirect("user_list")
    return render(request, "team/user_form.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def user_change(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    user = get_object_or_404(User, pk=pk)
    form = UserForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid() and form.save(request.user):
        messages.success(request, f"{user} saved.")
        return redirect("user_list")
    context = {"form": form, "subject": user}
    return render(request, "team/user_form.html", context, status=422 if form.is_bound else 200)


@require_POST
def user_sign_out(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    user = get_object_or_404(User, pk=pk)
    count = end_sessions(user=user, now=timezone.now(), actor=request.user)
    messages.success(request, f"{user} is signed out everywhere ({count} sessions).")
    return redirect("user_change", pk=pk)


@require_POST
def team_create(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    form = TeamForm(request.POST)
    if form.is_valid() and (team := form.save(request.user)):
        messages.success(request, f"Team {team} created.")
        return redirect("user_list")
    context = {"users": queries.users_with_activity(), "teams": queries.teams_with_counts(), "team_form": form}
    return render(request, "team/user_list.html", context, status=422)


@require_safe
def api_key_list(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    return render(request, "team/api_key_list.html", {"keys": queries.api_keys(), "now": timezone.now()})


@require_http_methods(["GET", "POST"])
def api_key_create(request: UserRequest) -> HttpResponse:
    """Create a key and show it, this once: the answer to the POST is the only page that holds it."""
    check_is_admin(request.user)
    form = ApiKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (made := form.save(request.user)):
        row, key = made
        response = render(request, "team/api_key_created.html", {"row": row, "key": key})
        response["Cache-Control"] = "no-store"
        return response
    return render(request, "team/api_key_form.html", {"form": form}, status=422 if form.is_bound else 200)


@require_POST
def api_key_revoke(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    key = get_object_or_404(ApiKey, pk=pk)
    if revoke_api_key(key=key, now=timezone.now(), actor=request.user):
        messages.success(request, f"{key} is revoked: requests with it are refused from now on.")
    return redirect("api_key_list")


@require_safe
def security_log(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    kinds = queries.security_kinds()
    kind = request.GET.get("kind", "")
    if kind and kind not in kinds:
        msg = f"There is no entry of kind {kind!r} in the log."
        raise Http404(msg)
    after = request.GET.get("after", "")
    before = int(after) if after.isdecimal() and len(after) < 19 else None
    events = list(queries.security_events(kind=kind, before=before)[: LOG_PAGE + 1])
    context = {
        "events": events[:LOG_PAGE],
        "next_cursor": str(events[LOG_PAGE - 1].pk) if len(events) > LOG_PAGE else "",
        "is_first": before is None,
        "kinds": kinds,
        "kind": kind,
        "broken": first_broken() if request.GET.get("verify") else None,
        "verified": bool(request.GET.get("verify")),
    }
    return render(request, "team/security_log.html", context)


@require_http_methods(["GET", "POST"])
def profile(request: UserRequest) -> HttpResponse:
    initial = {"name": request.user.name, "time_zone": request.user.time_zone}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        form.save(request.user)
        messages.success(request, "Saved.")
        return redirect("profile")
    return render(request, "team/profile.html", {"form": form}, status=422 if form.is_bound else 200)

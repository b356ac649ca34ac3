"""Users and teams: who may do what, invitations, lost passwords and lost phones."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from team import queries
from team.errors import InvalidTeamInput
from team.forms import InviteForm, TeamForm, UserForm
from team.mail import can_send_mail
from team.models import Team, User
from team.permissions import check_is_admin
from team.requests import UserRequest
from team.services import delete_team, end_sessions, make_password_link, reset_factors


@require_safe
def user_list(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    return _user_list(request, TeamForm())


def _user_list(request: UserRequest, team_form: TeamForm) -> HttpResponse:
    context = {
        "users": queries.users_with_activity(),
        "teams": queries.teams_with_counts(),
        "team_form": team_form,
    }
    return render(request, "team/user_list.html", context, status=422 if team_form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def user_invite(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (made := form.save(request.user)):
        user, link = made
        return _password_link(request, user, link, is_mailed=can_send_mail())
    return render(request, "team/user_form.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def user_change(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    user = get_object_or_404(User, pk=pk)
    form = UserForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid() and form.save(request.user):
        messages.success(request, f"{user} saved.")
        return redirect("user_list")
    user.refresh_from_db()
    context = {"form": form, "subject": user, "signing_in": queries.signing_in_of(user)}
    return render(request, "team/user_form.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_POST
def user_password_link(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    user = get_object_or_404(User, pk=pk)
    try:
        link = make_password_link(user=user, now=timezone.now(), actor=request.user)
    except InvalidTeamInput as error:
        messages.error(request, error.message)
        return redirect("user_change", pk=pk)
    return _password_link(request, user, link, is_mailed=False)


def _password_link(request: UserRequest, user: User, link: str, *, is_mailed: bool) -> HttpResponse:
    """Show a link, this once: the answer to the POST is the only page that holds it."""
    context = {"subject": user, "link": link, "is_mailed": is_mailed}
    return render(request, "team/password_link.html", context)


@require_POST
def user_sign_out(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    user = get_object_or_404(User, pk=pk)
    count = end_sessions(user=user, now=timezone.now(), actor=request.user)
    messages.success(request, f"{user} is signed out everywhere ({count} session{'' if count == 1 else 's'}).")
    return redirect("user_change", pk=pk)


@require_POST
def user_reset_factors(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    user = get_object_or_404(User, pk=pk)
    reset_factors(user=user, now=timezone.now(), actor=request.user)
    messages.success(request, f"{user} signs in with the password alone until they set up two-factor sign-in again.")
    return redirect("user_change", pk=pk)


@require_POST
def team_create(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    form = TeamForm(request.POST)
    if form.is_valid() and (team := form.save(request.user)):
        messages.success(request, f"Team {team} created.")
        return redirect("user_list")
    return _user_list(request, form)


@require_http_methods(["GET", "POST"])
def team_change(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    team = get_object_or_404(Team, pk=pk)
    form = TeamForm(request.POST or None, team=team)
    if request.method == "POST" and form.is_valid() and form.save(request.user):
        messages.success(request, f"Team {team} saved.")
        return redirect("user_list")
    context = {"form": form, "subject": team, "members": team.users.order_by("name", "email")}
    return render(request, "team/team_form.html", context, status=422 if form.is_bound else 200)


@require_POST
def team_delete(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    team = get_object_or_404(Team, pk=pk)
    try:
        delete_team(team=team, now=timezone.now(), actor=request.user)
    except InvalidTeamInput as error:
        messages.error(request, error.message)
        return redirect("team_change", pk=pk)
    messages.success(request, f"Team {team} deleted.")
    return redirect("user_list")

"""The keys of other systems. A key is shown once, in the answer to the POST that makes it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from team import queries
from team.errors import InvalidTeamInput
from team.forms import ApiKeyForm
from team.models import ApiKey
from team.permissions import check_is_admin
from team.requests import UserRequest
from team.services import revoke_api_key, rotate_api_key


@require_safe
def api_key_list(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    return render(request, "team/api_key_list.html", {"keys": queries.api_keys(), "now": timezone.now()})


@never_cache
@require_http_methods(["GET", "POST"])
def api_key_create(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    form = ApiKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (made := form.save(request.user)):
        return _created(request, *made)
    return render(request, "team/api_key_form.html", {"form": form}, status=422 if form.is_bound else 200)


@never_cache
@require_POST
def api_key_rotate(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    old = get_object_or_404(ApiKey, pk=pk)
    try:
        made = rotate_api_key(key=old, now=timezone.now(), actor=request.user)
    except InvalidTeamInput as error:
        messages.error(request, error.message)
        return redirect("api_key_list")
    return _created(request, *made, old=old)


def _created(request: UserRequest, row: ApiKey, key: str, *, old: ApiKey | None = None) -> HttpResponse:
    return render(request, "team/api_key_created.html", {"row": row, "key": key, "old": old})


@require_POST
def api_key_revoke(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    key = get_object_or_404(ApiKey, pk=pk)
    if revoke_api_key(key=key, now=timezone.now(), actor=request.user):
        messages.success(request, f"{key} is revoked: requests with it are refused from now on.")
    return redirect("api_key_list")

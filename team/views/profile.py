"""One's own name, time zone and ways to sign in."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from team import queries
from team.forms import ProfileForm
from team.requests import UserRequest


@require_http_methods(["GET", "POST"])
def profile(request: UserRequest) -> HttpResponse:
    initial = {"name": request.user.name, "time_zone": request.user.time_zone}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        form.save(request.user)
        messages.success(request, "Saved.")
        return redirect("profile")
    context = {"form": form, "signing_in": queries.signing_in_of(request.user)}
    return render(request, "team/profile.html", context, status=422 if form.is_bound else 200)

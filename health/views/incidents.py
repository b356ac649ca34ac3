"""Pages of incidents: which data stopped coming, what that holds, and how it ended."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from health.forms.sources import ClosingForm, IncidentForm
from health.incident_report import incident_report, listed, listed_open
from health.models import Incident
from team.permissions import check_can_configure
from team.requests import UserRequest

PAST_ROWS = 50


@require_safe
def incident_list(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    past = Incident.objects.exclude(closed_at=None).select_related("closed_by").order_by("-closed_at", "-id")
    context = {"open": listed_open(), "past": listed(past[:PAST_ROWS])}
    return render(request, "health/incident_list.html", context)


@require_http_methods(["GET", "POST"])
def incident_add(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    form = IncidentForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (incident := form.save(request.user)):
        messages.success(request, "Declared. The measures made from these data are frozen.")
        return redirect("incident", incident.pk)
    return render(request, "health/incident_form.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def incident(request: UserRequest, pk: int) -> HttpResponse:
    check_can_configure(request.user)
    row = get_object_or_404(Incident.objects.select_related("source", "opened_by", "closed_by", "product"), pk=pk)
    form = ClosingForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and form.save(row, request.user):
        messages.success(request, "Closed. The accounts are scored again by what has come.")
        return redirect("incident", pk)
    context = {"report": incident_report(row, user=request.user, now=timezone.now()), "incident": row, "form": form}
    return render(request, "health/incident.html", context, status=422 if form.is_bound else 200)

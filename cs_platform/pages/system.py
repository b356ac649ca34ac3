"""The System page: whether this installation is well, what is due and what failed."""

import platform

import django
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from cs_platform.metrics_page import exposition, may_scrape
from cs_platform.timetable import TIMETABLE
from team.models import Schedule, Work
from team.permissions import check_is_admin
from team.requests import UserRequest
from team.schedules import run_schedule
from team.system import all_figures
from team.work import retry

DEAD_ROWS = 50


@require_safe
def system(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    figures = all_figures()
    context = {
        "figures": figures,
        "alarms": [figure for figure in figures if figure.is_alarming],
        "dead": Work.objects.filter(state="dead").order_by("-finished_at", "-id")[:DEAD_ROWS],
        "schedules": Schedule.objects.all(),
        "versions": {
            "Python": platform.python_version(),
            "Django": django.get_version(),
            "PostgreSQL": str(connection.pg_version // 10000),
        },
    }
    return render(request, "pages/system.html", context)


@require_POST
def work_retry(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    if retry(pk):
        messages.success(request, "It is due again.")
    else:
        messages.warning(request, "It is not given up any more, or newer work of the same kind waits already.")
    return redirect("system")


@require_POST
def schedule_run(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    row = get_object_or_404(Schedule, pk=pk)
    entry = next((entry for entry in TIMETABLE if entry.kind == row.name), None)
    if entry is not None and run_schedule(row, entry, now=timezone.now()):
        messages.success(request, f"{row} is due now.")
    return redirect("system")


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What Prometheus scrapes: open to this machine and to holders of METRICS_TOKEN."""
    if not may_scrape(request):
        return HttpResponse("Send METRICS_TOKEN as a bearer token.\n", status=401, content_type="text/plain")
    body, content_type = exposition()
    return HttpResponse(body, content_type=content_type)

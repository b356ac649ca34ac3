"""The System page: whether this installation is well, what is due and what failed."""

import platform
from typing import Any

import django
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from cs_platform import __version__
from cs_platform.metrics_page import exposition, may_scrape
from cs_platform.probes import pending_migrations
from cs_platform.timetable import TIMETABLE
from team.models import Schedule, Work
from team.permissions import check_is_admin
from team.requests import UserRequest
from team.schedules import outcomes, run_schedule
from team.system import all_figures
from team.work import discard, retry

DEAD_ROWS = 50


@require_safe
def system(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    figures = all_figures()
    dead = Work.objects.filter(state="dead").order_by("-finished_at", "-id")
    context = {
        "figures": figures,
        "alarms": [figure for figure in figures if figure.is_alarming],
        "pending_migrations": pending_migrations(),
        "kinds": _kinds(),
        "dead": dead[:DEAD_ROWS],
        "dead_count": dead.count(),
        "outcomes": outcomes(),
        "versions": _versions(),
    }
    return render(request, "pages/system.html", context)


def _kinds() -> list[Any]:
    """Return what is due or being done, by kind of work; `oldest` is when the first became due."""
    now = timezone.now()
    is_due = Q(state="due", due_at__lte=now)
    return list(
        Work.objects.filter(state__in=["due", "running"])
        .values("kind")
        .annotate(
            due=Count("id", filter=is_due),
            later=Count("id", filter=Q(state="due", due_at__gt=now)),
            running=Count("id", filter=Q(state="running")),
            oldest=Min("due_at", filter=is_due),
        )
        .order_by("kind")
    )


def _versions() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        server = str(cursor.fetchone()[0])
    return {
        "Version": __version__,
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "PostgreSQL": server.split(maxsplit=1)[0],
    }


@require_POST
def work_retry(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    if retry(pk):
        messages.success(request, "It is due again.")
    else:
        messages.warning(request, "It is not given up any more, or newer work of the same kind waits already.")
    return redirect("system")


@require_POST
def work_discard(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    if discard(pk):
        messages.success(request, "It is discarded and will not be done.")
    else:
        messages.warning(request, "It is not given up any more.")
    return redirect("system")


@require_POST
def schedule_run(request: UserRequest, pk: int) -> HttpResponse:
    check_is_admin(request.user)
    row = get_object_or_404(Schedule, pk=pk)
    entry = next((entry for entry in TIMETABLE if entry.kind == row.name), None)
    if entry is not None and run_schedule(row, entry, now=timezone.now()):
        messages.success(request, f"{row} is due now.")
    else:
        messages.warning(request, f"{row} was started by the scheduler just now, or is not in the timetable any more.")
    return redirect("system")


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What Prometheus scrapes: open to this machine and to holders of METRICS_TOKEN."""
    if not may_scrape(request):
        return HttpResponse("Send METRICS_TOKEN as a bearer token.\n", status=401, content_type="text/plain")
    body, content_type = exposition()
    return HttpResponse(body, content_type=content_type)

"""Pages of data sources: who sends events, how it goes, and what to paste into a product."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from health.forms.sources import SourceForm
from health.incident_report import listed_open
from health.models import Source
from health.services.sources import rotate_write_key, switch_source
from health.snippets import snippets
from health.tasks import wake_processor
from health.usage import state
from health.usage.processor import retry_failed
from team.permissions import check_can_configure
from team.requests import UserRequest


@require_safe
def source_list(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    context = {
        "states": state.source_states(),
        "backlog": state.backlog(),
        "held_count": state.held_count(),
        "incidents": listed_open(),
    }
    return render(request, "health/source_list.html", context)


@require_http_methods(["GET", "POST"])
def source_add(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (source := form.save(request.user)):
        return redirect("source", source.pk)
    return render(request, "health/source_form.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def source(request: UserRequest, pk: int) -> HttpResponse:
    check_can_configure(request.user)
    row = get_object_or_404(Source.objects.select_related("product"), pk=pk)
    form = SourceForm(request.POST or None, source=row)
    if request.method == "POST" and form.is_valid() and form.save(request.user):
        messages.success(request, "Saved.")
        return redirect("source", row.pk)
    context = {
        "source": row,
        "form": form,
        "state": next(found for found in state.source_states() if found.source.pk == pk),
        "snippets": snippets(url=settings.PUBLIC_URL, write_key=row.write_key),
    }
    return render(request, "health/source.html", context, status=422 if form.is_bound else 200)


@require_POST
def source_switch(request: UserRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Source, pk=pk)
    wanted = request.POST.get("is_enabled") == "true"
    switch_source(source=row, is_enabled=wanted, now=timezone.now(), actor=request.user)
    messages.success(request, f"“{row}” is switched {'on' if wanted else 'off'}.")
    return redirect("source", pk)


@require_POST
def source_rotate(request: UserRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Source, pk=pk)
    rotate_write_key(source=row, now=timezone.now(), actor=request.user)
    messages.success(request, "The source has a new write key. Events sent with the old one are refused from now on.")
    return redirect("source", pk)


@require_POST
def ingest_retry(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    count = retry_failed()
    wake_processor()
    messages.success(request, f"{count} {'body is' if count == 1 else 'bodies are'} tried again.")
    return redirect("source_list")

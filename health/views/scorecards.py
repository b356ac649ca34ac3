"""Scorecards: which there are, what each version says, and what can be done with them.

Everybody may read: whoever sees a score may see how it comes about. Editors change.
"""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import InvalidInput
from health.forms.scorecards import NewScorecardForm, ScorecardForm
from health.models import Scorecard, ScorecardVersion
from health.receipts import scope_names
from health.scorecard_report import (
    Coverage,
    applies_to,
    changes_of,
    coverages,
    drafts_listed,
    limit_rows,
    version_rows,
)
from health.scorecard_report import scorecard_list as listed_scorecards
from health.scorecard_text import write_text
from health.services import (
    archive_scorecard,
    create_draft,
    move_scorecard,
    restore_scorecard,
    roll_back,
    switch_scorecard,
)
from team.permissions import check_can_configure
from team.requests import UserRequest

STEPS = {"up": -1, "down": 1}


@require_safe
def scorecard_list(request: UserRequest) -> HttpResponse:
    context = {
        "scorecards": listed_scorecards(),
        "archived": Scorecard.objects.exclude(archived_at=None),
        "drafts": drafts_listed() if request.user.can_configure else [],
    }
    return render(request, "health/scorecard_list.html", context)


@require_safe
def scorecard(request: UserRequest, pk: int) -> HttpResponse:
    """Show the version in force, or the one of the number asked for."""
    found = get_object_or_404(Scorecard.objects.select_related("version", "owner"), pk=pk)
    versions = list(found.versions.select_related("published_by"))
    version = _asked(request, found, versions)
    card = version.card()
    names = scope_names(card)
    context = {
        "scorecard": found,
        "version": version,
        "versions": versions,
        "card": card,
        "applies_to": applies_to(version),
        "rows": version_rows(version, names),
        "limits": limit_rows(version, names),
        "changes": changes_of(version, versions),
        "coverage": coverages().get(found.pk, Coverage()),
        "drafts": list(found.drafts.select_related("updated_by")) if request.user.can_configure else [],
    }
    return render(request, "health/scorecard.html", context)


@require_safe
def scorecard_yaml(request: UserRequest, pk: int) -> HttpResponse:
    """Hand out a version as a YAML file."""
    found = get_object_or_404(Scorecard.objects.select_related("version"), pk=pk)
    version = _asked(request, found, list(found.versions.all()))
    text = write_text(name=found.name, kind=found.kind, config=version.config, note=version.note)
    return yaml_response(text, f"{found}-v{version.number}")


@require_http_methods(["GET", "POST"])
def scorecard_new(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    form = NewScorecardForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (draft := form.save(request.user)):
        return redirect("scorecard_draft", draft.pk)
    context = {"form": form}
    return render(request, "health/scorecard_new.html", context, status=422 if form.is_bound else 200)


@require_POST
def scorecard_edit(request: UserRequest, pk: int) -> HttpResponse:
    """Begin a draft of the version in force, or of an old one."""
    found = get_object_or_404(Scorecard.objects.select_related("version"), pk=pk)
    number = request.POST.get("version", "")
    version = found.versions.filter(number=number).first() if number.isascii() and number.isdecimal() else None
    draft = create_draft(scorecard=found, version=version, now=timezone.now(), actor=request.user)
    return redirect("scorecard_draft", draft.pk)


@require_http_methods(["GET", "POST"])
def scorecard_settings(request: UserRequest, pk: int) -> HttpResponse:
    check_can_configure(request.user)
    found = get_object_or_404(Scorecard, pk=pk)
    form = ScorecardForm(request.POST or None, scorecard=found)
    if request.method == "POST" and form.is_valid() and form.save(request.user):
        messages.success(request, "Saved.")
        return redirect("scorecard", pk)
    context = {"scorecard": found, "form": form}
    return render(request, "health/scorecard_settings.html", context, status=422 if form.is_bound else 200)


@require_POST
def scorecard_switch(request: UserRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Scorecard, pk=pk)
    is_live = request.POST.get("is_live") == "true"
    try:
        switch_scorecard(scorecard=found, is_live=is_live, now=timezone.now(), actor=request.user)
        does = "scores accounts from now on" if is_live else "no longer scores; its history stays"
        messages.success(request, f"“{found}” {does}.")
    except InvalidInput as error:
        messages.error(request, error.message)
    return redirect("scorecard", pk)


@require_POST
def scorecard_move(request: UserRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Scorecard.objects.current(), pk=pk)
    step = STEPS.get(request.POST.get("direction", ""), 0)
    move_scorecard(scorecard=found, step=step, now=timezone.now(), actor=request.user)
    messages.success(request, f"“{found}” is number {found.position} now.")
    return redirect("scorecard_list")


@require_POST
def scorecard_archive(request: UserRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Scorecard, pk=pk)
    archive_scorecard(scorecard=found, now=timezone.now(), actor=request.user)
    messages.success(request, f"“{found}” is put away; it can be taken back below.")
    return redirect("scorecard_list")


@require_POST
def scorecard_restore(request: UserRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Scorecard, pk=pk)
    restore_scorecard(scorecard=found, now=timezone.now(), actor=request.user)
    messages.success(request, f"“{found}” is back. Switch it on to let it score.")
    return redirect("scorecard", pk)


@require_POST
def scorecard_roll_back(request: UserRequest, pk: int, number: int) -> HttpResponse:
    found = get_object_or_404(Scorecard, pk=pk)
    version = get_object_or_404(ScorecardVersion, scorecard=found, number=number)
    try:
        made = roll_back(scorecard=found, to=version, now=timezone.now(), actor=request.user)
        messages.success(request, f"Version {made.number} says what version {number} said. Everybody is scored again.")
    except InvalidInput as error:
        messages.error(request, error.message)
    return redirect("scorecard", pk)


def yaml_response(text: str, name: str) -> HttpResponse:
    """Answer YAML as a file to keep."""
    disposition = f'attachment; filename="{slugify(name) or "scorecard"}.yaml"'
    return HttpResponse(text, "application/yaml; charset=utf-8", headers={"Content-Disposition": disposition})


def _asked(request: UserRequest, found: Scorecard, versions: list[ScorecardVersion]) -> ScorecardVersion:
    asked = request.GET.get("version", "")
    version = next((v for v in versions if str(v.number) == asked), None) if asked else found.version
    if version is None:
        raise Http404("There is no such version of this scorecard.")
    return version

"""Scorecards, to read: which there are, what a version says, and what its scores rest on.

Everybody may: whoever sees a score may see how it comes about.
"""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from health.models import Scorecard
from health.receipts import scope_names
from health.scorecard_report import Coverage, applies_to, coverages, limit_rows, version_rows
from health.scorecard_report import scorecard_list as listed_scorecards
from team.requests import UserRequest


@require_safe
def scorecard_list(request: UserRequest) -> HttpResponse:
    return render(request, "health/scorecard_list.html", {"scorecards": listed_scorecards()})


@require_safe
def scorecard(request: UserRequest, pk: int) -> HttpResponse:
    """Show the version in force, or the one of the number asked for."""
    found = get_object_or_404(Scorecard.objects.select_related("version", "owner"), pk=pk)
    versions = list(found.versions.select_related("published_by"))
    asked = request.GET.get("version", "")
    version = next((v for v in versions if str(v.number) == asked), None) if asked else found.version
    if version is None:
        raise Http404("There is no such version of this scorecard.")
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
        "coverage": coverages().get(found.pk, Coverage()),
    }
    return render(request, "health/scorecard.html", context)

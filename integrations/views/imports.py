"""Files in: upload, look, import, see what became of each row."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from integrations.forms import UploadForm
from integrations.imports.errors import ImportFailed
from integrations.imports.listing import has_file, listed, recent_runs, words_of
from integrations.imports.mapping import load_mapping
from integrations.imports.preview import SectionPreview, preview
from integrations.imports.problems import problems_of
from integrations.imports.uploads import discard_upload, input_files, plain_errors, start_upload
from integrations.models import ImportFile, ImportRun
from team.permissions import check_can_configure
from team.requests import UserRequest


@require_safe
def import_list(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    return render(request, "integrations/import_list.html", {"runs": recent_runs()})


@require_http_methods(["GET", "POST"])
def import_new(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and (run := form.save(request.user)):
        return redirect("import_run", run.pk)
    context = {"form": form, "mappings": form.mappings.values()}
    return render(request, "integrations/import_new.html", context, status=422 if form.is_bound else 200)


@require_safe
def import_run(request: UserRequest, pk: int) -> HttpResponse:
    """Show what an import would do, does or has done; while it runs, the page asks for its progress."""
    run = _get_run(request, pk)
    found = listed(run)
    context = {"found": found, "run": run, "errors": words_of(found.errors), "notices": words_of(found.notices)}
    if request.headers.get("HX-Request") and found.is_busy:
        return render(request, "integrations/_import_progress.html", context)
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    context |= {
        "has_problems": has_file(run, ImportFile.Role.PROBLEMS),
        "can_start": not found.is_busy and has_file(run, ImportFile.Role.INPUT),
    }
    if run.state == ImportRun.State.CHECKED:
        context["sections"], context["refusal"] = _preview(run)
    return render(request, "integrations/import_run.html", context)


@require_POST
def import_start(request: UserRequest, pk: int) -> HttpResponse:
    run = _get_run(request, pk)
    if not start_upload(run=run):
        messages.error(request, "This import has started already, or its files are not here any more.")
    return redirect("import_run", run.pk)


@require_POST
def import_discard(request: UserRequest, pk: int) -> HttpResponse:
    run = _get_run(request, pk)
    if not discard_upload(run=run):
        messages.error(request, "This import has started and stays in the list.")
        return redirect("import_run", run.pk)
    messages.success(request, "The files are gone; nothing was imported.")
    return redirect("import_list")


@require_safe
def import_problems(request: UserRequest, pk: int) -> HttpResponse:
    """Download the rows that were not taken, and those that were taken but are odd."""
    found = problems_of(_get_run(request, pk))
    if found is None:
        raise Http404("There are no rows with problems, or they are forgotten after 30 days.")
    name, content = found
    # The byte order mark makes spreadsheets read it as UTF-8.
    return HttpResponse(
        b"\xef\xbb\xbf" + content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _get_run(request: UserRequest, pk: int) -> ImportRun:
    check_can_configure(request.user)
    return get_object_or_404(ImportRun.objects.select_related("started_by"), pk=pk)


def _preview(run: ImportRun) -> tuple[list[SectionPreview], str]:
    """Return what the files' first rows become, or why they cannot be read."""
    try:
        with input_files(run) as paths, plain_errors(paths):
            return preview(load_mapping(run.mapping), paths), ""
    except ImportFailed as error:
        return [], str(error)

"""The scorecard editor: a draft, its preview, and publishing it."""

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.conditions import Catalogue
from accounts.conditions.editor import Editor
from accounts.errors import InvalidInput
from accounts.models import Account
from health.draft_page import draft_context
from health.draft_preview import changes_of_draft, preview_of, table_of_moves
from health.draft_problems import APPLIES, problems_of
from health.drafts import ROOT, from_draft
from health.forms.scorecards import DraftEditForm, PublishForm
from health.models import ScorecardDraft
from health.scorecard_text import write_text
from health.services import discard_draft, pin_accounts
from health.views.scorecards import yaml_response
from team.csv_export import csv_lines
from team.permissions import check_can_configure
from team.requests import UserRequest

SHOWN_MOVES = 8


@require_http_methods(["GET", "POST"])
def scorecard_draft(request: UserRequest, pk: int) -> HttpResponse:
    draft = _get_draft(request, pk)
    if request.method == "POST":
        return _change(request, draft)
    return _editor_page(request, draft, request.GET.get("part", ROOT))


@require_POST
def scorecard_draft_discard(request: UserRequest, pk: int) -> HttpResponse:
    draft = _get_draft(request, pk)
    scorecard_id = draft.scorecard_id
    discard_draft(draft=draft, now=timezone.now(), actor=request.user)
    messages.success(request, f"The draft of “{draft}” is thrown away.")
    return redirect("scorecard", scorecard_id) if scorecard_id else redirect("scorecard_list")


@require_safe
def scorecard_draft_yaml(request: UserRequest, pk: int) -> HttpResponse:
    draft = _get_draft(request, pk)
    text = write_text(name=draft.name, kind=draft.kind, config=from_draft(draft.config))
    return yaml_response(text, f"{draft}-draft")


@require_safe
def scorecard_draft_preview(request: UserRequest, pk: int) -> HttpResponse:
    """Show what the draft would change: as a column of the editor, or as a page."""
    draft = _get_draft(request, pk)
    template = "health/_draft_preview.html" if request.headers.get("HX-Request") else "health/draft_preview.html"
    context = {"draft": draft, "problems": problems_of(draft.config), "shown": SHOWN_MOVES}
    if not context["problems"]:
        context["preview"] = preview_of(draft, now=timezone.now())
    return render(request, template, context)


@require_safe
def scorecard_draft_changes(request: UserRequest, pk: int) -> HttpResponseBase:
    """List every account that would change band, as a page or (`?format=csv`) a file."""
    draft = _get_draft(request, pk)
    if problems_of(draft.config):
        return redirect("scorecard_draft_preview", pk)
    found = preview_of(draft, now=timezone.now())
    if request.GET.get("format") == "csv":
        head, rows = table_of_moves(found)
        headers = {"Content-Disposition": 'attachment; filename="changed-bands.csv"'}
        return StreamingHttpResponse(csv_lines(head, rows), content_type="text/csv; charset=utf-8", headers=headers)
    return render(request, "health/draft_changes.html", {"draft": draft, "preview": found})


@require_POST
def scorecard_draft_pin(request: UserRequest, pk: int) -> HttpResponse:
    """Choose an account whose score the preview explains, or let go of one."""
    draft = _get_draft(request, pk)
    pinned = list(draft.pinned_ids)
    if account := _named_account(request):
        pinned = [account.pk, *(each for each in pinned if each != account.pk)]
    elif request.POST.get("unpin", "").isdecimal():
        pinned = [each for each in pinned if each != int(request.POST["unpin"])]
    else:
        messages.error(request, "No account has this name.")
    pin_accounts(draft=draft, account_ids=pinned, now=timezone.now(), actor=request.user)
    return redirect("scorecard_draft_preview" if "page" in request.POST else "scorecard_draft", pk)


@require_http_methods(["GET", "POST"])
def scorecard_draft_publish(request: UserRequest, pk: int) -> HttpResponse:
    draft = _get_draft(request, pk)
    form = PublishForm(request.POST or None, draft=draft)
    if request.method == "POST" and form.is_valid() and (version := form.save(request.user)):
        messages.success(request, f"Version {version.number} is in force. Everybody is scored again within minutes.")
        return redirect("scorecard", version.scorecard_id)
    context = {
        "draft": draft,
        "form": form,
        "problems": problems_of(draft.config),
        "changes": changes_of_draft(draft),
        "is_behind": bool(draft.scorecard and draft.scorecard.version_id != draft.based_on_id),
    }
    return render(request, "health/draft_publish.html", context, status=422 if form.is_bound else 200)


def _change(request: UserRequest, draft: ScorecardDraft) -> HttpResponse:
    """Save what was sent; answer the changed editor to a script, else go back to the page."""
    form = DraftEditForm(draft, request.POST, Catalogue(request.user))
    try:
        saved = form.save(request.user)
    except InvalidInput as error:
        messages.error(request, error.message)
        return redirect("scorecard_list")
    is_script = bool(request.headers.get("HX-Request"))
    if form.editor is not None and Editor.is_change(request.POST):
        if is_script:
            return render(request, "accounts/_condition_editor.html", {"editor": form.editor})
        return _editor_page(request, saved, APPLIES, form.editor)
    if is_script:
        context = _context(request, saved, form.part, form.editor) | {"error": form.error}
        return render(request, "health/_draft_editor.html", context)
    if form.error:
        messages.error(request, form.error)
    return redirect(f"{reverse('scorecard_draft', args=[saved.pk])}?part={form.part}")


def _editor_page(request: UserRequest, draft: ScorecardDraft, part: str, editor: Editor | None = None) -> HttpResponse:
    return render(request, "health/scorecard_draft.html", _context(request, draft, part, editor))


def _context(request: UserRequest, draft: ScorecardDraft, part: str, editor: Editor | None) -> dict[str, object]:
    if editor is None:
        editor = Editor.of_tree(draft.config.get("applies_to"), Catalogue(request.user))
    editor.is_valid()
    return draft_context(draft, part, now=timezone.now(), editor=editor)


def _get_draft(request: UserRequest, pk: int) -> ScorecardDraft:
    check_can_configure(request.user)
    rows = ScorecardDraft.objects.select_related("scorecard__version", "based_on", "updated_by")
    return get_object_or_404(rows, pk=pk)


def _named_account(request: UserRequest) -> Account | None:
    visible = Account.objects.visible_to(request.user)
    if request.POST.get("account_id", "").isdecimal():
        return visible.filter(pk=request.POST["account_id"]).first()
    name = request.POST.get("account", "").replace("\x00", "").strip()
    if not name:
        return None
    return visible.filter(name__iexact=name).first() or visible.filter(name__istartswith=name).order_by("name").first()

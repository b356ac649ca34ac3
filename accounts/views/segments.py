"""Segments: save a filter under a name, change it, delete it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.conditions import Catalogue, ConditionError, Moment, filter_accounts
from accounts.conditions.chips import read_filter
from accounts.conditions.editor import Editor
from accounts.conditions.uses import uses_of_segment
from accounts.errors import InvalidInput
from accounts.forms.segments import SegmentForm
from accounts.models import Account, Segment
from accounts.permissions import check_can_change_segment, get_segment_for
from accounts.services import delete_segment, update_segment
from team.permissions import check_can_contribute
from team.requests import UserRequest


@require_http_methods(["GET", "POST"])
def new_segment(request: UserRequest) -> HttpResponse:
    check_can_contribute(request.user)
    try:
        tree = read_filter(request.GET.get("filter", ""))
    except ConditionError:
        tree = None
    return _segment_page(request, None, tree)


@require_http_methods(["GET", "POST"])
def edit_segment(request: UserRequest, pk: int) -> HttpResponse:
    segment = get_segment_for(request.user, pk)
    check_can_change_segment(request.user, segment)
    return _segment_page(request, segment, segment.condition)


@require_POST
def keep_filter(request: UserRequest, pk: int) -> HttpResponse:
    """Save the list's filter as the segment's condition."""
    segment = get_segment_for(request.user, pk)
    check_can_change_segment(request.user, segment)
    try:
        update_segment(segment=segment, condition=read_filter(request.POST.get("filter", "")) or {"all": []})
        messages.success(request, f"{segment.name} now has this filter.")
    except InvalidInput as error:
        messages.error(request, f"The filter was not saved. {error}")
    return redirect(_list_url(segment))


@require_POST
def remove_segment(request: UserRequest, pk: int) -> HttpResponse:
    segment = get_segment_for(request.user, pk)
    check_can_change_segment(request.user, segment)
    try:
        delete_segment(segment=segment)
    except InvalidInput as error:
        messages.error(request, str(error))
        return redirect("segment", pk=pk)
    messages.success(request, f"The segment {segment.name} is deleted.")
    return redirect("account_list")


def _segment_page(request: UserRequest, segment: Segment | None, tree: Any) -> HttpResponse:
    catalogue = Catalogue(request.user)
    editor = Editor.of_form(request.POST, catalogue) if request.method == "POST" else Editor.of_tree(tree, catalogue)
    if Editor.is_change(request.POST) and request.headers.get("HX-Request"):
        return render(request, "accounts/_condition_editor.html", {"editor": editor})
    form = SegmentForm(request.POST or None, segment=segment)
    is_sent = request.method == "POST" and not Editor.is_change(request.POST)
    if is_sent and editor.is_valid() & form.is_valid() and (saved := form.save(editor, request.user)):
        messages.success(request, f"The segment {saved.name} is saved.")
        return redirect(_list_url(saved))
    context = {
        "segment": segment,
        "form": form,
        "editor": editor,
        "match_count": _match_count(request, editor, catalogue),
        "uses": uses_of_segment(segment.pk) if segment else [],
    }
    return render(request, "accounts/segment_form.html", context, status=422 if is_sent else 200)


def _match_count(request: UserRequest, editor: Editor, catalogue: Catalogue) -> int | None:
    """Return how many accounts the condition matches now; None while it cannot be used."""
    if not editor.is_valid():
        return None
    visible = Account.objects.visible_to(request.user)
    return filter_accounts(visible, editor.tree(), Moment.live(timezone.now()), catalogue=catalogue).count()


def _list_url(segment: Segment) -> str:
    return f"{reverse('account_list')}?segment={segment.pk}"

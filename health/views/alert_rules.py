"""Alert rules: the list, the editor with its preview, switching and deleting."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.conditions import Catalogue
from accounts.conditions.describe import describe
from accounts.conditions.editor import Editor
from accounts.conditions.errors import ConditionError
from accounts.errors import InvalidInput
from health.alert_forms import AlertRuleForm, BudgetForm
from health.models import AlertRule
from health.rule_preview import RulePreview, preview_rule, replay_rule
from health.services import alert_rules as service
from health.services.alerts import set_budget
from health.triage import budgets, precisions, rule_rows
from team.permissions import check_can_configure
from team.requests import UserRequest

RAISED_DAYS = 30
VERSIONS_SHOWN = 10


@require_safe
def alert_rule_list(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    catalogue = Catalogue()
    rows = rule_rows(since=timezone.now() - timedelta(days=RAISED_DAYS))
    context = {
        "rows": [(row, _words(row.rule.enter, catalogue)) for row in rows],
        "raised_days": RAISED_DAYS,
        "default_budget": budgets([0])[0],
    }
    return render(request, "health/alert_rule_list.html", context)


@require_http_methods(["GET", "POST"])
def alert_rule_add(request: UserRequest) -> HttpResponse:
    check_can_configure(request.user)
    return _rule_page(request, None)


@require_http_methods(["GET", "POST"])
def alert_rule(request: UserRequest, pk: int) -> HttpResponse:
    check_can_configure(request.user)
    return _rule_page(request, get_object_or_404(AlertRule.objects.select_related("owner"), pk=pk))


@require_POST
def alert_rule_switch(request: UserRequest, pk: int) -> HttpResponse:
    check_can_configure(request.user)
    rule = get_object_or_404(AlertRule, pk=pk)
    wanted = request.POST.get("is_live") == "true"
    try:
        service.update_rule(rule=rule, fields={"is_live": wanted}, now=timezone.now(), actor=request.user)
        messages.success(request, f"“{rule}” is switched {'on' if wanted else 'off'}.")
    except InvalidInput as error:
        messages.error(request, error.message)
    return redirect("alert_rule_list")


@require_POST
def alert_rule_delete(request: UserRequest, pk: int) -> HttpResponse:
    check_can_configure(request.user)
    rule = get_object_or_404(AlertRule, pk=pk)
    service.delete_rule(rule=rule, now=timezone.now())
    messages.success(request, f"“{rule}” is deleted. What it raised stays in the history of the accounts.")
    return redirect("alert_rule_list")


@require_POST
def alert_default_budget(request: UserRequest) -> HttpResponse:
    """How many accounts a day those take who have not said otherwise."""
    check_can_configure(request.user)
    form = BudgetForm(request.POST)
    if form.is_valid():
        set_budget(user=None, accounts_per_day=form.cleaned_data["accounts_per_day"])
        messages.success(request, "The budget of the day is kept.")
    else:
        messages.error(request, f"The budget was not kept. {form.errors['accounts_per_day'][0]}")
    return redirect("alert_rule_list")


def _rule_page(request: UserRequest, rule: AlertRule | None) -> HttpResponse:
    catalogue = Catalogue(request.user)
    enter, leave = (_editor(request, rule, name, catalogue) for name in ("enter", "leave"))
    if Editor.is_change(request.POST) and request.headers.get("HX-Request"):
        changed = leave if Editor.changed(request.POST) == "leave" else enter
        return render(request, "accounts/_condition_editor.html", {"editor": changed})
    form = AlertRuleForm(request.POST or None, rule=rule)
    wants = request.POST.get("do", "save") if request.method == "POST" else ""
    is_sent = request.method == "POST" and not Editor.is_change(request.POST)
    is_valid = is_sent and all([enter.is_valid(), leave.is_valid(), form.is_valid()])
    if is_valid and wants == "save" and (saved := form.save(enter, leave, request.user)):
        messages.success(request, f"“{saved}” is saved.")
        return redirect("alert_rule_list")
    draft = _draft(form, enter, leave, rule) if is_valid or request.method == "GET" else None
    context = {
        "rule": rule,
        "form": form,
        "enter": enter,
        "leave": leave,
        "preview": _preview(draft, catalogue),
        "replay": _replay(draft) if is_valid and wants == "replay" else None,
        "precision": precisions([rule.pk])[rule.pk] if rule else None,
        "versions": rule.versions.select_related("changed_by")[:VERSIONS_SHOWN] if rule else [],
    }
    is_wrong = is_sent and not (is_valid and wants != "save")
    return render(request, "health/alert_rule_form.html", context, status=422 if is_wrong else 200)


def _editor(request: UserRequest, rule: AlertRule | None, name: str, catalogue: Catalogue) -> Editor:
    if request.method == "POST":
        return Editor.of_form(request.POST, catalogue, name=name)
    return Editor.of_tree(getattr(rule, name) if rule else None, catalogue, name=name)


def _draft(form: AlertRuleForm, enter: Editor, leave: Editor, rule: AlertRule | None) -> AlertRule | None:
    """Return the rule as the page has it, unsaved; None while it asks nothing."""
    if form.is_bound:
        draft = AlertRule(**form.fields_with(enter, leave))
        draft.leave = None if draft.leave == {"all": []} else draft.leave
    else:
        draft = rule or AlertRule(enter={"all": []})
    return None if draft.enter == {"all": []} else draft


def _preview(draft: AlertRule | None, catalogue: Catalogue) -> RulePreview | None:
    try:
        return preview_rule(draft, now=timezone.now(), catalogue=catalogue) if draft else None
    except ConditionError:
        return None


def _replay(draft: AlertRule | None) -> Any:
    try:
        return replay_rule(draft, now=timezone.now()) if draft else None
    except InvalidInput:
        return None


def _words(tree: Any, catalogue: Catalogue) -> tuple[str, str]:
    """Return a condition in words and what is wrong with it; one of the two is empty."""
    try:
        return describe(tree, catalogue=catalogue), ""
    except ConditionError as error:
        return "", str(error)

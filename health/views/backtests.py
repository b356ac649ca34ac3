"""Pages of backtests: ask one, watch it, read what it found, and use what was learned.

Everybody may read them, as everybody may read a scorecard; the accounts in their lists are those the
reader may see.
"""

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import InvalidInput
from health.backtest_forms import BacktestForm
from health.backtest_page import listed_backtests, page_of
from health.models import Backtest, LearnedModel, Scorecard
from health.services.backtests import cancel_backtest, delete_backtest, restart_backtest
from health.services.learned_models import draft_learned_weights, publish_model, withdraw_model
from team.csv_export import csv_lines
from team.permissions import check_can_configure
from team.requests import UserRequest


def get_backtest(scorecard_pk: int, pk: int) -> Backtest:
    """Return a backtest of a scorecard. Raises Http404."""
    rows = Backtest.objects.select_related("scorecard", "created_by", "learned__published_by")
    return get_object_or_404(rows, pk=pk, scorecard=scorecard_pk)


@require_safe
def backtest_list(request: UserRequest, scorecard_pk: int) -> HttpResponse:
    scorecard = get_object_or_404(Scorecard, pk=scorecard_pk)
    context = {"scorecard": scorecard, "rows": listed_backtests(scorecard)}
    return render(request, "health/backtest_list.html", context)


@require_http_methods(["GET", "POST"])
def backtest_add(request: UserRequest, scorecard_pk: int) -> HttpResponse:
    check_can_configure(request.user)
    scorecard = get_object_or_404(Scorecard.objects.select_related("version__scorecard"), pk=scorecard_pk)
    form = BacktestForm(request.POST or None, scorecard=scorecard)
    if request.method == "POST" and form.is_valid() and (backtest := form.save(request.user)):
        return redirect("backtest", scorecard.pk, backtest.pk)
    context = {"scorecard": scorecard, "form": form}
    return render(request, "health/backtest_form.html", context, status=422 if form.is_bound else 200)


@require_safe
def backtest(request: UserRequest, scorecard_pk: int, pk: int) -> HttpResponse:
    """Show the result, or how far it is; the fragment asks for itself until it is over."""
    found = get_backtest(scorecard_pk, pk)
    context = page_of(found, request.user)
    if request.htmx and not request.htmx.boosted:  # type: ignore[attr-defined]
        response = render(request, "health/_backtest_progress.html", context)
        if found.is_over:
            response["HX-Refresh"] = "true"
        return response
    return render(request, "health/backtest.html", context)


@require_safe
def backtest_csv(request: UserRequest, scorecard_pk: int, pk: int) -> StreamingHttpResponse:
    """Every row that was judged, of the accounts the reader may see."""
    from health.backtest_rows import csv_head, csv_rows

    found = get_backtest(scorecard_pk, pk)
    lines = csv_lines(csv_head(found), csv_rows(found, request.user))
    headers = {"Content-Disposition": f'attachment; filename="backtest-{pk}.csv"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


@require_POST
def backtest_cancel(request: UserRequest, scorecard_pk: int, pk: int) -> HttpResponse:
    found = get_backtest(scorecard_pk, pk)
    stopped = cancel_backtest(backtest=found, now=timezone.now(), actor=request.user)
    messages.success(request, "Cancelled. What was read is kept." if stopped else "It was over already.")
    return redirect("backtest", scorecard_pk, pk)


@require_POST
def backtest_restart(request: UserRequest, scorecard_pk: int, pk: int) -> HttpResponse:
    started = restart_backtest(backtest=get_backtest(scorecard_pk, pk), actor=request.user)
    messages.success(request, "It goes on where it stopped." if started else "It is not stopped.")
    return redirect("backtest", scorecard_pk, pk)


@require_POST
def backtest_delete(request: UserRequest, scorecard_pk: int, pk: int) -> HttpResponse:
    try:
        delete_backtest(backtest=get_backtest(scorecard_pk, pk), actor=request.user)
    except InvalidInput as error:
        messages.error(request, error.message)
        return redirect("backtest", scorecard_pk, pk)
    messages.success(request, "Deleted.")
    return redirect("backtest_list", scorecard_pk)


@require_POST
def learned_weights_draft(request: UserRequest, scorecard_pk: int, pk: int) -> HttpResponse:
    model = get_object_or_404(LearnedModel, backtest=pk, scorecard=scorecard_pk)
    try:
        draft = draft_learned_weights(model=model, now=timezone.now(), actor=request.user)
    except InvalidInput as error:
        messages.error(request, error.message)
        return redirect("backtest", scorecard_pk, pk)
    return redirect("scorecard_draft", draft.pk)


@require_POST
def learned_probability(request: UserRequest, scorecard_pk: int, pk: int) -> HttpResponse:
    """Publish the probability for ranking, or withdraw it."""
    model = get_object_or_404(LearnedModel.objects.select_related("scorecard"), backtest=pk, scorecard=scorecard_pk)
    change = withdraw_model if request.POST.get("use") == "false" else publish_model
    try:
        change(model=model, now=timezone.now(), actor=request.user)
    except InvalidInput as error:
        messages.error(request, error.message)
    else:
        by = "the learned probability" if model.is_in_force else "the score"
        messages.success(request, f"Accounts are ranked by {by} from now on.")
    return redirect("backtest", scorecard_pk, pk)

"""The security log: filtered, page by page, as CSV, and proved to be whole."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from team import queries
from team.csv_export import csv_lines
from team.forms import SecurityLogForm
from team.permissions import check_is_admin
from team.requests import UserRequest
from team.security import check_chain

LOG_PAGE = 50


@require_safe
def security_log(request: UserRequest) -> HttpResponse:
    check_is_admin(request.user)
    form = SecurityLogForm(request.GET, kinds=queries.security_kinds())
    after = request.GET.get("after", "")
    before = int(after) if after.isdecimal() and len(after) < 19 else None
    rows = list(queries.security_events(**_filters(form), before=before)[: LOG_PAGE + 1])
    context = {
        "form": form,
        "events": rows[:LOG_PAGE],
        "next_cursor": str(rows[LOG_PAGE - 1].pk) if len(rows) > LOG_PAGE else "",
        "is_first": before is None,
        "chain": check_chain() if request.GET.get("verify") else None,
    }
    return render(request, "team/security_log.html", context, status=200 if form.is_valid() else 422)


@require_safe
def security_log_csv(request: UserRequest) -> HttpResponseBase:
    check_is_admin(request.user)
    form = SecurityLogForm(request.GET, kinds=queries.security_kinds())
    if not form.is_valid():
        return HttpResponse("The filter is not understood; make the link on the page anew.\n", status=422)
    head = ["id", "when (UTC)", "what", "about", "by", "from", "detail", "hash"]
    rows = (queries.security_row(event) for event in queries.security_events(**_filters(form)).iterator(2000))
    response = StreamingHttpResponse(csv_lines(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="security-log.csv"'
    return response


def _filters(form: SecurityLogForm) -> dict[str, Any]:
    """Return what the form asks for; a form with errors shows everything."""
    return dict(form.cleaned_data) if form.is_valid() else {}

"""Error pages: what happened, what to do, and the request id to name to whoever runs the instance."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from cs_platform.logs import request_id
from team.api.problems import Problem, problem_response
from team.enums import AccessLevel
from team.models import User

ADMINS_SHOWN = 3

API = "/api/"
# What programs read when a request fails before a view of the API sees it.
API_WORDS = {
    400: ("invalid", "The request cannot be read, or names a host this server does not know."),
    403: ("not_allowed", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    500: ("server_error", "The server failed; the failure has been logged."),
}


def _page(request: HttpRequest, status: int, **context: object) -> HttpResponse:
    if request.path.startswith(API):
        return problem_response(request, Problem(status, *API_WORDS[status]))
    return render(request, f"{status}.html", {"request_id": request_id.get(), **context}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say why, as services and permissions word their PermissionDenied for people, and who can change it."""
    admins = User.objects.filter(access_level=AccessLevel.ADMIN, is_active=True)[:ADMINS_SHOWN]
    return _page(request, 403, reason=str(exception), admins=admins if request.user.is_authenticated else [])


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer without touching database or session, which may be what failed."""
    if request.path.startswith(API):
        return problem_response(request, Problem(500, *API_WORDS[500]))
    return HttpResponse(render_to_string("500.html", {"request_id": request_id.get()}), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's reason is for developers; people need to hear what to do."""
    text = "The page was open for too long, or cookies are switched off. Go back, reload the page and try again."
    return _page(request, 403, reason=text)

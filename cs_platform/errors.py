"""Error pages: what happened, what to do, and the request id to name to whoever runs the instance."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from cs_platform.logs import request_id


def _page(request: HttpRequest, status: int, **context: object) -> HttpResponse:
    return render(request, f"{status}.html", {"request_id": request_id.get(), **context}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say why: services and permissions word their PermissionDenied for people."""
    return _page(request, 403, reason=str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer without touching database or session, which may be what failed."""
    return HttpResponse(render_to_string("500.html", {"request_id": request_id.get()}), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's reason is for developers; people need to hear what to do."""
    text = "The page was open for too long, or cookies are switched off. Go back, reload the page and try again."
    return _page(request, 403, reason=text)

"""Sessions that end, what then happens to fragments, and pages that nobody keeps."""

from collections.abc import Callable
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from team.models import User

GetResponse = Callable[[HttpRequest], HttpResponse]

BEGAN = "began_at"
SEEN = "seen_at"
SEEN_EVERY_SECONDS = 60


def session_limits_middleware(get_response: GetResponse) -> GetResponse:
    """Sign out sessions that were idle, or have lasted, too long (settings SESSION_IDLE and SESSION_LONGEST)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
            now = timezone.now()
            began, seen = (_moment(request.session.get(name), now) for name in (BEGAN, SEEN))
            if now - seen > settings.SESSION_IDLE or now - began > settings.SESSION_LONGEST:
                logout(request)
            elif (now - seen).total_seconds() > SEEN_EVERY_SECONDS or BEGAN not in request.session:
                request.session[BEGAN] = began.isoformat()
                request.session[SEEN] = now.isoformat()
                UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=now)
        return get_response(request)

    return middleware


def private_pages_middleware(get_response: GetResponse) -> GetResponse:
    """Keep pages of people who signed in out of every cache, a shared browser's too."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return middleware


def login_redirect_for_htmx_middleware(get_response: GetResponse) -> GetResponse:
    """Send the whole page to sign-in when the session is gone, never a login form into a fragment."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_fragment = request.headers.get("HX-Request") == "true"
        if is_fragment and response.status_code == 302 and not request.user.is_authenticated:
            fresh = HttpResponse(status=204)
            fresh["HX-Redirect"] = response["Location"]
            return fresh
        return response

    return middleware


def _moment(text: object, otherwise: datetime) -> datetime:
    return datetime.fromisoformat(text) if isinstance(text, str) else otherwise

"""The addresses of ingest, each with and without a slash at the end."""

from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from health.enums import Dialect
from health.ingest.accept import Route
from health.ingest.views import browser_settings, problem, take

LETTERS = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias"}
CALLS = {**LETTERS, **{call: call for call in LETTERS.values()}}


def unknown_address(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem(
        404, "unknown_address", "There is nothing at this address; see docs/ingest.md for the ones there are."
    )


handler404 = unknown_address

urlpatterns = [
    *(re_path(rf"^v1/{word}/?$", take, {"route": Route(Dialect.SEGMENT, call=call)}) for word, call in CALLS.items()),
    re_path(r"^v1/(?:batch|b)/?$", take, {"route": Route(Dialect.SEGMENT)}),
    re_path(r"^v1/import/?$", take, {"route": Route(Dialect.SEGMENT, is_backfill=True)}),
    re_path(r"^batch/?$", take, {"route": Route(Dialect.POSTHOG)}),
    re_path(r"^capture/?$", take, {"route": Route(Dialect.POSTHOG)}),
    re_path(r"^v1/projects/(?P<key>[^/]+)/settings/?$", browser_settings),
]

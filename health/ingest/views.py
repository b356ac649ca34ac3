"""The addresses that SDKs send to. Never a redirect, a session or a cookie; 200 means kept.

Every answer satisfies the SDKs of Segment, RudderStack and PostHog at once: see docs/ingest.md.
"""

import base64
import json
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from health.ingest.accept import Receipt, Route, accept, check_key
from health.ingest.body import MAX_BODY_BYTES, read_body
from health.ingest.errors import BadBody, Refused
from health.tasks import wake_processor

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 60
TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    413: "Content too large",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Internal server error",
}
ANYBODY = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT = {
    **ANYBODY,
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-retry-count",
    "Access-Control-Max-Age": "86400",
}


@csrf_exempt
@login_not_required
def take(request: HttpRequest, route: Route) -> HttpResponse:
    """Take events: one call, or a batch of them."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=PREFLIGHT)
    if request.method != "POST":
        return problem(405, "method_not_allowed", "Send events with POST.", headers={"Allow": "POST, OPTIONS"})
    try:
        return _received(_take(request, route))
    except Refused as refused:
        return problem(refused.status, refused.code, refused.message)
    except UnreadablePostError:
        return problem(400, "incomplete_body", "The connection broke before the whole body had come.")
    except Exception:
        logger.exception("Events could not be taken.")
        return problem(500, "internal_error", "Something went wrong here; nothing was kept. Send the events again.")


@csrf_exempt
@login_not_required
def browser_settings(request: HttpRequest, key: str) -> HttpResponse:
    """Tell Segment's browser SDK where to send to."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=PREFLIGHT)
    try:
        source = check_key(key)
    except Refused as refused:
        return problem(404 if refused.status == 401 else refused.status, refused.code, refused.message)
    public = urlsplit(settings.PUBLIC_URL)
    segment = {
        "apiKey": source.write_key,
        "apiHost": f"{public.netloc}{public.path}/v1",
        "protocol": public.scheme,
        "unbundledIntegrations": [],
        "addBundledMetadata": False,
    }
    return _json(
        {
            "integrations": {"Segment.io": segment},
            "plan": {"track": {"__default": {"enabled": True}}, "identify": {}, "group": {}},
            "metrics": {"sampleRate": 0},
            "edgeFunction": {},
            "analyticsNextEnabled": True,
            "middlewareSettings": {},
            "enabledMiddleware": {},
            "remotePlugins": [],
        },
        headers={"Cache-Control": "public, max-age=60"},
    )


def problem(status: int, code: str, message: str, *, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return problem details with the members every SDK looks for, so that each stops or waits as it should."""
    content = {
        "type": "about:blank",
        "title": TITLES[status],
        "status": status,
        "detail": message,
        "success": False,
        "code": code,
        "message": message,
    }
    extra = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 429 else {}
    return _json(content, status=status, content_type="application/problem+json", headers={**extra, **(headers or {})})


def _take(request: HttpRequest, route: Route) -> Receipt:
    header_key, bearer = _keys_of_header(request.headers.get("Authorization", ""))
    now = timezone.now()
    try:
        plain, compressed = read_body(
            _reader(request),
            encoding=request.headers.get("Content-Encoding", ""),
            limit=MAX_BODY_BYTES[route.dialect],
        )
        body = route.split(plain)
    except BadBody:
        if header_key:  # a stranger learns nothing about their body
            check_key(header_key)
        raise
    receipt = accept(
        key=header_key or body.envelope.key or bearer, body=body, compressed=compressed, route=route, now=now
    )
    if body.events:
        wake_processor()
    return receipt


def _received(receipt: Receipt) -> HttpResponse:
    content = {
        "success": True,
        "status": 1,
        "code": 200,
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": receipt.rejected,
    }
    return _json(content)


def _json(
    content: dict[str, object],
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    """Return an answer that any page may read. Its length is said, so that the connection can be used again."""
    text = json.dumps(content).encode()
    length = {"Content-Length": str(len(text))}
    return HttpResponse(
        text, status=status, content_type=content_type, headers={**ANYBODY, **length, **(headers or {})}
    )


def _keys_of_header(header: str) -> tuple[str, str]:
    """Return (user name of Basic, token of Bearer), each "" when not given; the colon may be missing."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return "", value.strip()
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except ValueError:
        return "", ""
    return text.partition(":")[0], ""


def _reader(request: HttpRequest) -> Callable[[int], bytes]:
    """Return what reads the body: Django's reader, or the server's for a body without a length.

    Django reads nothing of a chunked body, though the server has taken it apart already.
    """
    if (
        isinstance(request, WSGIRequest)
        and "chunked" in request.environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        and request.environ.get("wsgi.input_terminated")
    ):
        read: Callable[[int], bytes] = request.environ["wsgi.input"].read
        return read
    return request.read

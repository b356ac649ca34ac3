"""One shape for everything that goes wrong: RFC 9457 problem details.

`errors` names each thing to mend: `pointer` (into the body, "#/name") or `parameter` (of the
address), a `code` for programs and a `message` for people.
"""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from rest_framework import exceptions, renderers
from rest_framework.exceptions import APIException, ErrorDetail
from rest_framework.response import Response

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
RETRY_SECONDS = 2
WHOLE_BODY = "non_field_errors"

# Words for what DRF and Django raise themselves; our own exceptions carry theirs.
CODES = {
    HTTPStatus.BAD_REQUEST: "invalid",
    HTTPStatus.UNAUTHORIZED: "not_authenticated",
    HTTPStatus.FORBIDDEN: "not_allowed",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.NOT_ACCEPTABLE: "not_acceptable",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.TOO_MANY_REQUESTS: "too_many_requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}


class Problem(APIException):
    """Something refused, with its status, code and words."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.code = code
        self.errors = errors or []
        self.headers = headers or {}


class InvalidRequest(Problem):
    """400 with the things to mend."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__(400, "invalid", summary_of(errors), errors=errors)


def summary_of(errors: list[dict[str, str]]) -> str:
    more = f" ({len(errors) - 1} more in errors)" if len(errors) > 1 else ""
    return errors[0]["message"] + more


def problem_body(
    status: int, code: str, detail: str, errors: list[dict[str, str]], instance: str = ""
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if instance:
        body["instance"] = instance
    return body | {"errors": errors}


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Answer a problem from outside of REST framework: an address that does not exist, a crash."""
    body = problem_body(problem.status_code, problem.code, str(problem.detail), problem.errors, request.path)
    return HttpResponse(
        renderers.JSONRenderer().render(body),
        status=problem.status_code,
        content_type=PROBLEM_TYPE,
        headers=problem.headers,
    )


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a view raised into a problem; what nobody foresaw is logged and is a 500."""
    request = context["request"]
    problem = _as_problem(exc)
    if problem is None:
        logger.error("API request failed", exc_info=exc)
        got_request_exception.send(sender=None, request=request._request)  # noqa: SLF001 -- the way Django itself tells
        problem = Problem(500, "server_error", "The server failed; the failure has been logged.")
    errors = problem.errors
    body = problem_body(problem.status_code, problem.code, str(problem.detail), errors, request.path)
    return Response(body, status=problem.status_code, headers=problem.headers, content_type=PROBLEM_TYPE)


def field_errors(detail: Any, pointer: str = "#") -> Iterator[dict[str, str]]:
    """Flatten a serializer's errors into pointers."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            at = pointer if name == WHOLE_BODY else f"{pointer}/{_escape(str(name))}"
            yield from field_errors(inner, at)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            at = pointer if isinstance(inner, str) else f"{pointer}/{index}"
            yield from field_errors(inner, at)
    else:
        code = detail.code if isinstance(detail, ErrorDetail) else "invalid"
        yield {"pointer": pointer, "code": str(code), "message": str(detail)}


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _as_problem(exc: Exception) -> Problem | None:
    """Return the problem an exception stands for, or None for a failure of ours."""
    problem: Problem | None = None
    match exc:
        case Problem():
            problem = exc
        case exceptions.ValidationError():
            problem = InvalidRequest(list(field_errors(exc.detail)))
        case Http404():
            problem = Problem(404, "not_found", str(exc) or "There is nothing at this address.")
        case PermissionDenied():
            problem = Problem(403, "not_allowed", str(exc) or "You may not do this.")
        case RequestDataTooBig():
            problem = Problem(413, "too_large", "The body is larger than this server takes.")
        case UnreadablePostError():
            problem = Problem(400, "invalid", "The body broke off before its end.")
        case IntegrityError():
            logger.warning("API request met a conflicting change", exc_info=exc)
            problem = Problem(409, "conflict", "Another request changed the same just now. Read it again, then retry.")
        case OperationalError() | InterfaceError():
            logger.warning("API request found the database unavailable", exc_info=exc)
            detail = "The database is busy or away; nothing was changed. Retry soon."
            problem = Problem(503, "unavailable", detail, headers={"Retry-After": str(RETRY_SECONDS)})
        case APIException():
            problem = _from_framework(exc)
    return problem


def _from_framework(exc: APIException) -> Problem:
    status = HTTPStatus(exc.status_code)
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    return Problem(status, CODES.get(status, "error"), str(exc.detail), headers=headers)

"""Logs: one line per record, with the request's id and without personal data.

What a request asked for is named by its route (`accounts/<int:pk>/`), never by its address:
addresses carry searches and tokens.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse

from cs_platform import env

SLOW_REQUEST_SECONDS = 1.0
HEADER = "X-Request-ID"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

request_id: ContextVar[str] = ContextVar("request_id", default="-")
logger = logging.getLogger(__name__)


def configuration() -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig`, from LOG_FORMAT and LOG_LEVEL."""
    log_format = env.text("LOG_FORMAT", "plain")
    if log_format not in {"plain", "json"}:
        msg = f"LOG_FORMAT must be plain or json, not {log_format!r}."
        raise env.SettingError(msg)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "cs_platform.logs.RequestIdFilter"}},
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
                "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            },
            "plain": {"format": "%(levelname)s %(name)s [%(request_id)s] %(message)s"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": log_format, "filters": ["request_id"]}},
        "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO").upper()},
        "loggers": {
            # Gunicorn's own handlers would print each line twice.
            "gunicorn.error": {"handlers": [], "propagate": True, "level": "INFO"},
            # A line for each wake-up, several times a minute; what was done or failed says team.work.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.worker.request": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            # These name addresses; the line of RequestLogMiddleware names the route instead.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"handlers": [], "propagate": False},
        },
    }


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class RequestLogMiddleware:
    """Give each request an id, put it on the response and every record, and log failed and slow requests.

    An id that a proxy sent in X-Request-ID is kept. With ACCESS_LOG=true every request is logged.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.log_all = env.flag("ACCESS_LOG")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get(HEADER, "")
        own = sent if _ACCEPTABLE_ID.fullmatch(sent) else uuid.uuid4().hex
        token = request_id.set(own)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            self._log(request, response, time.perf_counter() - started)
        finally:
            request_id.reset(token)
        response[HEADER] = own
        return response

    def _log(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        failed, slow = response.status_code >= 500, seconds >= SLOW_REQUEST_SECONDS
        if not (failed or slow or self.log_all):
            return
        route = request.resolver_match.route if request.resolver_match else "unknown"
        logger.log(
            logging.WARNING if failed or slow else logging.INFO,
            "%s /%s %s in %d ms",
            request.method,
            route,
            response.status_code,
            seconds * 1000,
        )

"""The figures of the System page in Prometheus' words."""

import hmac

from django.conf import settings
from django.http import HttpRequest
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from team.system import all_figures

LOOPBACK = {"127.0.0.1", "::1"}


def may_scrape(request: HttpRequest) -> bool:
    """Whether the request holds METRICS_TOKEN; without a token set, whether it comes from this machine."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    return request.META.get("REMOTE_ADDR") in LOOPBACK and "X-Forwarded-For" not in request.headers


def exposition() -> tuple[bytes, str]:
    """Return (body, content type). Unknown figures are left out."""
    registry = CollectorRegistry()
    for figure in all_figures():
        if figure.value is not None:
            Gauge(f"cs_{figure.name}", figure.help or figure.label, registry=registry).set(figure.value)
    return generate_latest(registry), CONTENT_TYPE_LATEST

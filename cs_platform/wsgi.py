"""WSGI entry point: ingest by its own short way, everything else by Django's."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_platform.settings")

pages = get_wsgi_application()

from health.ingest.wsgi import INGEST_PATH, IngestHandler  # noqa: E402 -- needs Django's settings

ingest = IngestHandler()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    handler = ingest if INGEST_PATH.match(environ.get("PATH_INFO", "")) else pages
    return handler(environ, start_response)

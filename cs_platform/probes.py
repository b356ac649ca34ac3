"""`/livez` and `/readyz` for load balancers and containers."""

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis import Redis, RedisError

TIMEOUT_SECONDS = 2


class ProbeMiddleware:
    """Answer the probes before anything else looks at the request.

    Probes come by address, without a name that ALLOWED_HOSTS knows, and without a session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/livez":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path_info == "/readyz":
            return readyz()
        return self.get_response(request)


def readyz() -> JsonResponse:
    """Answer 200 when this process can serve requests, else 503; the body says what is missing."""
    database = _database()
    checks = {
        "database": database,
        "redis": _redis(),
        "migrations": _migrations() if database == "ok" else "unknown",
    }
    return JsonResponse(checks, status=200 if set(checks.values()) == {"ok"} else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def _redis() -> str:
    client = Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
    try:
        client.ping()
    except RedisError:
        return "unreachable"
    finally:
        client.close()
    return "ok"


def _migrations() -> str:
    return "pending" if pending_migrations() else "ok"


def pending_migrations() -> list[str]:
    """Return the migrations that this program has and the database has not seen, as "app.name"."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]

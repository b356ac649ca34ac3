"""The root of the API: every resource under /api/v1/, the schema, and what is not there."""

from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path, reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from team.api.problems import Problem, problem_response
from team.api.views import ApiView

RESOURCES = [
    "accounts",
    "contacts",
    "subscriptions",
    "activities",
    "tickets",
    "survey-responses",
    "health-scores",
    "scorecards",
    "scorecard-versions",
    "scorecard-drafts",
    "score-overrides",
    "backtests",
    "incidents",
    "products",
    "users",
    "whoami",
    "schema",
]


class RootView(ApiView, ViewSet):
    """Where everything is."""

    @extend_schema(
        operation_id="root",
        summary="Find the resources",
        responses={"type": "object", "additionalProperties": {"type": "string", "format": "uri"}},
    )
    def retrieve(self, request: Request) -> Response:
        root = request.build_absolute_uri(reverse("api-root")).rstrip("/")
        return Response({name: f"{root}/{name}" for name in RESOURCES})


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI 3.1 description; it is the same for everybody. Takes a second the first time."""
    return dict(SchemaGenerator().get_schema(public=True))


@login_not_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """Answer the description as JSON, or as YAML when the address ends so. It holds no secrets."""
    if request.path.endswith(".yaml"):
        return HttpResponse(schema_text(), content_type="application/yaml")
    return HttpResponse(OpenApiJsonRenderer().render(description()), content_type="application/json")


def schema_text() -> str:
    """Return the description as docs/openapi.yaml holds it."""
    text: bytes = OpenApiYamlRenderer().render(description())
    return text.decode()


@login_not_required
@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Answer every other address below /api/ with a problem, and name the likely cause."""
    words = f"There is nothing at {request.path}."
    if request.path.endswith("/"):
        words += " Addresses of the API have no slash at the end."
    return problem_response(request, Problem(404, "not_found", words))


v1: list[URLPattern | URLResolver] = [
    path("", RootView.as_view({"get": "retrieve"}), name="api-root"),
    path("", include("team.api.urls")),
    path("", include("accounts.api.urls")),
    path("", include("health.urls_api")),
    path("schema", schema, name="api-schema"),
    path("schema.yaml", schema, name="api-schema-yaml"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("v1", RootView.as_view({"get": "retrieve"}, schema=None)),
    path("v1/", include(v1)),
    re_path("", nothing_here),
]

"""The root of the API: every resource under /api/v1/, the schema, and what is not there."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path, reverse
from django.views.decorators.csrf import csrf_exempt
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
    "products",
    "users",
    "whoami",
    "schema",
]


class RootView(ApiView, ViewSet):
    """Where everything is."""

    def retrieve(self, request: Request) -> Response:
        root = request.build_absolute_uri(reverse("api-root")).rstrip("/")
        return Response({name: f"{root}/{name}" for name in RESOURCES})


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Answer every other address below /api/ with a problem, and name the likely cause."""
    words = f"There is nothing at {request.path}."
    if request.path.endswith("/"):
        words += " Addresses of the API have no slash at the end."
    return problem_response(request, Problem(404, "not_found", words))


root = RootView.as_view({"get": "retrieve"})
v1: list[URLPattern | URLResolver] = [
    path("", root, name="api-root"),
    path("", include("team.api.urls")),
    path("", include("accounts.api.urls")),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("v1", root),
    path("v1/", include(v1)),
    re_path("", nothing_here),
]

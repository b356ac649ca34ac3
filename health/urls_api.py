"""Addresses of the API of health."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from health.api import AccountHealthView, HealthScoreResource

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("health-scores", HealthScoreResource, basename="api-health-score")

urlpatterns = [
    *router.urls,
    path("accounts/<str:pk>/score-history", AccountHealthView.as_view({"get": "list"}), name="api-score-history"),
    path("accounts/<str:pk>/receipt", AccountHealthView.as_view({"get": "receipt"}), name="api-receipt"),
]

"""Addresses about people."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from team.api.people import UserResource, WhoamiView

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("users", UserResource, basename="api-user")

urlpatterns = [*router.urls, path("whoami", WhoamiView.as_view({"get": "retrieve"}), name="api-whoami")]

"""A client that calls as another system does, and one that calls as a person."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from team.scopes import SCOPES
from team.services import create_api_key
from tests.factories import UserFactory

V1 = "/api/v1"


class ApiClient(Client):
    """Sends and reads JSON; paths are below /api/v1."""

    def __init__(self, key: str | None = None) -> None:
        super().__init__(raise_request_exception=True)
        self.headers_of_all = {"Authorization": f"Bearer {key}"} if key else {}

    def call(self, method, path, body=None, *, headers=None, raw=None, content_type="application/json"):
        url = path if path.startswith(("/api", "http")) else f"{V1}{path}"
        if raw is None and body is not None:
            raw = json.dumps(body)
        return self.generic(
            method, url, raw or "", content_type=content_type, headers={**self.headers_of_all, **(headers or {})}
        )

    def read(self, path, **headers):
        return self.call("GET", path, headers=headers)


def make_key(*scopes: str) -> str:
    return create_api_key(name="Test", scopes=scopes or list(SCOPES), now=timezone.now())[1]


@pytest.fixture
def api(db) -> ApiClient:
    """Another system with every scope."""
    return ApiClient(make_key())


@pytest.fixture(autouse=True)
def _settled(request, monkeypatch):
    """Rows of the test's own open transaction count as settled, unless the test commits for real."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction"):
        monkeypatch.setattr("team.api.paging.change_horizon", lambda: 2**62)
        monkeypatch.setattr("team.api.paging.time_horizon", lambda: timezone.now() + timezone.timedelta(days=1))


@pytest.fixture
def person(db):
    """Return a function that signs somebody in with an access level and more."""

    def sign_in(**fields) -> ApiClient:
        client = ApiClient()
        client.user = UserFactory(**fields)
        client.force_login(client.user)
        return client

    return sign_in


@pytest.fixture
def world(db, settings):
    """One account of a team with a row of every kind, and no limit on requests."""
    from tests.api.test_access import World

    settings.API_REQUESTS_PER_MINUTE = 0
    return World()

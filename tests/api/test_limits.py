"""How often a caller may ask, and what happens when Redis, which counts, is away."""

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisConnectionError

from team.api import limits
from tests.api.conftest import ApiClient, make_key
from tests.api.test_http import problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def quota(settings, clock):
    """Three requests a minute; it is twelve o'clock, so that the window has 60 seconds left."""
    settings.API_REQUESTS_PER_MINUTE = 3


def test_the_quota_counts_down_and_then_is_429(api, quota, clock):
    left = [api.read("/whoami")["RateLimit"] for _ in range(3)]
    assert left == [f'"default";r={n};t=60' for n in (2, 1, 0)]
    clock.shift(18)
    response = api.read("/whoami")
    assert "Go on in 42 seconds" in problem(response, 429, "too_many_requests")["detail"]
    assert (response["Retry-After"], response["RateLimit"]) == ("42", '"default";r=0;t=42')
    assert response["RateLimit-Policy"] == '"default";q=3;w=60'
    clock.shift(42)
    assert (api.read("/whoami").status_code, api.read("/whoami")["RateLimit"]) == (200, '"default";r=1;t=60')


def test_callers_have_a_quota_each(api, quota, person):
    for client in (api, ApiClient(make_key()), person()):
        assert [client.read("/whoami").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_wrong_keys_are_counted_by_address(quota):
    statuses = [ApiClient(f"cs_live_wrong{n}").read("/whoami").status_code for n in range(4)]
    assert statuses == [401, 401, 401, 429]
    assert ApiClient(make_key()).read("/whoami").status_code == 200


def test_refused_writes_do_nothing(api, quota):
    for _ in range(3):
        api.read("/whoami")
    problem(api.call("POST", "/accounts", {"name": "Late"}), 429, "too_many_requests")
    cache.clear()
    assert api.read("/accounts").json()["data"] == []


def test_without_a_quota_nothing_is_counted(api, settings):
    settings.API_REQUESTS_PER_MINUTE = 0
    assert "RateLimit" not in api.read("/whoami")


def test_with_redis_away_the_api_answers_and_stops_asking_for_a_while(api, quota, monkeypatch):
    asked = []

    def fail(*args, **kwargs):
        asked.append(args)
        raise RedisConnectionError("Connection refused")

    monkeypatch.setattr(limits, "_asks_again_at", 0.0)
    monkeypatch.setattr(limits.cache, "add", fail)
    answers = [api.call("POST", "/accounts", {"name": f"Account {n}"}) for n in range(5)]
    assert [(answer.status_code, "RateLimit" in answer) for answer in answers] == [(201, False)] * 5
    assert len(asked) == 1
    monkeypatch.undo()
    monkeypatch.setattr(limits, "_asks_again_at", 0.0)
    assert "RateLimit" in api.read("/whoami")

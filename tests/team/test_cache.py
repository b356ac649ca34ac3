import pytest
from redis import Redis

from cs_platform.servers.place import free_port
from team.cache import ForgivingRedisCache


@pytest.fixture
def away():
    """A cache whose Redis is not there."""
    return ForgivingRedisCache(f"redis://127.0.0.1:{free_port(1)}/0", {})


def test_without_redis_this_process_remembers(away):
    assert away.add("a", 1) is True
    assert away.add("a", 2) is False
    assert away.incr("a") == 2
    away.set_many({"b": 3, "c": 4})
    assert away.get_many(["a", "b", "c", "d"]) == {"a": 2, "b": 3, "c": 4}
    assert away.touch("a", 10) is True
    assert away.delete("a") is True
    assert away.get("a", "gone") == "gone"
    away.delete_many(["b"])
    assert away.has_key("c") is True
    away.clear()
    assert away.get("c") is None


def test_redis_is_asked_again_after_the_pause(settings):
    cache = ForgivingRedisCache(settings.REDIS_URL, {"OPTIONS": {"db": "15"}})
    cache.away_until = float("inf")
    cache.set("a", "here")
    cache.away_until = 0.0
    assert cache.get("a") is None
    cache.set("a", "there")
    client = Redis.from_url(settings.REDIS_URL, db=15)
    assert client.exists(":1:a") == 1
    client.close()
